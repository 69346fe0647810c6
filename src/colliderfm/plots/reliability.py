"""Reliability: a prediction called 80% sure should be right in 80% of the cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

# Bins with fewer predictions are not drawn; their numbers are kept.
MIN_SHOWN = 10


@dataclass(frozen=True)
class Reliability:
    """Accuracy in bins of confidence.

    Parameters
    ----------
    confidence : ndarray, shape (K,)
        Mean confidence of a bin; NaN if it is empty.
    accuracy : ndarray, shape (K,)
        Share of right predictions.
    error : ndarray, shape (K,)
        Binomial error of the accuracy, from the Wilson score so that 0 and 1 keep an error.
    n : ndarray, shape (K,), int
        Predictions in a bin.
    """

    confidence: np.ndarray
    accuracy: np.ndarray
    error: np.ndarray
    n: np.ndarray

    @property
    def expected_error(self) -> float:
        """Expected calibration error: mean of |accuracy - confidence| over all predictions."""
        filled = self.n > 0
        gap = np.abs(self.accuracy[filled] - self.confidence[filled])
        return float((gap * self.n[filled]).sum() / max(int(self.n.sum()), 1))

    def numbers(self) -> dict[str, object]:
        """List the curve for the JSON beside a figure.

        Returns
        -------
        dict
            ``confidence, accuracy, error, n, expected_calibration_error``.
        """
        return {
            "confidence": self.confidence,
            "accuracy": self.accuracy,
            "error": self.error,
            "n": self.n,
            "expected_calibration_error": self.expected_error,
        }


def reliability(confidence: np.ndarray, is_right: np.ndarray, n_bins: int = 10) -> Reliability:
    """Bin predictions by their confidence.

    Parameters
    ----------
    confidence : ndarray, shape (N,)
        Probability of the predicted class, in [0, 1].
    is_right : ndarray, shape (N,), bool
        Whether the prediction is right.
    n_bins : int
        Equal bins of [0, 1].

    Returns
    -------
    Reliability
        One number per bin.

    References
    ----------
    Guo et al., arXiv:1706.04599, eq. (3).
    """
    index = np.clip((np.asarray(confidence) * n_bins).astype(int), 0, n_bins - 1)
    n = np.bincount(index, minlength=n_bins)
    sums = [
        np.bincount(index, weights=np.asarray(values, dtype=float), minlength=n_bins)
        for values in (confidence, is_right)
    ]
    empty = np.full(n_bins, np.nan)
    mean, share = (np.divide(s, n, out=empty.copy(), where=n > 0) for s in sums)
    spread = np.sqrt(share * (1 - share) / np.maximum(n, 1) + 0.25 / np.maximum(n, 1) ** 2)
    return Reliability(mean, share, spread / (1 + 1 / np.maximum(n, 1)), n)


def draw_reliability(
    axes: Axes, curves: Mapping[str, tuple[Reliability, str]], label: str = "Accuracy"
) -> Axes:
    """Draw accuracy against confidence beside the diagonal of a calibrated classifier.

    Parameters
    ----------
    axes : Axes
        Panel.
    curves : mapping of str to (Reliability, color)
        By legend label.
    label : str
        Name of the ordinate.

    Returns
    -------
    Axes
        The same panel.
    """
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=1.2, label="calibrated")
    for name, (curve, color) in curves.items():
        filled = curve.n >= MIN_SHOWN
        axes.errorbar(
            curve.confidence[filled],
            curve.accuracy[filled],
            yerr=curve.error[filled],
            color=color,
            marker="o",
            markersize=5,
            linewidth=1.6,
            capsize=2,
            label=name,
        )
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(0.0, 1.02)
    axes.set_xlabel("Confidence of the prediction")
    axes.set_ylabel(label)
    axes.legend(loc="upper left", fontsize=11)
    return axes
