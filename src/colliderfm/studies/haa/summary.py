"""Study haa, third step: cells of a comparison to means over seeds, paired gains and verdicts.

A table of cells has one row per (init, events, seed) with these columns and the ``test/...``
metrics. Gains compare the pretrained with the scratch arm on the same seeds, hence on the same
training events: differences for AUC and efficiencies, ratios for rejections.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from colliderfm.stats.intervals import PairedGain, paired_gain, paired_ratio, verdict
from colliderfm.studies.cell_comparison import CellComparison, flat_numbers, summary_table

HEADLINE_METRICS = ("test/auc", "test/rejection_at_50", "test/rejection_at_25")
RATIO_METRICS = ("rejection_at", "max_sic")
BOOKKEEPING = ("_bootstrap", "_limit", "_n_background", "_error", "_signal_efficiency")


class Comparison(CellComparison):
    """The cells of a comparison; rejections are compared by ratio, the others by difference."""

    study = "haa"
    required_metric = "test/auc"
    arms = ("scratch", "pretrained")

    @staticmethod
    def is_bookkeeping(metric: str) -> bool:
        """Whether a column is an error, a limit or a count."""
        return any(part in metric for part in BOOKKEEPING)

    @staticmethod
    def compare(metric: str, candidate: np.ndarray, reference: np.ndarray) -> PairedGain:
        """Return the ratio of rejections, the difference of anything else."""
        paired = paired_ratio if is_ratio(metric) else paired_gain
        return paired(candidate, reference)


def is_ratio(metric: str) -> bool:
    """Say whether a metric is compared by ratio.

    Parameters
    ----------
    metric : str
        Name of the metric.

    Returns
    -------
    bool
        True for rejections and significance improvements.
    """
    return any(part in metric for part in RATIO_METRICS)


def gain_table(comparison: Comparison) -> pd.DataFrame:
    """Compare the pretrained with the scratch arm in every metric.

    Parameters
    ----------
    comparison : Comparison
        The cells.

    Returns
    -------
    DataFrame
        ``events, metric, kind, gain, lo, hi, sigma, seeds, verdict``.
    """
    rows = []
    for events in comparison.events:
        for metric in comparison.metrics:
            gain = comparison.gain(events, metric)
            if gain is None:
                continue
            kind = "ratio" if gain.is_ratio else "difference"
            numbers = (gain.gain, gain.low, gain.high, gain.significance, gain.n)
            rows.append((events, metric, kind, *numbers, verdict(gain)))
    columns = ["events", "metric", "kind", "gain", "lo", "hi", "sigma", "seeds", "verdict"]
    return pd.DataFrame(rows, columns=columns)


def flat_metrics(comparison: Comparison) -> dict[str, float | None]:
    """Flatten both tables for ``metrics.json`` and the summary run.

    Parameters
    ----------
    comparison : Comparison
        The cells.

    Returns
    -------
    dict of str to float or None
        ``<init>/n<events>/<metric>_mean|_std|_lo|_hi`` and
        ``gain/n<events>/<metric>`` with ``_lo``, ``_hi``, ``_sigma``; None where there is one seed.
    """
    return flat_numbers(summary_table(comparison), gain_table(comparison), lambda _row: "gain")
