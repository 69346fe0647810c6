"""Study haa: how numbers, spreads, gains and tables are written in a report."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from colliderfm.stats.intervals import PairedGain
from colliderfm.studies.haa.pairs import mass_name
from colliderfm.studies.haa.summary import Comparison

LIMIT_MARK = "‡"


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Write a Markdown table.

    Parameters
    ----------
    header : sequence of str
        Column titles.
    rows : sequence of sequence of str
        Cells.

    Returns
    -------
    list of str
        Lines.
    """
    lines = [header, ["---"] * len(header), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def spread(mean: float, sd: float, digits: int) -> str:
    """Write a mean with its standard deviation over seeds, if there is one.

    Parameters
    ----------
    mean, sd : float
        The two numbers; sd NaN for one seed.
    digits : int
        Decimals.

    Returns
    -------
    str
        ``0.843 ± 0.017``.
    """
    return f"{mean:.{digits}f}" + (f" ± {sd:.{digits}f}" if np.isfinite(sd) else "")


def gain_text(gain: PairedGain) -> str:
    """Write a gain with its interval: a signed difference or a factor.

    Parameters
    ----------
    gain : PairedGain
        From `Comparison.gain`.

    Returns
    -------
    str
        ``+0.030 [+0.011, +0.049]`` or ``×1.59 [1.12, 2.26]``.
    """
    if gain.is_ratio:
        interval = f" [{gain.low:.2f}, {gain.high:.2f}]" if gain.n > 1 else ""
        return f"×{gain.gain:.2f}{interval}"
    interval = f" [{gain.low:+.3f}, {gain.high:+.3f}]" if gain.n > 1 else ""
    return f"{gain.gain:+.3f}{interval}"


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


def cells_of(comparison: Comparison, init: str, events: int) -> pd.DataFrame:
    """Select the rows of one arm and size.

    Parameters
    ----------
    comparison : Comparison
        The cells.
    init : str
        Arm.
    events : int
        Training events.

    Returns
    -------
    DataFrame
        One row per seed.
    """
    cells = comparison.cells
    return cells[(cells["init"] == init) & (cells["events"] == events)]


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
