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
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from colliderfm.config.project import project_root
from colliderfm.config.schema import Params
from colliderfm.pipelines.cell_command import FinetuneRequest
from colliderfm.pipelines.executor import open_executor, run_all
from colliderfm.pipelines.finetune import (
    FinetuneSummary,
    PreparedCell,
    headline_metrics,
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
    encoder: str = ""
    data: str = ""
    workers: int = 0
    scheduler: str = ""
    out: str = ""
    hours: float = 0.0


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
        Study, encoder, data, workers, output folder, and the hours after which no further cell is
        begun (0 = no limit); cells that were not run are listed in ``not_run.json``.

    Returns
    -------
    CompareSummary
        With the mean of the headline metrics per arm and training size.
    """
    workers = request.workers or params.compute.workers
    cells = prepare_cells(_one_thread_each(params, workers), request)
    out = writable_folder(project_root() / (request.out or f"outputs/compare/{request.study}"))
    found, n_run = _run_missing(_one_thread_each(params, workers), cells, workers, request)
    table = write_comparison(out, cells, found)
    write_run_record(out, [summary.run_id for summary in found if summary])
    return CompareSummary(request.study, out, len(cells), n_run, _means(request.study, table))


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
) -> tuple[list[FinetuneSummary | None], int]:
    from colliderfm.tracking.runs import find_cells

    known = find_cells(request.study)
    found: list[FinetuneSummary | None] = [
        stored_result(cell, known[cell.key].finished) if cell.key in known else None
        for cell in cells
    ]
    missing = [index for index, summary in enumerate(found) if summary is None]
    log.info("%s: %d of %d cells to run", request.study, len(missing), len(cells))
    if missing:
        # Long cells first, so that no worker is left alone with one at the end; under a time limit
        # small ones first, so that as many rows as possible are complete.
        sign = 1 if request.hours else -1
        order = sorted(missing, key=lambda index: sign * cells[index].cell.events)
        end = time.time() + 3600.0 * request.hours if request.hours else math.inf
        jobs = [(params, cells[index], end) for index in order]
        with open_executor(min(workers, len(jobs)), request.scheduler) as executor:
            for position, summary in run_all(executor, run_one, jobs, f"{request.study} cell"):
                found[order[position]] = summary
    return found, sum(found[index] is not None for index in missing)


def run_one(params: Params, prepared: PreparedCell, end: float) -> FinetuneSummary | None:
    """Run one cell in a worker process; None if the time (seconds of the epoch) is over."""
    from colliderfm.pipelines.session import start

    start()
    return run_cell(params, prepared) if time.time() < end else None


def write_comparison(
    out: Path, cells: Sequence[PreparedCell], found: Sequence[FinetuneSummary | None]
) -> pd.DataFrame:
    """Write cells, histories, details and not_run as JSON, and predictions/; return the cells."""
    shutil.rmtree(out, ignore_errors=True)
    (out / "predictions").mkdir(parents=True)
    done = [(cell, summary) for cell, summary in zip(cells, found, strict=True) if summary]
    histories, details = {}, {}
    for cell, summary in done:
        name = cell_file_name(cell.cell.init, cell.cell.events, cell.cell.seed)
        shutil.copy(Path(cell.folder) / "predictions.parquet", out / f"predictions/{name}.parquet")
        histories[name] = _rounded(summary.training.get("history", []))
        details[name] = _rounded(summary.training.get("report_details", {}))
    rows = [_row(cell, summary) for cell, summary in done]
    _write_json(out / "cells.json", rows)
    _write_json(out / "histories.json", histories)
    (out / "details.json").write_text(json.dumps(details) + "\n", encoding="utf-8")
    not_run = [cell.cell.name for cell, summary in zip(cells, found, strict=True) if not summary]
    _write_json(out / "not_run.json", not_run)
    runs = [
        {"run_id": summary.run_id, "seconds": summary.training.get("seconds", 0.0)}
        | {"key": cell.key, "commit": summary.commit}
        for cell, summary in done
    ]
    _write_json(runs_file(out), runs)
    return pd.DataFrame(rows)


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


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


def _means(study: str, table: pd.DataFrame) -> pd.DataFrame:
    keys = [key for key in headline_metrics(study) if key in table]
    return table.groupby(["events", "init"])[keys].mean().round(4)
