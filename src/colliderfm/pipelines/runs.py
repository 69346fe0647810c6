"""``runs``: list the runs, continue an interrupted one, mark the dead ones."""

from __future__ import annotations

import time

from colliderfm.config.schema import Params
from colliderfm.errors import TrackingError
from colliderfm.pipelines.cell_command import params_of, request_of
from colliderfm.pipelines.finetune import finetune
from colliderfm.studies import STUDIES, load_study


def list_runs(study: str = "") -> str:
    """Return a table of runs, newest first."""
    from colliderfm.tracking.runs import list_runs as found

    if study:
        load_study(study)
    runs = found([study] if study else None)
    lines = [f"{'run':32}  {'status':9} {'stage':12} {'started':16} name"]
    for run in runs:
        started = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.started_s))
        mark = "  (resumable)" if run.is_resumable else ""
        lines.append(
            f"{run.run_id:32}  {run.status:9} {run.stage:12} {started} {run.experiment}: {run.name}{mark}"
        )
    return "\n".join(lines)


def reap_runs() -> str:
    """Mark runs of dead processes on this machine as killed."""
    from colliderfm.tracking.runs import reap

    marked = reap()
    return f"{len(marked)} dead runs marked KILLED" + "".join(f"\n  {run}" for run in marked)


def resume_run(params: Params, run_id: str) -> object:
    """Continue an interrupted run with the command that began it.

    Raises
    ------
    TrackingError
        If the run does not exist or cannot be resumed.
    """
    from colliderfm.tracking.runs import list_runs as found
    from colliderfm.tracking.runs import run_tags

    runs = {run.run_id: run for run in found()}
    if run_id not in runs:
        raise TrackingError("no such run", got=run_id, fix="see `colliderfm runs list`")
    run = runs[run_id]
    if not run.is_resumable or run.experiment not in STUDIES:
        raise TrackingError(
            f"run {run_id} cannot be resumed",
            got=f"status {run.status}, stage {run.stage or 'unknown'}",
            need="an interrupted finetune run whose process is gone",
        )
    command = run_tags(run_id)["command"]
    return finetune(params_of(params, command), request_of(command))
