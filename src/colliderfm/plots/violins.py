"""Violins: how a quantity is distributed in each of several groups, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

N_POINTS = 181


def violin_outline(values: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Estimate the outline of a violin: a histogram smoothed by a Gaussian, scaled to height one.

    Parameters
    ----------
    values : ndarray, shape (N,)
        Sample.
    grid : ndarray, shape (G,)
        Where the outline is wanted: equal steps over the range of the sample.

    Returns
    -------
    ndarray, shape (G,)
        Zero outside the range of the sample; all zero for fewer than three different values.

    Notes
    -----
    Bandwidth by Scott's rule.
    """
    values = np.asarray(values, dtype=float)
    if len(np.unique(values)) < 3:
        return np.zeros(len(grid))
    step = grid[1] - grid[0]
    edges = np.append(grid - 0.5 * step, grid[-1] + 0.5 * step)
    counts, _ = np.histogram(values, bins=edges)
    bandwidth = max(values.std(ddof=1) * len(values) ** -0.2, 0.5 * step)
    kernel = np.exp(-0.5 * ((grid[:, None] - grid) / bandwidth) ** 2)
    # Each column is normalized inside the range, so that a flat sample stays flat at its ends.
    height = (kernel / kernel.sum(axis=0)).T @ counts
    inside = (grid >= values.min() - step) & (grid <= values.max() + step)
    height = np.where(inside, height, 0.0)
    return np.asarray(height / max(float(height.max()), 1e-300))


def draw_violins(
    axes: Axes,
    groups: Sequence[str],
    samples: Mapping[str, tuple[np.ndarray, str]],
    label: str,
    limits: tuple[float, float],
) -> dict[str, dict[str, np.ndarray]]:
    """Draw violins: per group one for each sample, behind each other, narrow ones in front.

    Parameters
    ----------
    axes : Axes
        Panel.
    groups : sequence of str, length K
        Names along the axis.
    samples : mapping of str to (values, color)
        By legend label; values of shape (N, K), the widest sample first; NaN is left out.
    label : str
        Name of the quantity.
    limits : tuple of float
        Range of the quantity.

    Returns
    -------
    dict
        Median and central 68% per sample, each (K,), for the JSON beside the figure; NaN for an
        empty sample.
    """
    grid = np.linspace(*limits, N_POINTS)
    at = np.arange(len(groups))
    drawn = {}
    for index, (name, (values, color)) in enumerate(samples.items()):
        width = 0.44 * (1.0 - 0.22 * index)
        for position in at:
            column = values[:, position]
            outline = width * violin_outline(column[np.isfinite(column)], grid)
            axes.fill_betweenx(
                grid, position - outline, position + outline, color=color, alpha=0.55, linewidth=0
            )
        axes.scatter([], [], marker="s", s=90, color=color, alpha=0.6, label=name)
        empty = np.full((3, len(groups)), np.nan)
        low, median, high = (
            np.nanquantile(values, [0.16, 0.5, 0.84], axis=0) if len(values) else empty
        )
        offset = at + 0.16 * (index - 0.5 * (len(samples) - 1))
        axes.vlines(offset, low, high, color=color, linewidth=2.0)
        axes.plot(offset, median, "o", color=color, markersize=5, markeredgecolor="black")
        drawn[name] = {"low": low, "median": median, "high": high}
    axes.set_xticks(at, list(groups), rotation=60, ha="right", rotation_mode="anchor")
    axes.tick_params(axis="x", which="both", top=False, bottom=False)
    axes.set_xlim(-0.7, len(groups) - 0.3)
    axes.set_ylim(*limits)
    axes.set_ylabel(label)
    return drawn
