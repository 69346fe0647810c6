"""``evaluate``: test a trained model on any compatible event set, as a run of its own.

For pretrained encoders read ``evaluate_encoder.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from colliderfm.config.flatten import flatten
from colliderfm.config.project import project_root
from colliderfm.config.schema import Params
from colliderfm.errors import ConfigError
from colliderfm.pipelines.finetune import headline_metrics, load_data
from colliderfm.pipelines.folders import event_set_folder, writable_folder
from colliderfm.studies import load_study

if TYPE_CHECKING:
    from colliderfm.pipelines.evaluate_encoder import EncoderEvaluation


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


@dataclass(frozen=True)
class EvaluateRequest:
    """Arguments of ``evaluate``; see ``colliderfm evaluate --help``."""

    study: str = ""
    run_id: str = ""
    model: str = ""
    encoder: str = ""
    data: str = ""
    out: str = ""


def evaluate(params: Params, request: EvaluateRequest) -> EvaluateSummary | EncoderEvaluation:
    """Test a model of a study on the test split of an event set, or judge a pretrained encoder.

    Parameters
    ----------
    params : Params
        The checked parameters.
    request : EvaluateRequest
        Either a study with a finetune run or a model (registered, or a folder) of it; or an encoder
        alone, see ``evaluate_encoder``. The event set is that of the training unless named.

    Raises
    ------
    ConfigError
        If it is not clear what to evaluate.
    DataError, CheckpointError, TrackingError
        If the data, the model or the run is unusable.
    """
    given = [bool(word) for word in (request.run_id, request.model, request.encoder)]
    if sum(given) != 1 or bool(request.study) == bool(request.encoder):
        raise ConfigError(
            "evaluate takes a model of a study, or an encoder",
            got=", ".join(f"{key} {word}" for key, word in vars(request).items() if word)
            or "nothing",
            need="--study with one of --run and --model, or --encoder without a study",
        )
    if request.encoder:
        from colliderfm.pipelines.evaluate_encoder import evaluate_encoder

        return evaluate_encoder(params, request.encoder, data=request.data, out=request.out)
    return _evaluate_model(params, request)


def _evaluate_model(params: Params, request: EvaluateRequest) -> EvaluateSummary:
    from colliderfm.tracking.provenance import provenance
    from colliderfm.tracking.run import open_run

    study, run_id, model = request.study, request.run_id, request.model
    physics = load_study(study)
    folder, md5 = event_set_folder(params, request.data or physics.settings(params).set)
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
