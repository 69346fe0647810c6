"""``sweep``: choose an arm's learning rates on the validation split, with Optuna.

A trial trains with several seeds (training subset and initial weights) and is worth their mean score.

The Optuna study lives in ``sqlite:///optuna.db`` (or ``OPTUNA_STORAGE``), so that several processes and
machines share it and a killed trial is retried. Each trial is a nested MLflow run; the parent run holds
the best values. The test split is never touched.
"""

from __future__ import annotations

import json
import logging
import os
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import yaml
from optuna.exceptions import ExperimentalWarning
from optuna.storages import RetryHeartbeatStaleTrialCallback

from colliderfm.config.flatten import params_sha256
from colliderfm.config.load import unknown_choice
from colliderfm.config.project import project_root
from colliderfm.config.schema import LearningRates, Params
from colliderfm.pipelines.executor import open_executor, run_all
from colliderfm.pipelines.finetune import (
    FinetuneRequest,
    PreparedCell,
    load_data,
    prepare,
    run_params,
    run_tags,
)
from colliderfm.studies import load_study
from colliderfm.train.protocols import SilentTracker

log = logging.getLogger(__name__)

# First seed, far from those of a comparison: a sweep must not see a compared training subset.
SWEEP_SEED = 1000
HEARTBEAT_S = 30


@dataclass(frozen=True)
class SweepRequest:
    """Arguments of ``sweep``; see ``colliderfm sweep --help``."""

    study: str
    init: str = "pretrained"
    encoder: str = ""
    trials: int = 0
    workers: int = 0
    resume: bool = True
    scheduler: str = ""
    out: str = ""


@dataclass(frozen=True)
class SweepSummary:
    """Best learning rates of an arm and where they stand."""

    init: str
    best: dict[str, float]
    score: float
    n_trials: int
    overlay: Path

    def __str__(self) -> str:
        rates = ", ".join(f"{name}={value:.3g}" for name, value in self.best.items())
        return f"{self.init}: {rates} (validation {self.score:.4f}, {self.n_trials} trials) -> {self.overlay}"


def sweep(params: Params, request: SweepRequest) -> SweepSummary:
    """Run the missing trials of a sweep and write its best values as an overlay.

    Parameters
    ----------
    params : Params
        ``studies.<study>.sweep`` is the search space and the budget.
    request : SweepRequest
        Study, arm, encoder, trials.

    Raises
    ------
    ConfigError
        If the arm has no learning rates to choose.
    """
    if request.init not in ("scratch", "pretrained"):
        raise unknown_choice("init", request.init, ("scratch", "pretrained"))
    workers = request.workers or params.compute.workers
    params = _single_threaded(params)
    settings = load_study(request.study).settings(params)
    prepared = prepare(
        params,
        FinetuneRequest(
            request.study, request.init, request.encoder, 1.0, settings.sweep.events, SWEEP_SEED
        ),
    )
    name = f"{request.study}-{request.init}-{prepared.key[:12]}-{settings.sweep.seeds}-seeds"
    if not request.resume:
        _forget(name)
    study = _open_study(name, seed=params.seed)
    parent = _open_parent(params, prepared, name)
    _run_missing(params, request, prepared, name, parent, workers)
    summary = _summarize(params, request, study, _overlay_path(request))
    _close_parent(parent, request, summary)
    return summary


def run_trials(
    params: Params, prepared: PreparedCell, name: str, parent: str, n: int, seed: int
) -> int:
    """Run ``n`` trials of a shared sweep in this process; return how many."""
    from colliderfm.pipelines.session import start

    start()
    study = _open_study(name, seed)
    study.optimize(lambda trial: _objective(trial, params, prepared, parent), n_trials=n)
    return n


def _objective(trial: optuna.Trial, params: Params, prepared: PreparedCell, parent: str) -> float:
    from colliderfm.tracking.run import open_run

    physics = load_study(prepared.cell.study)
    space = physics.settings(params).sweep
    rates = {
        key: trial.suggest_float(key, *getattr(space, key), log=True)
        for key in ("encoder_learning_rate", "head_learning_rate")
    }
    tried = with_learning_rates(params, prepared.cell.study, prepared.cell.init, rates)
    tags = run_tags(tried, prepared) | {
        "stage": "sweep-trial",
        "mlflow.parentRunId": parent,
        "optuna.trial": str(trial.number),
    }
    tags.pop("cell.key")
    folder = Path(prepared.folder) / f"trial-{trial.number}"
    data = load_data(prepared.cell.study, tried, prepared.data_folder)
    encoder = Path(prepared.encoder.folder) if prepared.encoder else None
    name = f"{prepared.cell.init} trial {trial.number}"
    scores = []
    with open_run(prepared.cell.study, name, run_params(tried, prepared), tags) as run:
        for index in range(space.seeds):
            cell = replace(prepared.cell, seed=SWEEP_SEED + index)
            # The learning curve in MLflow is that of the first seed.
            tracker = SilentTracker() if index else run
            at = folder / f"seed-{cell.seed}"
            scores.append(physics.validate(tried, data, cell, encoder, at, tracker))
            run.log_metrics({f"sweep/validation_score_seed_{index}": scores[-1]}, step=0)
        run.log_metrics({"sweep/validation_score": float(np.mean(scores))}, step=0)
    trial.set_user_attr("scores", scores)
    return float(np.mean(scores))


