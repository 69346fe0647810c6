"""Gate, promotion, rollback and history."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from colliderfm.errors import TrackingError
from colliderfm.tracking.promotion import GateResult, history, promote, rollback
from colliderfm.tracking.registry import alias_version, list_versions, register

NAME = "event-encoder"
MakeFolder = Callable[[int], Path]


def passing(champion: int | None) -> GateResult:
    return GateResult("macro AUC", 0.9, None if champion is None else 0.8, 0.01, champion)


@pytest.fixture
def versions(store: Path, model_folder: MakeFolder) -> list[int]:
    return [register(model_folder(content), NAME) for content in (1, 2, 3)]


@pytest.mark.parametrize(
    ("candidate", "passed"), [(0.82, False), (0.8201, True), (0.79, False), (0.9, True)]
)
def test_gate_asks_for_more_than_twice_the_error(candidate: float, passed: bool) -> None:
    # 0.5 and 0.25 are exact in binary: the edge itself does not pass.
    assert GateResult("m", 1.0, 0.5, 0.25, 1).passed is False
    assert GateResult("m", candidate, 0.8, 0.01, 1).passed is passed


def test_gate_without_a_champion_passes_and_says_so() -> None:
    result = GateResult("macro AUC", 0.7, None, 0.01, None)
    assert result.passed
    assert result.reason == "passed: macro AUC 0.7000, no champion to beat"


def test_reason_shows_the_numbers() -> None:
    result = GateResult("macro AUC", 0.81, 0.8, 0.01, 4)
    assert result.reason == (
        "refused: macro AUC 0.8100 against 0.8000 of version 4, gain +0.0100, needed > 0.0200"
    )


def test_champion_is_replaced_and_kept_as_previous(versions: list[int]) -> None:
    assert promote(NAME, 1, gate=passing).is_promoted
    outcome = promote(NAME, 2, gate=passing)
    assert (outcome.is_promoted, outcome.replaced) == (True, 1)
    assert (alias_version(NAME, "champion"), alias_version(NAME, "previous")) == (2, 1)
    tags = {entry.version: entry.tags for entry in list_versions(NAME)}
    assert tags[2]["replaced"] == "1"
    assert tags[1]["replaced_by"] == "2"
    assert tags[2]["gate"].startswith("passed")
    assert tags[2]["promoted_at"].startswith("20")


def test_refusal_is_an_outcome_and_stands_in_the_history(versions: list[int]) -> None:
    promote(NAME, 1, gate=passing)
    outcome = promote(NAME, 2, gate=GateResult("macro AUC", 0.805, 0.8, 0.01, 1))
    assert not outcome.is_promoted
    assert alias_version(NAME, "champion") == 1
    assert alias_version(NAME, "previous") is None
    assert [(event["version"], event["event"]) for event in history(NAME)] == [
        (1, "promoted"),
        (2, "refused"),
    ]


def test_verdict_against_an_earlier_champion_does_not_count(versions: list[int]) -> None:
    promote(NAME, 1, gate=passing)
    promote(NAME, 2, gate=passing)
    outcome = promote(NAME, 3, gate=passing(1))
    assert not outcome.is_promoted
    assert outcome.reason == "refused: measured against version 1, champion is now 2"


def test_gate_is_measured_again_when_the_champion_changed_meanwhile(versions: list[int]) -> None:
    promote(NAME, 1, gate=passing)
    measured: list[int | None] = []

    def slow_gate(champion: int | None) -> GateResult:
        measured.append(champion)
        if len(measured) == 1:
            promote(NAME, 2, gate=passing)
        return passing(champion)

    outcome = promote(NAME, 3, gate=slow_gate)
    assert measured == [1, 2]
    assert (outcome.is_promoted, outcome.replaced) == (True, 2)


def test_promoting_the_champion_changes_nothing(versions: list[int]) -> None:
    promote(NAME, 1, gate=passing)
    assert promote(NAME, 1, gate=passing).reason == "version 1 is champion already"
    assert len(history(NAME)) == 1


def test_other_alias_needs_no_gate_but_the_champion_does(versions: list[int]) -> None:
    assert promote(NAME, 2, to="cls").is_promoted
    assert alias_version(NAME, "cls") == 2
    assert alias_version(NAME, "champion") is None
    with pytest.raises(TrackingError, match="chosen by the gate"):
        promote(NAME, 2)


def test_unknown_version_is_refused(versions: list[int]) -> None:
    with pytest.raises(TrackingError, match="has no version 9") as caught:
        promote(NAME, 9, gate=passing)
    assert caught.value.got == "versions 3, 2, 1"


def test_rollback_returns_and_returns_again(versions: list[int]) -> None:
    with pytest.raises(TrackingError, match="no previous champion"):
        rollback(NAME)
    promote(NAME, 1, gate=passing)
    promote(NAME, 2, gate=passing)
    assert (rollback(NAME).version, alias_version(NAME, "champion")) == (1, 1)
    assert (rollback(NAME).version, alias_version(NAME, "champion")) == (2, 2)
    events = [(event["version"], event["event"]) for event in history(NAME)]
    assert events[-2:] == [(2, "rolled back to"), (1, "rolled back from")]
