"""Study haa: how arms and masses are written in a report."""

from __future__ import annotations

from colliderfm.config.schema import HaaStudy
from colliderfm.studies.haa.pairs import mass_name
from colliderfm.studies.haa.summary import Comparison
from colliderfm.studies.report_tables import spread

LIMIT_MARK = "‡"


def arm_cell(comparison: Comparison, init: str, events: int, metric: str) -> str:
    """Write mean and spread of an arm, with the mark of a limit.

    Parameters
    ----------
    comparison : Comparison
        The cells.
    init : str
        Arm.
    events : int
        Training events.
    metric : str
        Column.

    Returns
    -------
    str
        ``"not run"`` if no cell has it.
    """
    interval = comparison.mean(init, events, metric)
    if interval is None:
        return "not run"
    digits = 1 if "rejection" in metric else 3
    is_limit = comparison.values(init, events, f"{metric}_is_limit")
    mark = f" {LIMIT_MARK}" if len(is_limit) and is_limit.max() > 0 else ""
    return spread(interval.mean, interval.sd, digits) + mark


def limit_note(settings: HaaStudy) -> list[str]:
    """Explain the mark of a limit.

    Parameters
    ----------
    settings : HaaStudy
        The study.

    Returns
    -------
    list of str
        One line.
    """
    floor = settings.metrics.min_background_events
    return [
        f"{LIMIT_MARK} fewer than {floor} (effective) background events of the test split "
        "pass in at least one seed: read the number as a limit. The 95% lower limit, bootstrap "
        "interval and number of passing events of each run are in its MLflow metrics."
    ]


def mass_title(process: str) -> str:
    """Write ``haa_ma30`` as ``m_a = 30 GeV``.

    Parameters
    ----------
    process : str
        Name of a signal process.

    Returns
    -------
    str
        Title of a column.
    """
    return f"m_a = {mass_name(process).removeprefix('ma')} GeV"
