"""Open a tracked run, or continue one whose process ended. Read next: ``runs``."""

from __future__ import annotations

import getpass
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from colliderfm.errors import TrackingError
from colliderfm.tracking.launcher import link_launcher
from colliderfm.tracking.process import PID_TAG, is_alive, is_here, process_tags
from colliderfm.tracking.store import client, experiment_id, guard, project_root
from colliderfm.tracking.tracked_run import ERROR_TAG, LONGEST_TAG, TrackedRun

if TYPE_CHECKING:
    from mlflow.entities import Run

MODEL_FOLDER = "model"
RESUMED_TAG = "colliderfm.resumed"


def open_run(
    experiment: str,
    name: str,
    params: Mapping[str, object] | None = None,
    tags: Mapping[str, object] | None = None,
    run_id: str | None = None,
) -> TrackedRun:
    """Open a run in an experiment, or continue one.

    Parameters
    ----------
    experiment, name : str
        Experiment, and name of the run in lists.
    params, tags : mapping, optional
        Resolved parameters (logged once) and tags.
    run_id : str, optional
        Continue this run instead of opening one; it keeps the parameters it began with, so the
        caller must know that those which decide its numbers are the same.

    Returns
    -------
    TrackedRun
        Ends FINISHED; FAILED after an error; KILLED after an interruption that can be resumed.

    Raises
    ------
    TrackingError
        If the run to continue does not exist, or is being written by a living process.
    """
    described = {
        "mlflow.user": getpass.getuser(),
        "mlflow.source.name": "colliderfm",
        "mlflow.source.type": "LOCAL",
        "colliderfm.command": shlex.join(["colliderfm", *sys.argv[1:]]),
        **process_tags(),
        **(tags or {}),
    }
    if run_id is None:
        experiment_number = experiment_id(experiment)
        texts = {key: str(value)[:LONGEST_TAG] for key, value in described.items()}
        with guard("open a run in"):
            made = client().create_run(experiment_number, run_name=name, tags=texts)
        run = TrackedRun(made.info.run_id, experiment_number)
    else:
        run = _continue_run(run_id)
        run.set_tags(described)
    try:
        run.log_params(params or {})
    except TrackingError as error:
        run.__exit__(type(error), error, None)
        raise
    link_launcher(run.run_id, run.experiment_id, name)
    return run


def download_model(run_id: str, folder: Path | None = None) -> Path:
    """Fetch the model a run stored.

    Parameters
    ----------
    run_id : str
        Run.
    folder : Path, optional
        Where to put it; by default ``runs/models/<run_id>`` in the project.

    Returns
    -------
    Path
        Folder with the model's files.

    Raises
    ------
    TrackingError
        If there is no such run, or it holds no model.
    """
    target = folder or project_root() / "runs" / "models" / run_id
    with guard(f"find run {run_id} in"):
        stored = client().list_artifacts(run_id, MODEL_FOLDER)
    if not stored:
        raise TrackingError(
            f"run {run_id} holds no model",
            need=f"a run with the artifact folder {MODEL_FOLDER}/",
            fix="choose a finished finetune run of `colliderfm runs list`",
        )
    with guard(f"download the model of run {run_id} from"):
        target.mkdir(parents=True, exist_ok=True)
        return Path(client().download_artifacts(run_id, MODEL_FOLDER, str(target)))


def _continue_run(run_id: str) -> TrackedRun:
    """Set a run RUNNING again and read the metric points it holds."""
    with guard(f"find run {run_id} in"):
        found = client().get_run(run_id)
    _check_no_writer(found)
    with guard(f"continue run {run_id} in"):
        history = {
            key: {point.step: point.value for point in client().get_metric_history(run_id, key)}
            for key in found.data.metrics
        }
        client().update_run(run_id, status="RUNNING")
        times = int(found.data.tags.get(RESUMED_TAG, "0"))
        client().set_tag(run_id, RESUMED_TAG, str(times + 1))
        if ERROR_TAG in found.data.tags:
            client().delete_tag(run_id, ERROR_TAG)
    return TrackedRun(run_id, found.info.experiment_id, history)


def _check_no_writer(run: Run) -> None:
    """Refuse a deleted run and one that a living process is writing."""
    tags = run.data.tags
    run_id = run.info.run_id
    if run.info.lifecycle_stage == "deleted":
        raise TrackingError(
            f"run {run_id} is deleted",
            fix=f"restore it with `mlflow runs restore --run-id {run_id}`",
        )
    is_ours = tags.get(PID_TAG) == process_tags()[PID_TAG]
    if run.info.status == "RUNNING" and is_here(tags) and is_alive(tags) and not is_ours:
        raise TrackingError(
            f"run {run_id} is being written",
            got=f"process {tags.get('colliderfm.pid')} is alive",
            fix="wait for it, or stop that process and repeat the command",
        )
