"""States and ranks that do not fit are refused with what, got, need and fix."""

from __future__ import annotations

import pytest

from colliderfm.data.loader_state import check_identity, check_rank
from colliderfm.errors import CheckpointError, ConfigError


def test_possible_ranks_pass_and_others_are_refused() -> None:
    for rank in range(3):
        check_rank(rank, 3)
    for rank in (-1, 3):
        with pytest.raises(ConfigError, match="0 to 2"):
            check_rank(rank, 3)


def test_an_equal_identity_passes_whatever_the_position() -> None:
    check_identity("event", "data", {"seed": 1}, {"seed": 1, "epoch": 7})


@pytest.mark.parametrize("state", [{"seed": 2}, {}])
def test_a_change_is_named_with_both_values(state: dict[str, int]) -> None:
    with pytest.raises(CheckpointError) as raised:
        check_identity("event", "data", {"batch_size": 8, "seed": 1}, {"batch_size": 8} | state)
    text = str(raised.value)
    assert "cannot resume the event loader: seed changed" in text
    assert f"{state.get('seed')}, as when the checkpoint was written" in text
    assert "resume with the same data and settings" in text
