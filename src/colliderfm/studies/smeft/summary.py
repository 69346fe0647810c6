"""Study smeft, cells of a comparison to means over seeds, paired gains and verdicts.

A table of cells has one row per (init, events, seed); ``events`` counts labeled replicas. Gains
compare two arms on the same seeds, hence on the same labeled replicas.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from colliderfm.stats.intervals import (
    PairedGain,
    paired_gain,
    verdict,
)
from colliderfm.studies.cell_comparison import CellComparison, flat_numbers, summary_table
from colliderfm.studies.smeft.arm_styles import ARMS, LINEAR_ARMS

ACCURACY = "test/universe_accuracy"
# What the headline shows; in all but the calibration error larger is better.
HEADLINE_METRICS = {
    ACCURACY: "accuracy",
    "test/accuracy_over_bayes": "accuracy / Bayes",
    "test/ood_auroc": "anomaly AUROC",
    "test/retrieval_recall": "retrieval recall",
    "test/fisher_rank_correlation": "rank correlation with Fisher distance",
}
BOOKKEEPING = ("_bootstrap_error", "sigma_error", "coverage_error", "_nominal", "_expected")
SMALLER_IS_BETTER = ("calibration_error", "null_operator_flags", "log_loss", "difference_deg")
# Neither more nor less of these is better, or they do not depend on the arm.
NEUTRAL = (
    *(
        "bayes_",
        "captured_",
        "coverage",
        "p_value",
        "constrained_",
        "trajectory_",
        "_width",
        "within_3",
        "before_calibration",
        "test/temperature",
        "test/reach",
    ),
    *("recall_mahalanobis", "recall_pca", "correlation_pca"),
)
Key = tuple[str, int, int]


class Comparison(CellComparison):
    """The cells of a comparison; gains are differences, positive if the candidate is better."""

    study = "smeft"
    required_metric = ACCURACY
    arms = tuple(ARMS)

    @staticmethod
    def is_bookkeeping(metric: str) -> bool:
        """Whether a column is an error, a nominal value or an expectation."""
        return metric.endswith(BOOKKEEPING)

    @staticmethod
    def compare(metric: str, candidate: np.ndarray, reference: np.ndarray) -> PairedGain:
        """Return the difference with the sign that makes positive better."""
        sign = -1.0 if any(part in metric for part in SMALLER_IS_BETTER) else 1.0
        return paired_gain(sign * candidate, sign * reference)


def gain_table(comparison: Comparison) -> pd.DataFrame:
    """Compare the pretrained arm with scratch and with each linear method in every metric.

    Parameters
    ----------
    comparison : Comparison
        The cells.

    Returns
    -------
    DataFrame
        ``events, reference, metric, gain, lo, hi, sigma, seeds, verdict``; positive gains are
        better, whatever the sign of the metric.
    """
    rows = []
    tested = [m for m in comparison.metrics if not any(part in m for part in NEUTRAL)]
    for events in comparison.events:
        for reference in ("scratch", *LINEAR_ARMS, "untrained"):
            for metric in tested:
                gain = comparison.gain(events, metric, reference=reference)
                if gain is not None:
                    numbers = (gain.gain, gain.low, gain.high, gain.significance, gain.n)
                    rows.append((events, reference, metric, *numbers, verdict(gain)))
    columns = ["events", "reference", "metric", "gain", "lo", "hi", "sigma", "seeds", "verdict"]
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
        ``<init>/n<events>/<metric>_mean|_std|_lo|_hi`` and ``gain_over_<reference>/n<events>/
        <metric>`` with ``_lo``, ``_hi``, ``_sigma``; None where there is one seed.
    """
    summary, gains = summary_table(comparison), gain_table(comparison)
    return flat_numbers(summary, gains, lambda row: f"gain_over_{row.reference}")
