"""Messages of at most four lines: what, got, need, fix; one exit code per kind of failure."""

from __future__ import annotations

import pickle

import pytest

from colliderfm import errors
from colliderfm.errors import ColliderFMError

EXIT_CODES = {
    "ConfigError": 2,
    "DataError": 3,
    "CheckpointError": 4,
    "TrainingError": 5,
    "TrackingError": 6,
    "PhysicsError": 7,
    "Interrupted": 75,
}
KINDS = [getattr(errors, name) for name in EXIT_CODES]


def test_exit_codes_are_the_documented_ones() -> None:
    classes = {
        name: value.exit_code
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, ColliderFMError)
    }
    assert classes == EXIT_CODES | {"ColliderFMError": 1}


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_has_four_lines_in_order(kind: type[ColliderFMError]) -> None:
    error = kind("file.parquet", got=-1.0, need="a positive energy", fix="remove the row")
    assert str(error).splitlines() == [
        f"{kind.label}: file.parquet",
        "  got:  -1.0",
        "  need: a positive energy",
        "  fix:  remove the row",
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_lines_without_content_are_left_out(kind: type[ColliderFMError]) -> None:
    assert str(kind("too short")) == f"{kind.label}: too short"
    assert str(kind("too short", fix="ask for less")).splitlines()[1:] == ["  fix:  ask for less"]


def test_a_value_that_is_false_is_still_shown() -> None:
    assert "got:  0" in str(ColliderFMError("events", got=0))


def test_labels_differ() -> None:
    assert len({kind.label for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_all_fields_survive_the_way_from_a_worker_process(kind: type[ColliderFMError]) -> None:
    error = kind("what", got="got", need="need", fix="fix")
    # What the process pool does with an exception; the bytes are our own.
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert (copy.what, copy.got, copy.need, copy.fix) == ("what", "got", "need", "fix")
    assert str(copy) == str(error)
