"""``report``: tables and figures of a comparison, its MLflow ``summary`` run and its saved view.

With ``--out`` below ``reports/starter`` (a DVC stage) the files hold no commit, run id or time, so that
equal results give equal bytes; a committed report has them in every row.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from colliderfm.config.flatten import flatten
from colliderfm.config.project import project_root
from colliderfm.config.schema import Params
from colliderfm.errors import ConfigError
from colliderfm.pipelines.compare import cell_file_name
from colliderfm.pipelines.comparison_files import read_cells, read_part, read_variants
from colliderfm.pipelines.encoder import champion, resolve_encoder
from colliderfm.pipelines.run_record import write_run_record
from colliderfm.studies import STUDIES, load_study

VIEW_KEY = "scratch-vs-pretrained"


@dataclass(frozen=True)
class ReportSummary:
    """Where a report is and what its headline says."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class ReportRequest:
    """Arguments of ``report``.

    Parameters
    ----------
    study : str
        Name of a study, or ``all``.
    source : str
        Folder that ``compare`` wrote; empty means its default.
    out : str
        Folder of the report; empty means ``reports/STUDY``.
    question : str
        Side question that the comparison answers: makes a short report, listed on the page above it.
    equal_updates : str
        Folder of a second comparison in which every run had the same number of updates.
    variants : bool
        ``source`` holds one folder per encoder, with one or more comparisons in each: write one page
        of what every encoder buys over scratch; ``question`` is its title.
    encoder : str
        Registered encoder or folder that the comparison started from, for studies that draw its
        latent; empty means the champion of the study's family.
    show : bool
        Only print the headline table of the existing starter report and how to open the UI.
    """

    study: str = "all"
    source: str = ""
    out: str = ""
    question: str = ""
    equal_updates: str = ""
    variants: bool = False
    encoder: str = ""
    show: bool = False


def report(params: Params, request: ReportRequest) -> ReportSummary:
    """Write the report of one study or of all.

    Raises
    ------
    ConfigError
        If there is no such study, or it has no page of variants.
    DataError
        If there is no comparison in the source, those of an encoder do not fit together, or a figure
        needs another encoder.
    TrackingError
        If a figure needs the encoder and there is no such one.
    """
    study = request.study
    names = STUDIES if study == "all" else (load_study(study).name,)
    if request.variants and len(names) > 1:
        raise ConfigError("--variants", got=f"--study {study}", need="one study")
    if request.show:
        return ReportSummary("\n\n".join(_existing(name) for name in names))
    write = _write_variants if request.variants else _write
    return ReportSummary("\n\n".join(write(params, name, request) for name in names))


def _write(params: Params, name: str, request: ReportRequest) -> str:
    root = project_root()
    folder = root / (request.source or f"outputs/compare/{name}")
    target = root / (request.out or f"reports/{name}")
    reproducible = target.is_relative_to(root / "reports" / "starter")
    cells = read_cells(folder, with_runs=not reproducible)
    physics = load_study(name)
    extras = _extras(folder, cells, reproducible) | _title(request)
    address = request.encoder or champion(physics.family)
    extras["find_encoder"] = lambda: Path(resolve_encoder(address).folder)
    if request.equal_updates:
        extras["equal_updates"] = read_cells(root / request.equal_updates, with_runs=False)
    files = physics.report(params, cells, target, extras)
    return _finish(params, name, target, cells, len(files))


def _write_variants(params: Params, name: str, request: ReportRequest) -> str:
    root = project_root()
    folder = root / (request.source or f"outputs/variants-{name}")
    target = root / (request.out or f"reports/{name}/variants")
    tables, not_run = read_variants(folder)
    cells = pd.concat(tables.values(), ignore_index=True)
    extras = {"variants": tables, "not_run": not_run} | _title(request)
    files = load_study(name).report(params, cells, target, extras)
    return _finish(params, name, target, cells, len(files))


def _title(request: ReportRequest) -> dict[str, Any]:
    return {"question": request.question} if request.question else {}


def _finish(params: Params, name: str, target: Path, cells: pd.DataFrame, n_files: int) -> str:
    """Track a written report and say where it is."""
    root = project_root()
    run_id, address = _track(params, name, target, cells)
    write_run_record(root / "outputs" / "report" / name, [run_id])
    (root / "outputs" / "report" / f"{name}-view.txt").write_text(address + "\n", encoding="utf-8")
    headline = load_study(name).headline(target)
    shown = target.relative_to(root) if target.is_relative_to(root) else target
    return f"{headline}\n{n_files} files -> {shown}\ncompare in the UI: {address}"


def _extras(folder: Path, cells: pd.DataFrame, reproducible: bool) -> dict[str, Any]:
    keys = [(row.init, int(row.events), int(row.seed)) for row in cells.itertuples()]
    names = ("histories.json", "details.json", "not_run.json")
    histories, details, not_run = (read_part(folder, name) for name in names)
    seeds = cells["seed"].nunique()
    scale = "starter scale" if reproducible else "full scale"
    return {
        "predictions": {
            key: folder / "predictions" / f"{cell_file_name(*key)}.parquet" for key in keys
        },
        "histories": {key: histories[cell_file_name(*key)] for key in keys},
        "details": {key: details[cell_file_name(*key)] for key in keys},
        "scale": f"{scale}, {seeds} seeds",
        "not_run": not_run,
    }


def _track(params: Params, name: str, target: Path, cells: pd.DataFrame) -> tuple[str, str]:
    from colliderfm.tracking.provenance import provenance
    from colliderfm.tracking.run import open_run
    from colliderfm.tracking.views import save_view

    metrics = json.loads((target / "metrics.json").read_text(encoding="utf-8"))
    md5 = str(cells["data_md5"].iloc[0])
    tags = provenance("summary", params.model_dump(mode="json"), md5)
    tree = {key: value for key, value in flatten(params).items() if key != "seed"}
    with open_run(name, "summary", {"study": name, **tree}, tags) as run:
        run.log_metrics({key: value for key, value in metrics.items() if value is not None}, step=0)
        run.log_folder(target, "report")
    address = save_view(name, VIEW_KEY, load_study(name).view_columns, ("group",))
    return str(run.run_id), address


def _existing(name: str) -> str:
    root = project_root()
    view = root / "outputs" / "report" / f"{name}-view.txt"
    address = view.read_text(encoding="utf-8").strip() if view.is_file() else ""
    headline = load_study(name).headline(root / "reports" / "starter" / name)
    return (
        f"{headline}\n\nreport:   reports/starter/{name}/report.md"
        f"\nMLflow:   make ui, then open {address}"
    )
