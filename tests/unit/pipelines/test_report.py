"""Reading back what a comparison wrote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from colliderfm.errors import DataError
from colliderfm.pipelines.report import read_cells


@pytest.fixture
def comparison(tmp_path: Path) -> Path:
    """A comparison of two cells."""
    folder = tmp_path / "compare" / "haa"
    folder.mkdir(parents=True)
    cells = [{"init": init, "events": 100, "seed": 0} for init in ("scratch", "pretrained")]
    runs = [{"run_id": name, "seconds": 1.0, "key": "k"} for name in ("a", "b")]
    (folder / "cells.json").write_text(json.dumps(cells), encoding="utf-8")
    (folder.parent / "haa-runs.json").write_text(json.dumps(runs), encoding="utf-8")
    return folder


def test_runs_are_joined_to_their_cells(comparison: Path) -> None:
    table = read_cells(comparison, with_runs=True)
    assert list(table["run_id"]) == ["a", "b"]
    assert list(table["init"]) == ["scratch", "pretrained"]
    assert "key" not in table


def test_a_reproducible_report_knows_no_runs(comparison: Path) -> None:
    assert list(read_cells(comparison, with_runs=False)) == ["init", "events", "seed"]


def test_cells_can_be_read_without_their_runs(comparison: Path) -> None:
    (comparison.parent / "haa-runs.json").unlink()
    assert "run_id" not in read_cells(comparison, with_runs=True)


def test_a_missing_comparison_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no comparison in") as caught:
        read_cells(tmp_path, with_runs=False)
    assert "colliderfm compare" in str(caught.value.fix)
