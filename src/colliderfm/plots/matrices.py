"""Matrices with their numbers written into the cells, e.g. the confusion of classes."""

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
    draw_matrix(axes, 100.0 * matrix, names, names, 100.0)
    axes.set_xlabel("Predicted process")
    axes.set_ylabel("True process")
    axes.set_title("Percent of the true process")
    return axes


def draw_matrix(
    axes: Axes, matrix: np.ndarray, rows: Sequence[str], columns: Sequence[str], largest: float
) -> Axes:
    """Draw a matrix of non-negative numbers with each number, rounded, in its cell.

    Parameters
    ----------
    axes : Axes
        Panel.
    matrix : ndarray, shape (R, C)
        Numbers; cells that are not finite stay empty.
    rows, columns : sequence of str
        Names, lengths R and C.
    largest : float
        End of the color scale, which begins at 0.

    Returns
    -------
    Axes
        The same panel.
    """
    axes.imshow(matrix, cmap="Blues", vmin=0.0, vmax=largest, aspect="equal")
    for row, column in np.ndindex(matrix.shape):
        value = matrix[row, column]
        if np.isfinite(value):
            axes.text(
                *(column, row, f"{value:.0f}"),
                ha="center",
                va="center",
                fontsize=12,
                color="white" if value > 0.55 * largest else "black",
                fontweight="bold" if rows[row] == columns[column] else "normal",
            )
    axes.set_xticks(
        np.arange(len(columns)), list(columns), rotation=45, ha="right", rotation_mode="anchor"
    )
    axes.set_yticks(np.arange(len(rows)), list(rows))
    axes.tick_params(which="both", length=0)
    axes.minorticks_off()
    return axes
