"""``evaluate``: test a trained model on any compatible event set, as a run of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from colliderfm.config.flatten import flatten
from colliderfm.config.project import project_root
from colliderfm.config.schema import Params
from colliderfm.errors import ConfigError
from colliderfm.pipelines.finetune import headline_metrics, load_data
from colliderfm.pipelines.folders import event_set_folder, writable_folder
from colliderfm.studies import load_study


@dataclass(frozen=True)
class EvaluateSummary:
    """Metrics of an evaluation and where its predictions are."""

    study: str
    run_id: str
    metrics: dict[str, float]
    predictions: Path

    def __str__(self) -> str:
        lines = [f"evaluation run {self.run_id} -> {self.predictions}"]
        keys = [key for key in headline_metrics(self.study) if key in self.metrics]
        lines += [f"  {key:36} {self.metrics[key]:.4g}" for key in keys]
        return "\n".join(lines)


def evaluate(
    params: Params, study: str, *, run_id: str = "", model: str = "", data: str = ""
) -> EvaluateSummary:
    """Test a model on the test split of an event set.

    Parameters
    ----------
    params : Params
        The checked parameters.
    study : str
        Name of the study.
    run_id : str
        Finetune run whose model is tested; or
    model : str
        A registered model or a folder.
    data : str
        Event set; empty means that of the study.

    Raises
    ------
    ConfigError
        If not exactly one of ``run_id`` and ``model`` is given.
    DataError, CheckpointError, TrackingError
        If the data, the model or the run is unusable.
    """
    from colliderfm.tracking.provenance import provenance
    from colliderfm.tracking.run import open_run

    if bool(run_id) == bool(model):
        raise ConfigError(
            "evaluate needs --run or --model", got=f"--run {run_id!r} --model {model!r}"
        )
    physics = load_study(study)
    folder, md5 = event_set_folder(params, data or physics.settings(params).set)
    tables = load_data(study, params, folder)
    model_folder = _model_folder(run_id, model)
    result = physics.test(params, tables, model_folder)
    tags = provenance("evaluate", params.model_dump(mode="json"), md5)
    tags |= {"evaluates": run_id or model}
    tree = {key: value for key, value in flatten(params).items() if key != "seed"}
    name = f"evaluate {run_id[:8] or model}"
    with open_run(study, name, {"study": study, **tree}, tags) as run:
        out = writable_folder(project_root() / params.paths.runs / study / f"evaluate-{run.run_id}")
        path = out / "predictions.parquet"
        pd.DataFrame(dict(result.predictions)).to_parquet(path, index=False)
        run.log_dataset(folder.name, md5, str(folder), "test")
        run.log_metrics(dict(result.metrics), step=0)
        run.log_file(path)
    return EvaluateSummary(study, str(run.run_id), dict(result.metrics), path)


def _model_folder(run_id: str, model: str) -> Path:
    from colliderfm.tracking.registry import resolve
    from colliderfm.tracking.run import download_model

    if run_id:
        return download_model(run_id)
    return Path(
        resolve(model if model.startswith("models:/") else str(project_root() / model)).folder
    )
