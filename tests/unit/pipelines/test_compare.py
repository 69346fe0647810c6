"""What a comparison leaves behind: rounded, named by cell, equal bytes for equal results."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from colliderfm.config.load import load_params
from colliderfm.pipelines.compare import (
    _one_thread_each,
    _rounded,
    cell_file_name,
    write_comparison,
)
from colliderfm.pipelines.encoder import Encoder
from colliderfm.pipelines.finetune import FinetuneSummary, PreparedCell
from colliderfm.studies.protocol import Cell

ENCODER = Encoder("event-encoder", 3, "f" * 64, "cls-assign", "encoders/event-encoder")


def finished(
    folder: Path, init: str, seed: int, auc: float
) -> tuple[PreparedCell, FinetuneSummary]:
    """A cell that was run, with its predictions on disk."""
    cell = Cell("haa", init, 100, 0.01, seed)
    place = folder / f"{init}-{seed}"
    place.mkdir(parents=True)
    frame = pd.DataFrame({"event_id": ["qcd_4b/1/0"], "score": [auc]})
    frame.to_parquet(place / "predictions.parquet", index=False)
    encoder = ENCODER if init == "pretrained" else None
    key = f"{init}{seed}".ljust(64, "0")
    prepared = PreparedCell(
        cell, encoder, "data/haa", "d" * 32, key, str(place), "colliderfm finetune"
    )
    training = {
        "updates": 50,
        "updates_to_best": 25,
        "stopped": "plateau",
        "seconds": 1.5 + seed,
        "history": [{"update": 25, "val/auc": auc}],
    }
    summary = FinetuneSummary(f"run-{init}-{seed}", cell, {"test/auc": auc}, training, str(place))
    return prepared, summary


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.123456789, 0.123457),
        (1234567.8, 1234570.0),
        (np.float32(0.1), 0.1),
        (float("inf"), None),
        (float("nan"), None),
        (7, 7),
        ("word", "word"),
        (None, None),
        (True, True),
        ([0.123456789, {"a": 1e-9 / 3}], [0.123457, {"a": 3.33333e-10}]),
    ],
)
def test_floats_keep_six_digits(value: object, expected: object) -> None:
    assert _rounded(value) == expected


def test_the_last_bits_of_a_number_do_not_matter() -> None:
    assert _rounded(0.8123411) == _rounded(0.8123411 * (1 + 1e-12))


def test_a_file_is_named_after_its_cell() -> None:
    assert cell_file_name("pretrained", 300, 7) == "pretrained_n300_s7"


def test_results_stand_in_three_places_and_the_runs_beside_them(tmp_path: Path) -> None:
    cells = [finished(tmp_path, "scratch", 0, 0.7), finished(tmp_path, "pretrained", 0, 0.8)]
    out = tmp_path / "outputs" / "compare" / "haa"
    table = write_comparison(out, [c for c, _ in cells], [s for _, s in cells])
    rows = json.loads((out / "cells.json").read_text(encoding="utf-8"))
    assert [row["init"] for row in rows] == ["scratch", "pretrained"]
    assert [row["pretraining"] for row in rows] == ["none", "cls-assign"]
    assert [row["encoder_version"] for row in rows] == [0, 3]
    assert list(table["test/auc"]) == [0.7, 0.8]
    names = {path.stem for path in (out / "predictions").iterdir()}
    histories = json.loads((out / "histories.json").read_text(encoding="utf-8"))
    assert names == set(histories) == {"scratch_n100_s0", "pretrained_n100_s0"}
    runs = json.loads((out.parent / "haa-runs.json").read_text(encoding="utf-8"))
    assert [run["run_id"] for run in runs] == ["run-scratch-0", "run-pretrained-0"]


def test_outs_do_not_depend_on_times_and_run_ids(tmp_path: Path) -> None:
    contents = []
    for attempt in ("first", "second"):
        prepared, summary = finished(tmp_path / attempt, "scratch", 0, 0.7)
        summary.training["seconds"] = 10.0 if attempt == "first" else 20.0
        summary = FinetuneSummary(
            f"run-{attempt}", summary.cell, summary.metrics, summary.training, summary.folder
        )
        out = tmp_path / attempt / "out"
        write_comparison(out, [prepared], [summary])
        contents.append(
            {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*.*")}
        )
    assert contents[0] == contents[1]
    assert len(contents[0]) == 5


def test_cells_that_were_not_run_are_named(tmp_path: Path) -> None:
    prepared, summary = finished(tmp_path, "scratch", 0, 0.7)
    other, _ = finished(tmp_path, "pretrained", 0, 0.8)
    out = tmp_path / "out"
    table = write_comparison(out, [other, prepared], [None, summary])
    assert list(table["init"]) == ["scratch"]
    not_run = json.loads((out / "not_run.json").read_text(encoding="utf-8"))
    assert not_run == ["pretrained n=100 s0"]
    assert [path.stem for path in (out / "predictions").iterdir()] == ["scratch_n100_s0"]


def test_an_earlier_comparison_leaves_nothing_behind(tmp_path: Path) -> None:
    prepared, summary = finished(tmp_path, "scratch", 0, 0.7)
    out = tmp_path / "out"
    (out / "predictions").mkdir(parents=True)
    (out / "predictions" / "scratch_n100_s9.parquet").touch()
    write_comparison(out, [prepared], [summary])
    assert [path.name for path in (out / "predictions").iterdir()] == ["scratch_n100_s0.parquet"]


@pytest.mark.parametrize(
    ("threads", "workers", "each"), [(2, 2, 1), (8, 2, 4), (1, 4, 1), (3, 2, 1)]
)
def test_workers_share_the_threads(project: Path, threads: int, workers: int, each: int) -> None:
    params = load_params(project, assignments=[f"compute.threads={threads}"])
    assert _one_thread_each(params, workers).compute.threads == each
