"""The run that ``mlflow run`` opens in Default before our code starts.

It must not become our run: it sits in the wrong experiment and already holds unresolved parameters.
It gets a link to our run and nothing else.
"""

from __future__ import annotations

import logging
import os

from colliderfm.tracking.store import client

LOGGER = logging.getLogger(__name__)
LINK_TAG = "colliderfm.run_id"
NOTE_TAG = "mlflow.note.content"
LAUNCHER_VARIABLES = ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID")

# One entry at most: the run `mlflow run` opened for this process.
_adopted: list[str] = []


def adopt_launcher() -> str | None:
    """Take the launcher's run out of the environment, so that neither we nor MLflow continue it.

    Call it at the start of every command; it imports nothing.

    Returns
    -------
    str or None
        Id of the launcher run; None when the command was not started by ``mlflow run``.
    """
    found = os.environ.get("MLFLOW_RUN_ID")
    for name in LAUNCHER_VARIABLES:
        os.environ.pop(name, None)
    if found:
        _adopted[:] = [found]
    return _adopted[0] if _adopted else None


def link_launcher(run_id: str, experiment_id: str, name: str) -> None:
    """Write a link to our run into the launcher run, if there is one.

    Parameters
    ----------
    run_id, experiment_id, name : str
        Our run. A command that opens several runs links each.
    """
    from mlflow.exceptions import MlflowException

    launcher = adopt_launcher()
    if launcher is None or launcher == run_id:
        return
    line = f"[{name}](#/experiments/{experiment_id}/runs/{run_id})"
    try:
        tags = client().get_run(launcher).data.tags
        linked = tags.get(LINK_TAG, "")
        if run_id in linked:
            return
        note = tags.get(NOTE_TAG, "Started by `mlflow run`; parameters and metrics are in")
        client().set_tag(launcher, LINK_TAG, f"{linked},{run_id}".lstrip(","))
        client().set_tag(launcher, NOTE_TAG, f"{note}\n- {line}")
    except MlflowException as error:
        # The link is a convenience: a launcher in another store must not stop the run.
        LOGGER.warning("the launcher run %s was not linked: %s", launcher, error)
