"""Many runs: list them, mark those whose process died, and find the cells of a comparison.

A cell is one combination of what a comparison varies. Its key is a tag, so the same command finds
the run it began, finished or not, whichever process wrote it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from colliderfm.tracking.process import is_alive, is_here
from colliderfm.tracking.store import client, guard

if TYPE_CHECKING:
    from mlflow.entities import Run

CELL_TAG = "cell.key"
PAGE_SIZE = 500


@dataclass(frozen=True)
class RunSummary:
    """One line of ``runs list``."""

    run_id: str
    name: str
    experiment: str
    status: str
    started_s: float
    ended_s: float | None
    stage: str
    is_resumable: bool


@dataclass(frozen=True)
class CellStatus:
    """What the store knows of one cell: at most one run id of each kind."""

    finished: str | None = None
    resumable: str | None = None
    running: str | None = None


def find_cells(experiment: str) -> dict[str, CellStatus]:
    """Read all cells of an experiment in one query.

    Parameters
    ----------
    experiment : str
        Experiment; one that does not exist has no cells.

    Returns
    -------
    dict of str to CellStatus
        By cell key. ``resumable`` is the newest run that ended early or whose process on this
        machine died; ``running`` one whose process lives, or cannot be seen from here.
    """
    return _by_cell(iterate_runs([experiment]))


def find_cell(experiment: str, key: str) -> CellStatus:
    """Return what the store knows of one cell (see ``find_cells``)."""
    runs = iterate_runs([experiment], condition=f"tags.`{CELL_TAG}` = '{key}'")
    return _by_cell(runs).get(key, CellStatus())


def list_runs(experiments: Sequence[str] | None = None) -> list[RunSummary]:
    """List runs, newest first.

    Parameters
    ----------
    experiments : sequence of str, optional
        Experiments to list; all by default.
    """
    with guard("list the experiments of"):
        names = {entry.experiment_id: entry.name for entry in client().search_experiments()}
    return [
        RunSummary(
            run_id=run.info.run_id,
            name=run.info.run_name,
            experiment=names.get(run.info.experiment_id, run.info.experiment_id),
            status=run.info.status,
            started_s=run.info.start_time / 1000.0,
            ended_s=None if run.info.end_time is None else run.info.end_time / 1000.0,
            stage=run.data.tags.get("stage", ""),
            is_resumable=CELL_TAG in run.data.tags and _kind_of(run) == "resumable",
        )
        for run in iterate_runs(experiments)
    ]


def run_tags(run_id: str) -> dict[str, str]:
    """Return the tags of a run.

    Raises
    ------
    TrackingError
        If the store has no such run.
    """
    with guard(f"find run {run_id} in"):
        return dict(client().get_run(run_id).data.tags)


def reap(experiments: Sequence[str] | None = None) -> list[str]:
    """Mark runs KILLED whose process on this machine is dead (``kill -9`` leaves them RUNNING).

    Parameters
    ----------
    experiments : sequence of str, optional
        Experiments to look at; all by default.

    Returns
    -------
    list of str
        Ids of the runs that were marked. The command that began one resumes it.
    """
    marked = []
    for run in iterate_runs(experiments, condition="attributes.status = 'RUNNING'"):
        if is_here(run.data.tags) and not is_alive(run.data.tags):
            with guard("mark a dead run in"):
                client().set_tag(
                    run.info.run_id, "error", "the process died without closing the run"
                )
                client().set_terminated(run.info.run_id, "KILLED", end_time=int(time.time() * 1000))
            marked.append(run.info.run_id)
    return marked


def iterate_runs(experiments: Sequence[str] | None = None, condition: str = "") -> Iterator[Run]:
    """Yield runs, newest first, page by page.

    Parameters
    ----------
    experiments : sequence of str, optional
        Names; all experiments by default. Unknown names are skipped.
    condition : str
        Filter in MLflow's search language.
    """
    with guard("list the experiments of"):
        known = client().search_experiments()
    ids = [
        entry.experiment_id for entry in known if experiments is None or entry.name in experiments
    ]
    token: str | None = None
    while ids:
        with guard("search the runs of"):
            page = client().search_runs(
                ids,
                condition,
                max_results=PAGE_SIZE,
                order_by=["attributes.start_time DESC"],
                page_token=token,
            )
        yield from page
        token = page.token
        if not token:
            return


def _by_cell(runs: Iterable[Run]) -> dict[str, CellStatus]:
    """Gather runs, newest first, by cell; of each kind the newest counts."""
    cells: dict[str, CellStatus] = {}
    for run in runs:
        key = run.data.tags.get(CELL_TAG)
        if key is None:
            continue
        kind = _kind_of(run)
        known = cells.get(key, CellStatus())
        if getattr(known, kind) is None:
            cells[key] = replace(known, **{kind: run.info.run_id})
    return cells


def _kind_of(run: Run) -> str:
    """Classify a run as the field of ``CellStatus`` it belongs to."""
    if run.info.status == "FINISHED":
        return "finished"
    is_active = run.info.status in ("RUNNING", "SCHEDULED")
    is_dead = is_here(run.data.tags) and not is_alive(run.data.tags)
    return "running" if is_active and not is_dead else "resumable"
