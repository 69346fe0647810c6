"""``finetune``: train one arm of a study and test it once, as one MLflow run.

Order: everything that can be wrong is checked first (study, data, encoder, folders), then the run is
opened, trained (resumable), tested once on the test split, and closed. ``compare`` calls ``run_cell``
for each of its cells; both paths give the same run.
"""

from __future__ import annotations

import functools
import json
import logging
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from colliderfm.config.flatten import flatten, params_sha256
from colliderfm.config.load import unknown_choice
from colliderfm.config.project import project_root
from colliderfm.config.schema import Params
from colliderfm.errors import ConfigError
from colliderfm.pipelines.cell_command import (
    FinetuneRequest,
    changed_settings,
    command_of,
    settings_of_cell,
)
from colliderfm.pipelines.code_digest import code_digest
from colliderfm.pipelines.encoder import Encoder, champion, resolve_encoder
from colliderfm.pipelines.folders import event_set_folder, writable_folder
from colliderfm.studies import load_study
from colliderfm.studies.protocol import Cell, CellResult, Study

log = logging.getLogger(__name__)

CODE_OF_A_CELL = (
    "physics",
    "stats",
    "data",
    "nn",
    "losses",
    "models",
    "train",
    "evaluate",
    "baselines",
)


@dataclass(frozen=True)
class PreparedCell:
    """A cell with everything resolved: what is trained, on which bytes, where."""

    cell: Cell
    encoder: Encoder | None
    data_folder: str
    data_md5: str
    key: str
    folder: str
    command: str


@dataclass(frozen=True)
class FinetuneSummary:
    """Result of one cell as printed and as stored in ``result.json``."""

    run_id: str
    cell: Cell
    metrics: dict[str, float]
    training: dict[str, Any]
    folder: str
    commit: str = ""

    def __str__(self) -> str:
        keys = [key for key in headline_metrics(self.cell.study) if key in self.metrics]
        lines = [f"{self.cell.study}: {self.cell.name}  (run {self.run_id})"]
        lines += [f"  {key:36} {self.metrics[key]:.4g}" for key in keys]
        return "\n".join(lines)


def headline_metrics(study: str) -> list[str]:
    """Return the metrics that a study shows first."""
    columns = load_study(study).view_columns
    return [name.removeprefix("metrics.") for name in columns if name.startswith("metrics.")]


def finetune(params: Params, request: FinetuneRequest) -> FinetuneSummary:
    """Train one arm of a study and test it once.

    Parameters
    ----------
    params : Params
        The checked parameters.
    request : FinetuneRequest
        Study, arm, encoder, training events, seed.

    Returns
    -------
    FinetuneSummary

    Raises
    ------
    ConfigError, DataError, CheckpointError, TrackingError
        Before any training, if an argument, the data, the encoder or the store is unusable.
    Interrupted
        On SIGTERM or Ctrl-C; the same command resumes.
    """
    prepared = prepare(params, request)
    summary = run_cell(params, prepared, again=True)
    if request.register:
        _register(summary, prepared)
    return summary


def prepare(params: Params, request: FinetuneRequest) -> PreparedCell:
    """Check a request and resolve its data, its encoder and its number of training events."""
    study = load_study(request.study)
    if request.init not in study.arms:
        raise unknown_choice("init", request.init, study.arms)
    if not 0.0 < request.fraction <= 1.0:
        raise ConfigError("--fraction", got=request.fraction, need="a number in (0, 1]")
    if request.events < 0:
        raise ConfigError("--events", got=request.events, need="0 (use --fraction) or more")
    folder, md5 = event_set_folder(params, request.data or study.settings(params).set)
    data = load_data(request.study, params, folder)
    cell = study.cell(params, data, request.init, request.events, request.fraction, request.seed)
    encoder = None
    if request.init == "pretrained":
        encoder = resolve_encoder(request.encoder or champion(study.family))
        study.check_encoder(params, Path(encoder.folder))
    key = cell_key(params, study, cell, encoder, md5)
    run_folder = writable_folder(project_root() / params.paths.runs / study.name / key[:16])
    return PreparedCell(
        cell,
        encoder,
        str(folder),
        md5,
        key,
        str(run_folder),
        command_of(request, changed_settings(params, study, cell)),
    )


@functools.lru_cache(maxsize=2)
def _load_data(study_name: str, settings: str, folder: str) -> Any:
    params = Params.model_validate_json(settings)
    return load_study(study_name).load(params, Path(folder))


def load_data(study_name: str, params: Params, folder: Path | str) -> Any:
    """Return a study's event set; read once per process."""
    return _load_data(study_name, params.model_dump_json(), str(folder))


def cell_key(
    params: Params, study: Study, cell: Cell, encoder: Encoder | None, data_md5: str
) -> str:
    """Return the digest of all that decides a cell's numbers: equal key, equal result."""
    content = {
        "cell": asdict(cell),
        "settings": params_sha256(settings_of_cell(params, study, cell)),
        "model": params_sha256(getattr(params.model, study.family)),
        "encoder": encoder.sha256 if encoder else None,
        "data": data_md5,
        "code": code_digest((*CODE_OF_A_CELL, *study_modules(study.name))),
        "threads": params.compute.threads,
        "events_per_pass": params.compute.events_per_pass,
    }
    return params_sha256(content)


