"""The files beside the outs of a stage that name its runs."""

from __future__ import annotations

from pathlib import Path

from colliderfm.pipelines.run_record import read_run_record, run_file, runs_file, write_run_record


def test_records_stand_beside_the_outs(tmp_path: Path) -> None:
    out = tmp_path / "compare" / "haa"
    assert run_file(out) == tmp_path / "compare" / "haa-run.json"
    assert runs_file(out) == tmp_path / "compare" / "haa-runs.json"


def test_a_dot_in_the_name_is_kept(tmp_path: Path) -> None:
    assert run_file(tmp_path / "v1.2").name == "v1.2-run.json"


def test_what_is_written_is_read(tmp_path: Path) -> None:
    out = tmp_path / "haa"
    write_run_record(out, ["b" * 32, "a" * 32])
    assert read_run_record(out) == ["b" * 32, "a" * 32]
    assert not out.exists()


def test_the_folder_is_made_where_it_is_missing(tmp_path: Path) -> None:
    out = tmp_path / "outputs" / "report" / "haa"
    write_run_record(out, ["a" * 32])
    assert read_run_record(out) == ["a" * 32]


def test_without_a_record_there_are_no_runs(tmp_path: Path) -> None:
    assert read_run_record(tmp_path / "haa") == []
