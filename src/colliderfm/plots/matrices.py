"""Matrices with their numbers written into the cells, e.g. the confusion of classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes


def draw_confusion(
    axes: Axes,
    matrix: np.ndarray,
    names: Sequence[str],
    errors: np.ndarray | None = None,
    what: str = "process",
) -> Axes:
    """Draw a confusion matrix in percent of the true class.

    Parameters
    ----------
    axes : Axes
        Panel.
    matrix : ndarray, shape (C, C)
        Shares from `evaluate.classification.confusion_matrix`, row = true class.
    names : sequence of str, length C
        Class names.
    errors : ndarray, shape (C, C), optional
        Statistical errors of the shares: those of 0.5% and more stand in the cells.
    what : str
        What the classes are.

    Returns
    -------
    Axes
        The same panel.
    """
    percent = None if errors is None else 100.0 * errors
    draw_matrix(axes, 100.0 * matrix, names, names, 100.0, percent)
    axes.set_xlabel(f"Predicted {what}")
    axes.set_ylabel(f"True {what}")
    title = f"Percent of the true {what}"
    if percent is not None and np.isfinite(percent).any():
        title += f"; statistical error at most {np.nanmax(percent):.1f}"
    axes.set_title(title)
    return axes


def binomial_errors(matrix: np.ndarray, n_events: np.ndarray) -> np.ndarray:
    """Return the statistical error of the shares in a confusion matrix.

    Parameters
    ----------
    matrix : ndarray, shape (C, C)
        Shares p, rows add up to one.
    n_events : ndarray, shape (C,)
        Events of each row.

    Returns
    -------
    ndarray, shape (C, C)
        ``sqrt(p (1 - p) / n)``; NaN in rows without events.

    Examples
    --------
    >>> binomial_errors(np.array([[0.5, 0.5], [0.0, 1.0]]), np.array([100, 4])).tolist()
    [[0.05, 0.05], [0.0, 0.0]]
    """
    n = np.where(n_events > 0, n_events, np.nan)[:, None]
    return np.asarray(np.sqrt(matrix * (1.0 - matrix) / n))


def draw_matrix(
    axes: Axes,
    matrix: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    largest: float,
    errors: np.ndarray | None = None,
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
    errors : ndarray, shape (R, C), optional
        Written behind the numbers where they do not round to zero.

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
                *(column, row, _text(value, 0.0 if errors is None else errors[row, column])),
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


def _text(value: float, error: float) -> str:
    """Return a number with its error, both rounded."""
    return f"{value:.0f}" if error < 0.5 or value < 0.5 else f"{value:.0f}±{error:.0f}"
