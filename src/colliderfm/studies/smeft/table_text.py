"""Study smeft: how verdicts and arms are written in a report."""

from __future__ import annotations

import numpy as np

from colliderfm.stats.intervals import PairedGain, verdict
from colliderfm.studies.report_tables import gain_text, spread
from colliderfm.studies.smeft.summary import Comparison


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
