"""``compare``: run the missing cells of a study's comparison, arms x training events x seeds.

A cell whose result and run exist is not run again, so an interrupted comparison goes on where it
stopped. What is written below ``--out`` holds no times, run ids or commits: equal input, equal bytes.
Those stand beside it in ``<out>-runs.json``.
"""

from __future__ import annotations

import json
import logging
import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from colliderfm.config.project import project_root
from colliderfm.config.schema import Params
from colliderfm.pipelines.executor import open_executor, run_all
from colliderfm.pipelines.finetune import (
    FinetuneRequest,
    FinetuneSummary,
    PreparedCell,
    prepare,
    run_cell,
    stored_result,
)
from colliderfm.pipelines.folders import writable_folder
from colliderfm.pipelines.run_record import runs_file, write_run_record

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CompareRequest:
    """Arguments of ``compare``; see ``colliderfm compare --help``."""

    study: str
    encoder: str = "models:/event-encoder@champion"
    data: str = ""
    workers: int = 0
    scheduler: str = ""
    out: str = ""


@dataclass(frozen=True)
class CompareSummary:
    """What ``compare`` did."""

    study: str
    folder: Path
    n_cells: int
    n_run: int
    table: pd.DataFrame

    def __str__(self) -> str:
        head = f"{self.study}: {self.n_cells} cells, {self.n_run} run now -> {self.folder}"
        return f"{head}\n{self.table.to_string()}"


def compare(params: Params, request: CompareRequest) -> CompareSummary:
    """Run the missing cells of a comparison and gather all of them.

    Parameters
    ----------
    params : Params
        ``studies.<study>.comparison`` is the grid.
    request : CompareRequest
        Study, encoder, data, workers, output folder.

    Returns
    -------
    CompareSummary
        With the mean of the headline metrics per arm and training size.
    """
    workers = request.workers or params.compute.workers
    cells = prepare_cells(_one_thread_each(params, workers), request)
    out = writable_folder(project_root() / (request.out or f"outputs/compare/{request.study}"))
    summaries, n_run = _run_missing(_one_thread_each(params, workers), cells, workers, request)
    table = write_comparison(out, cells, summaries)
    write_run_record(out, [summary.run_id for summary in summaries])
    return CompareSummary(request.study, out, len(cells), n_run, _means(table))


def prepare_cells(params: Params, request: CompareRequest) -> list[PreparedCell]:
    """Return every cell of the grid, resolved; pairs of arms with equal seed stand together."""
    from colliderfm.studies import load_study

    grid = load_study(request.study).settings(params).comparison
    requests = [
        FinetuneRequest(
            request.study, init, request.encoder, 1.0, events, seed, request.data, register=False
        )
        for seed in range(grid.seeds)
        for events in grid.events
        for init in grid.inits
    ]
    return [prepare(params, one) for one in requests]


def _one_thread_each(params: Params, workers: int) -> Params:
    threads = max(1, params.compute.threads // workers)
    return params.model_copy(
        update={"compute": params.compute.model_copy(update={"threads": threads})}
    )


def _run_missing(
    params: Params, cells: Sequence[PreparedCell], workers: int, request: CompareRequest
) -> tuple[list[FinetuneSummary], int]:
    from colliderfm.tracking.runs import find_cells

    known = find_cells(request.study)
    found: list[FinetuneSummary | None] = [
        stored_result(cell, known[cell.key].finished) if cell.key in known else None
        for cell in cells
    ]
    missing = [index for index, summary in enumerate(found) if summary is None]
    log.info("%s: %d of %d cells to run", request.study, len(missing), len(cells))
    if missing:
        # Long cells first, so that no worker is left alone with one at the end.
        order = sorted(missing, key=lambda index: -cells[index].cell.events)
        jobs = [(params, cells[index]) for index in order]
        with open_executor(min(workers, len(jobs)), request.scheduler) as executor:
            for position, summary in run_all(executor, run_one, jobs, f"{request.study} cell"):
                found[order[position]] = summary
    return [summary for summary in found if summary is not None], len(missing)


def run_one(params: Params, prepared: PreparedCell) -> FinetuneSummary:
    """Run one cell in a worker process."""
    from colliderfm.pipelines.session import start

    start()
    return run_cell(params, prepared)


def write_comparison(
    out: Path, cells: Sequence[PreparedCell], summaries: Sequence[FinetuneSummary]
) -> pd.DataFrame:
    """Write cells.json, histories.json and predictions/ below ``out``; return the cells."""
    shutil.rmtree(out, ignore_errors=True)
    (out / "predictions").mkdir(parents=True)
    rows = [_row(cell, summary) for cell, summary in zip(cells, summaries, strict=True)]
    histories = {}
    for cell, summary in zip(cells, summaries, strict=True):
        name = cell_file_name(cell.cell.init, cell.cell.events, cell.cell.seed)
        shutil.copy(Path(cell.folder) / "predictions.parquet", out / f"predictions/{name}.parquet")
        histories[name] = _rounded(summary.training.get("history", []))
    (out / "cells.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    (out / "histories.json").write_text(json.dumps(histories) + "\n", encoding="utf-8")
    seconds = [summary.training.get("seconds", 0.0) for summary in summaries]
    extra = [
        {"run_id": summary.run_id, "seconds": second, "key": cell.key}
        for cell, summary, second in zip(cells, summaries, seconds, strict=True)
    ]
    runs_file(out).write_text(json.dumps(extra, indent=1) + "\n", encoding="utf-8")
    return pd.DataFrame(rows)


def cell_file_name(init: str, events: int, seed: int) -> str:
    """Return the name under which a cell's predictions and history are kept."""
    return f"{init}_n{events}_s{seed}"


def _row(prepared: PreparedCell, summary: FinetuneSummary) -> dict[str, Any]:
    cell, encoder = prepared.cell, prepared.encoder
    training = {key: summary.training.get(key) for key in ("updates", "updates_to_best", "stopped")}
    content = {
        "init": cell.init,
        "events": cell.events,
        "fraction": cell.fraction,
        "seed": cell.seed,
        "pretraining": encoder.variant if encoder else "none",
        "encoder_version": encoder.version if encoder else 0,
        "encoder_sha256": encoder.sha256 if encoder else "",
        "data_md5": prepared.data_md5,
        "command": prepared.command,
        **training,
        **dict(summary.metrics),
    }
    return dict(_rounded(content))


def _rounded(value: Any) -> Any:
    """Round floats to 6 digits: the last bits depend on the processor, not on the physics."""
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(inner) for inner in value]
    if isinstance(value, float | np.floating):
        return float(f"{float(value):.6g}") if math.isfinite(value) else None
    return value


def _means(table: pd.DataFrame) -> pd.DataFrame:
    keys = [
        key for key in ("test/auc", "test/rejection_at_50", "test/rejection_at_25") if key in table
    ]
    return table.groupby(["events", "init"])[keys].mean().round(4)
