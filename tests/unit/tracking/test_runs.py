"""Cells are found again, dead runs are marked, and nothing is listed twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from colliderfm.errors import Interrupted, TrackingError
from colliderfm.tracking.process import HOST_TAG, START_TAG
from colliderfm.tracking.run import open_run
from colliderfm.tracking.runs import CellStatus, find_cell, find_cells, list_runs, reap, run_tags
from colliderfm.tracking.store import client


def cell(key: str) -> dict[str, str]:
    return {"stage": "finetune", "cell.key": key}


def abandon(run_id: str) -> None:
    """Leave a run as ``kill -9`` does: RUNNING, its process gone."""
    client().update_run(run_id, status="RUNNING")
    client().set_tag(run_id, START_TAG, "1")


def test_cells_are_told_apart_by_how_they_ended(store: Path) -> None:
    with open_run("haa", "done", tags=cell("a")) as done:
        pass
    with pytest.raises(Interrupted), open_run("haa", "stopped", tags=cell("b")) as stopped:
        raise Interrupted("preempted")
    with open_run("haa", "killed", tags=cell("c")) as killed:
        pass
    abandon(killed.run_id)
    with open_run("haa", "runs", tags=cell("d")) as runs:
        assert find_cells("haa") == {
            "a": CellStatus(finished=done.run_id),
            "b": CellStatus(resumable=stopped.run_id),
            "c": CellStatus(resumable=killed.run_id),
            "d": CellStatus(running=runs.run_id),
        }


def test_newest_run_of_a_cell_counts(store: Path) -> None:
    for _ in range(2):
        with open_run("haa", "again", tags=cell("a")) as run:
            pass
    assert find_cell("haa", "a").finished == run.run_id


def test_run_of_another_machine_cannot_be_called_dead(store: Path) -> None:
    with open_run("haa", "far", tags=cell("a")) as run:
        pass
    abandon(run.run_id)
    client().set_tag(run.run_id, HOST_TAG, "elsewhere/00000000")
    assert find_cell("haa", "a") == CellStatus(running=run.run_id)
    assert reap() == []


def test_unknown_experiment_has_no_cells(store: Path) -> None:
    assert find_cells("nowhere") == {}
    assert find_cell("nowhere", "a") == CellStatus()


def test_only_runs_of_dead_processes_are_reaped(store: Path) -> None:
    with open_run("haa", "dead") as dead:
        pass
    abandon(dead.run_id)
    with open_run("haa", "alive") as alive:
        assert reap() == [dead.run_id]
        assert client().get_run(alive.run_id).info.status == "RUNNING"
    found = client().get_run(dead.run_id)
    assert found.info.status == "KILLED"
    assert found.data.tags["error"] == "the process died without closing the run"


def test_runs_are_listed_newest_first_with_their_experiment(store: Path) -> None:
    with open_run("haa", "one", tags={"stage": "finetune"}):
        pass
    with pytest.raises(ValueError, match="x"), open_run("pretrain-event", "two", tags=cell("a")):
        raise ValueError("x")
    rows = [(row.name, row.experiment, row.status, row.is_resumable) for row in list_runs()]
    assert rows == [("two", "pretrain-event", "FAILED", True), ("one", "haa", "FINISHED", False)]
    assert [row.name for row in list_runs(["haa"])] == ["one"]


def test_tags_of_an_unknown_run_are_an_error(store: Path) -> None:
    with open_run("haa", "one", tags={"command": "colliderfm finetune --study haa"}) as run:
        pass
    assert run_tags(run.run_id)["command"] == "colliderfm finetune --study haa"
    with pytest.raises(TrackingError, match="find run"):
        run_tags("0" * 32)
