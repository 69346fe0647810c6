"""Matrices with their numbers written into the cells: confusion of classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes


def draw_confusion(axes: Axes, matrix: np.ndarray, names: Sequence[str]) -> Axes:
    """Draw a confusion matrix in percent of the true class.

    Parameters
    ----------
    axes : Axes
        Panel.
    matrix : ndarray, shape (C, C)
        Shares from `evaluate.classification.confusion_matrix`, row = true class.
    names : sequence of str, length C
        Class names.

    Returns
    -------
    Axes
        The same panel.
    """
    percent = 100.0 * matrix
    axes.imshow(percent, cmap="Blues", vmin=0.0, vmax=100.0, aspect="equal")
    for row, column in np.ndindex(percent.shape):
        value = percent[row, column]
        if np.isfinite(value):
            axes.text(
                *(column, row, f"{value:.0f}"),
                ha="center",
                va="center",
                fontsize=12,
                color="white" if value > 55 else "black",
                fontweight="bold" if row == column else "normal",
            )
    positions = np.arange(len(names))
    axes.set_xticks(positions, list(names), rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(positions, list(names))
    axes.tick_params(which="both", length=0)
    axes.minorticks_off()
    axes.set_xlabel("Predicted process")
    axes.set_ylabel("True process")
    axes.set_title("Percent of the true process")
    return axes