def study_modules(name: str) -> tuple[str, ...]:
    """Return the modules of a study that decide a cell's numbers (not its figures and tables)."""
    return tuple(load_study(name).modules_of_a_cell)


def run_cell(params: Params, prepared: PreparedCell, *, again: bool = False) -> FinetuneSummary:
    """Run a prepared cell in its own MLflow run, or return the stored result.

    Parameters
    ----------
    params : Params
        The checked parameters.
    prepared : PreparedCell
        From ``prepare``.
    again : bool
        Make a new run even if a finished one with the same key exists in the store.
    """
    from colliderfm.tracking.run import open_run
    from colliderfm.tracking.runs import find_cell

    study, cell = load_study(prepared.cell.study), prepared.cell
    status = find_cell(study.name, prepared.key)
    if not again and (stored := stored_result(prepared, status.finished)) is not None:
        return stored
    data = load_data(cell.study, params, prepared.data_folder)
    encoder = Path(prepared.encoder.folder) if prepared.encoder else None
    if status.resumable is None:
        shutil.rmtree(prepared.folder, ignore_errors=True)
    folder = writable_folder(Path(prepared.folder))
    tags = run_tags(params, prepared)
    commit = tags.get("git.commit", "")
    with open_run(
        study.name, cell.name, run_params(params, prepared), tags, run_id=status.resumable
    ) as run:
        name = Path(prepared.data_folder).name
        run.log_dataset(name, prepared.data_md5, prepared.data_folder, "train")
        result = study.run(params, data, cell, encoder, folder, run)
        _write_result(run, prepared, result, folder, commit)
    metrics, training = dict(result.metrics), dict(result.training)
    return FinetuneSummary(run.run_id, cell, metrics, training, prepared.folder, commit)


def run_params(params: Params, prepared: PreparedCell) -> dict[str, Any]:
    """Return the parameters of a run: the grouping keys first, then the resolved tree."""
    cell = prepared.cell
    pretraining = prepared.encoder.variant if prepared.encoder else "none"
    top = {
        "study": cell.study,
        "group": f"{cell.events} {cell.init}",
        "init": cell.init,
        "pretraining": pretraining,
        "fraction": round(cell.fraction, 6),
        "events": cell.events,
        "seed": cell.seed,
        "size": getattr(params.model, load_study(cell.study).family).label,
    }
    return {**top, **{key: value for key, value in flatten(params).items() if key != "seed"}}


def run_tags(params: Params, prepared: PreparedCell) -> dict[str, str]:
    """Return the provenance tags of a run."""
    from colliderfm.tracking.provenance import provenance

    tags = provenance("finetune", params.model_dump(mode="json"), prepared.data_md5)
    tags |= {"cell.key": prepared.key, "command": prepared.command}
    if prepared.encoder:
        tags |= prepared.encoder.tags()
    return tags


def stored_result(prepared: PreparedCell, finished: str | None) -> FinetuneSummary | None:
    """Return the stored result of a cell, if its files and its finished run are both there."""
    path = Path(prepared.folder) / "result.json"
    if finished is None or not path.is_file():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    if content["key"] != prepared.key:
        return None
    return FinetuneSummary(
        content["run_id"],
        prepared.cell,
        content["metrics"],
        content["training"],
        prepared.folder,
        content["commit"],
    )


def _write_result(
    run: Any, prepared: PreparedCell, result: CellResult, folder: Path, commit: str
) -> None:
    import pandas as pd

    run.log_metrics(dict(result.metrics), step=int(result.training.get("updates", 0)))
    numbers = {k: v for k, v in result.training.items() if isinstance(v, int | float)}
    run.log_metrics({f"train/{key}": float(value) for key, value in numbers.items()}, step=0)
    run.set_tags({"stopped": str(result.training.get("stopped", ""))})
    pd.DataFrame(dict(result.predictions)).to_parquet(folder / "predictions.parquet", index=False)
    content = {
        "key": prepared.key,
        "run_id": run.run_id,
        "metrics": dict(result.metrics),
        "training": dict(result.training),
        "commit": commit,
    }
    partial = folder / "result.json.partial"
    partial.write_text(json.dumps(content), encoding="utf-8")
    run.log_folder(folder / "model", "model")
    run.log_file(folder / "predictions.parquet")
    partial.replace(folder / "result.json")


def _register(summary: FinetuneSummary, prepared: PreparedCell) -> None:
    from colliderfm.tracking.registry import register

    tags = {"source_run": summary.run_id, "cell.key": prepared.key}
    version = register(
        Path(summary.folder) / "model", summary.cell.study, tags, run_id=summary.run_id
    )
    log.info("registered %s version %d", summary.cell.study, version)
