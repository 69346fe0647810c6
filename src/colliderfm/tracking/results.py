"""All runs of a study as one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from colliderfm.tracking.runs import iterate_runs

if TYPE_CHECKING:
    from pandas import DataFrame

STAGE_TAG = "stage"


def results(study: str, stage: str | None = None) -> DataFrame:
    """Return one row per run of a study.

    Parameters
    ----------
    study : str
        Study, which is also the experiment.
    stage : str, optional
        Keep runs of this stage only, e.g. ``"finetune"`` or ``"summary"``; all by default.

    Returns
    -------
    pandas.DataFrame
        Newest first. Columns: ``run_id, run_name, status, started`` (UTC), ``seconds``, parameters
        and metrics under their own names (``init``, ``events``, ``test/auc``), tags as
        ``tags.<name>``. Parameters that are numbers throughout are numbers. Empty for a study
        without runs.
    """
    import pandas

    rows = [
        _row(run)
        for run in iterate_runs([study])
        # A launcher run of `mlflow run --experiment-name` has no stage.
        if STAGE_TAG in run.data.tags and stage in (None, run.data.tags[STAGE_TAG])
    ]
    table = pandas.DataFrame(rows, columns=None if rows else ["run_id", "run_name", "status"])
    for name in table.columns.difference(["run_id", "run_name", "status", "started"]):
        if not name.startswith("tags."):
            table[name] = _as_numbers(table[name])
    return table


def _row(run: Any) -> dict[str, Any]:
    """Flatten one run."""
    import pandas

    info = run.info
    return {
        "run_id": info.run_id,
        "run_name": info.run_name,
        "status": info.status,
        "started": pandas.Timestamp(info.start_time, unit="ms", tz="UTC"),
        "seconds": None if info.end_time is None else (info.end_time - info.start_time) / 1000.0,
        **run.data.params,
        **run.data.metrics,
        **{
            f"tags.{key}": value
            for key, value in run.data.tags.items()
            if not key.startswith("mlflow.")
        },
    }


def _as_numbers(column: Any) -> Any:
    """Convert a column to numbers if every entry allows it."""
    import pandas

    try:
        return pandas.to_numeric(column)
    except (ValueError, TypeError):
        return column
