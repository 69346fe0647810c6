"""Generated beside true distributions with statistical bands, and their ratio below."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from colliderfm.plots.style import new_figure

TRUE_COLOR, MADE_COLOR = "#9aa5b1", "#c8102e"
_RATIO_RANGE = (0.4, 1.6)


class Banded(Protocol):
    """What is drawn, see ``evaluate.event_bands.BandedHistogram``."""

    edges: np.ndarray
    true: np.ndarray
    generated: np.ndarray
    true_error: np.ndarray
    generated_error: np.ndarray
    ratio: np.ndarray
    ratio_error: np.ndarray


def new_comparison_figure(n_columns: int) -> tuple[Figure, np.ndarray, np.ndarray]:
    """Make a figure of distributions with a ratio panel below each.

    Parameters
    ----------
    n_columns : int
        Distributions.

    Returns
    -------
    figure : Figure
        The figure.
    upper, lower : ndarray of Axes, shape (n_columns,)
        Panels of the distributions and of the ratios.
    """
    figure, axes = new_figure(
        n_columns,
        n_rows=2,
        size=(5.9 * n_columns, 6.2),
        sharex="col",
        gridspec_kw={"height_ratios": [3.0, 1.0]},
    )
    return figure, axes[:n_columns], axes[n_columns:]


def draw_comparison(
    upper: Axes, lower: Axes, drawn: Banded, names: tuple[str, str], *, log: bool = False
) -> None:
    """Draw true and generated densities with one-sigma bands, and generated over true.

    Parameters
    ----------
    upper, lower : Axes
        Panels of the densities and of the ratio.
    drawn : Banded
        Densities, ratio and errors.
    names : tuple of str
        Legend labels of truth and of what was generated.
    log : bool
        Logarithmic densities.
    """
    edges = drawn.edges
    upper.stairs(drawn.true, edges, color=TRUE_COLOR, fill=True, alpha=0.45, label=names[0])
    _band(upper, edges, drawn.true, drawn.true_error, "0.35", hatch="/////")
    upper.stairs(drawn.generated, edges, color=MADE_COLOR, linewidth=2.0, label=names[1])
    _band(upper, edges, drawn.generated, drawn.generated_error, MADE_COLOR)
    top = float(max(drawn.true.max(), drawn.generated.max()))
    if log:
        upper.set_yscale("log")
        lowest = drawn.true[drawn.true > 0].min() if (drawn.true > 0).any() else 1e-6
        upper.set_ylim(max(0.5 * float(lowest), 1e-4 * top), 5.0 * top)
    else:
        upper.set_ylim(0.0, 1.35 * top if top > 0 else 1.0)
    upper.legend(loc="upper right", ncols=1)
    lower.axhline(1.0, color="0.35", linewidth=1.2)
    lower.stairs(drawn.ratio, edges, color=MADE_COLOR, linewidth=2.0, baseline=None)
    _band(lower, edges, drawn.ratio, drawn.ratio_error, MADE_COLOR)
    lower.set_ylim(*_RATIO_RANGE)
    lower.set_yticks([0.5, 1.0, 1.5])
    lower.set_xlim(edges[0], edges[-1])
    lower.set_ylabel("Ratio")


def label_comparison(upper: Axes, lower: Axes, label: str, unit: str, what: str) -> None:
    """Name the axes.

    Parameters
    ----------
    upper, lower : Axes
        Panels of the densities and of the ratio.
    label : str
        Name of the abscissa.
    unit : str
        Its unit, empty if it has none.
    what : str
        What is counted, e.g. ``neutrinos``.
    """
    lower.set_xlabel(f"{label} [{unit}]" if unit else label)
    upper.set_ylabel(f"Fraction of {what} / {unit}" if unit else f"Fraction of {what} / unit")


def _band(
    axes: Axes,
    edges: np.ndarray,
    center: np.ndarray,
    error: np.ndarray,
    color: str,
    hatch: str = "",
) -> None:
    low, high = (np.nan_to_num(center + sign * error) for sign in (-1.0, 1.0))
    options = (
        {"fill": False, "hatch": hatch, "linewidth": 0.0, "edgecolor": color}
        if hatch
        else {"fill": True, "color": color, "alpha": 0.3, "linewidth": 0.0}
    )
    axes.stairs(high, edges, baseline=np.maximum(low, 0.0), **options)
