"""Reading back what a comparison wrote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from colliderfm.errors import DataError
from colliderfm.pipelines.comparison_files import read_cells, read_part, read_variants


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


def write_part(folder: Path, rows: list[dict[str, object]], not_run: list[str]) -> None:
    """A comparison as `compare` leaves it."""
    folder.mkdir(parents=True)
    (folder / "cells.json").write_text(json.dumps(rows), encoding="utf-8")
    (folder / "not_run.json").write_text(json.dumps(not_run), encoding="utf-8")


def row(init: str, events: int, seed: int, auc: float, encoder: str = "") -> dict[str, object]:
    grid = {"init": init, "events": events, "seed": seed}
    return {**grid, "encoder_sha256": encoder, "data_md5": "d", "test/auc": auc}


def test_comparisons_of_one_encoder_are_merged_and_shared_runs_counted_once(tmp_path: Path) -> None:
    shared = row("scratch", 590, 0, 0.8)
    write_part(tmp_path / "cls", [shared, row("pretrained", 590, 0, 0.9, "a")], [])
    more = [shared, row("scratch", 58970, 0, 0.7)]
    write_part(tmp_path / "cls" / "everything", more, ["pretrained n=58970 s0"])
    write_part(tmp_path / "ssl" / "few", [row("pretrained", 590, 0, 0.6, "b")], [])
    (tmp_path / "notes").mkdir()
    tables, not_run = read_variants(tmp_path)
    assert list(tables) == ["cls", "ssl"]
    found = [(r.init, r.events, r.seed) for r in tables["cls"].itertuples()]
    assert found == [("scratch", 590, 0), ("pretrained", 590, 0), ("scratch", 58970, 0)]
    assert not_run == ["cls: pretrained n=58970 s0"]


def test_a_folder_of_scratch_runs_serves_all_encoders(tmp_path: Path) -> None:
    write_part(tmp_path / "scratch", [row("scratch", 590, seed, 0.8) for seed in (0, 1)], [])
    write_part(tmp_path / "cls", [row("pretrained", 590, 0, 0.9, "a")], [])
    write_part(tmp_path / "all", [row("pretrained", 590, 1, 0.9, "b")], [])
    tables, _ = read_variants(tmp_path)
    assert list(tables) == ["all", "cls"]
    assert list(tables["cls"]["init"]) == ["pretrained", "scratch", "scratch"]
    assert list(tables["all"]["seed"]) == [1, 0, 1]


def test_two_encoders_in_one_folder_are_refused(tmp_path: Path) -> None:
    write_part(tmp_path / "cls", [row("pretrained", 590, 0, 0.9, "aaa")], [])
    write_part(tmp_path / "cls" / "more", [row("pretrained", 590, 1, 0.9, "bbb")], [])
    with pytest.raises(DataError, match="encoder cls") as caught:
        read_variants(tmp_path)
    assert "aaa and bbb" in str(caught.value)


def test_a_folder_without_comparisons_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no comparison below"):
        read_variants(tmp_path)


def test_an_incomplete_comparison_names_the_file_it_lacks(comparison: Path) -> None:
    with pytest.raises(DataError, match="is incomplete") as caught:
        read_part(comparison, "details.json")
    assert caught.value.got == "no details.json"