def with_learning_rates(params: Params, study: str, init: str, rates: dict[str, float]) -> Params:
    """Return the parameters with an arm's learning rates replaced."""
    tree = params.model_dump(mode="json")
    tree["studies"][study][init] |= LearningRates(**rates).model_dump()
    return Params.model_validate(tree)


def _storage() -> optuna.storages.RDBStorage:
    url = os.environ.get("OPTUNA_STORAGE", f"sqlite:///{project_root() / 'optuna.db'}")
    with warnings.catch_warnings():
        # The heartbeat is marked experimental; it is what finds the trials of killed workers.
        warnings.simplefilter("ignore", ExperimentalWarning)
        return optuna.storages.RDBStorage(
            url,
            heartbeat_interval=HEARTBEAT_S,
            grace_period=4 * HEARTBEAT_S,
            heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(max_retry=2),
        )


def _open_study(name: str, seed: int) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(
        storage=_storage(),
        sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=4),
        study_name=name,
        direction="maximize",
        load_if_exists=True,
    )


def _forget(name: str) -> None:
    storage = _storage()
    if name in [summary.study_name for summary in optuna.get_all_study_summaries(storage)]:
        optuna.delete_study(study_name=name, storage=storage)


def _finished(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    return study.get_trials(states=(optuna.trial.TrialState.COMPLETE,))


def _run_missing(
    params: Params,
    request: SweepRequest,
    prepared: PreparedCell,
    name: str,
    parent: str,
    workers: int,
) -> None:
    budget = request.trials or load_study(request.study).settings(params).sweep.trials
    missing = budget - len(_finished(_open_study(name, params.seed)))
    log.info("sweep %s: %d of %d trials to run", name, max(missing, 0), budget)
    if missing <= 0:
        return
    workers = min(workers, missing)
    shares = [missing // workers + (index < missing % workers) for index in range(workers)]
    jobs = [
        (params, prepared, name, parent, share, params.seed + index)
        for index, share in enumerate(shares)
    ]
    with open_executor(workers, request.scheduler) as executor:
        for _ in run_all(executor, run_trials, jobs, "sweep worker"):
            pass


def _open_parent(params: Params, prepared: PreparedCell, name: str) -> str:
    from colliderfm.tracking.run import open_run

    tags = run_tags(params, prepared) | {"stage": "sweep", "optuna.study": name}
    tags.pop("cell.key")
    title = f"sweep {prepared.cell.init}"
    with open_run(prepared.cell.study, title, run_params(params, prepared), tags) as run:
        return str(run.run_id)


def _summarize(
    params: Params, request: SweepRequest, study: optuna.Study, overlay: Path
) -> SweepSummary:
    best = study.best_trial
    tree = {"studies": {request.study: {request.init: dict(best.params)}}}
    overlay.parent.mkdir(parents=True, exist_ok=True)
    head = f"# chosen by `colliderfm sweep --study {request.study} --init {request.init}` on validation\n"
    overlay.write_text(head + yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")
    trials = [
        {"number": trial.number, "value": trial.value, **trial.user_attrs, **trial.params}
        for trial in _finished(study)
    ]
    content = {"init": request.init, "params_sha256": params_sha256(params), "trials": trials}
    overlay.with_suffix(".json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return SweepSummary(
        request.init, dict(best.params), float(best.value or 0.0), len(trials), overlay
    )


def _overlay_path(request: SweepRequest) -> Path:
    return project_root() / (request.out or f"configs/sweeps/{request.study}_{request.init}.yaml")


def _close_parent(parent: str, request: SweepRequest, summary: SweepSummary) -> None:
    from colliderfm.tracking.run import open_run

    metrics: dict[str, Any] = {
        "sweep/best_validation_score": summary.score,
        "sweep/trials": summary.n_trials,
    }
    metrics |= {f"sweep/best_{key}": value for key, value in summary.best.items()}
    with open_run(request.study, f"sweep {request.init}", run_id=parent) as run:
        run.log_metrics(metrics, step=0)
        run.log_file(summary.overlay)


def _single_threaded(params: Params) -> Params:
    compute = params.compute.model_copy(update={"threads": 1})
    return params.model_copy(update={"compute": compute})
