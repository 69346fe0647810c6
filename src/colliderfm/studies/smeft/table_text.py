"""Study smeft: how numbers, spreads and gains are written in a report."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from colliderfm.stats.intervals import PairedGain, verdict
from colliderfm.studies.smeft.summary import Comparison


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
        Lines; empty without a row.
    """
    lines = [header, ["---"] * len(header), *rows]
    return [f"| {' | '.join(line)} |" for line in lines] if rows else []


def spread(mean: float, sd: float, digits: int = 3) -> str:
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
    """Write a gain with its interval as signed differences.

    Parameters
    ----------
    gain : PairedGain
        From `Comparison.gain`.

    Returns
    -------
    str
        ``+0.030 [+0.011, +0.049]``.
    """
    interval = f" [{gain.low:+.3f}, {gain.high:+.3f}]" if gain.n > 1 else ""
    return f"{gain.gain:+.3f}{interval}"


def verdict_text(gain: PairedGain, subject: str = "pretraining") -> str:
    """Write a gain, its significance and the words that it allows.

    Parameters
    ----------
    gain : PairedGain
        From `Comparison.gain`.
    subject : str
        What the candidate has and the reference lacks.

    Returns
    -------
    str
        ``+0.030 [+0.011, +0.049], 3.1σ: **pretraining helps**``.
    """
    is_tested = gain.n > 1 and np.isfinite(gain.significance)
    sigma = f", {abs(gain.significance):.1f}σ" if is_tested else ""
    return f"{gain_text(gain)}{sigma}: **{verdict(gain, subject)}**"


def arm_cell(comparison: Comparison, init: str, events: int, metric: str) -> str:
    """Write mean and spread of an arm.

    Parameters
    ----------
    comparison : Comparison
        The cells.
    init : str
        Arm.
    events : int
        Labeled replicas.
    metric : str
        Column.

    Returns
    -------
    str
        A dash if no cell has it.
    """
    interval = comparison.mean(init, events, metric)
    return "–" if interval is None else spread(interval.mean, interval.sd)
