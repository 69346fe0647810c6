"""Binned spectra as steps, above their ratio to a reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize

# A perceptually ordered map from the colors of the arms: blue is small, red is large.
ORDERED_COLORS: Colormap = LinearSegmentedColormap.from_list(
    "ordered", ["#3f90da", "#94a4a2", "#ffa90e", "#bd1f01"]
)


@dataclass(frozen=True)
class Steps:
    """One spectrum of a panel.

    Parameters
    ----------
    values : ndarray, shape (K,), pb/GeV
        Differential cross-section per bin.
    color : str or tuple
        Line color.
    line : str
        Line style of matplotlib.
    width : float
        Line width in points.
    opacity : float
        1 is opaque.
    """

    values: np.ndarray
    color: Any
    line: str = "-"
    width: float = 2.0
    opacity: float = 1.0


def draw_spectra(axes: Axes, edges: np.ndarray, spectra: Mapping[str, Steps], label: str) -> Axes:
    """Draw spectra as steps on a logarithmic axis.

    Parameters
    ----------
    axes : Axes
        Panel.
    edges : ndarray, shape (K + 1,), GeV
        Bin edges.
    spectra : mapping of str to Steps
        By legend label; labels that begin with an underscore stay out of the legend.
    label : str
        Name of the ordinate with its unit.

    Returns
    -------
    Axes
        The same panel; what is not positive is not drawn.
    """
    for name, steps in spectra.items():
        positive = np.where(steps.values > 0, steps.values, np.nan)
        _stairs(axes, positive, edges, steps, name)
    axes.set_yscale("log")
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylabel(label)
    return axes


def draw_ratios(
    axes: Axes, edges: np.ndarray, spectra: Mapping[str, Steps], reference: np.ndarray, label: str
) -> dict[str, np.ndarray]:
    """Draw the ratio of spectra to a reference.

    Parameters
    ----------
    axes : Axes
        Panel.
    edges : ndarray, shape (K + 1,), GeV
        Bin edges.
    spectra : mapping of str to Steps
        As in `draw_spectra`.
    reference : ndarray, shape (K,), pb/GeV
        Denominator, positive.
    label : str
        Name of the ordinate.

    Returns
    -------
    dict of str to ndarray, shape (K,)
        The ratios, for the JSON beside the figure.
    """
    axes.axhline(1.0, color="black", linewidth=1.0, zorder=1)
    ratios = {name: steps.values / reference for name, steps in spectra.items()}
    for name, steps in spectra.items():
        _stairs(axes, ratios[name], edges, steps, f"_{name}")
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylabel(label)
    return ratios


def clip_ratio_axis(axes: Axes, ratios: Sequence[np.ndarray], limits: tuple[float, float]) -> Axes:
    """Choose the range of a ratio panel: all values, but not beyond limits.

    Parameters
    ----------
    axes : Axes
        Panel.
    ratios : sequence of ndarray
        What is drawn.
    limits : tuple of float
        Smallest and largest end of the axis.

    Returns
    -------
    Axes
        The same panel, with at least 0.9 to 1.1 in sight.
    """
    low = min(float(np.nanmin(ratio)) for ratio in ratios)
    high = max(float(np.nanmax(ratio)) for ratio in ratios)
    margin = 0.08 * (min(high, limits[1]) - max(low, limits[0]))
    axes.set_ylim(
        max(min(low - margin, 0.9), limits[0]),
        min(max(high + margin, 1.1), limits[1]),
    )
    return axes


def ordered_colors(
    values: np.ndarray, limits: tuple[float, float] | None = None
) -> tuple[np.ndarray, ScalarMappable]:
    """Give every value a color of the ordered map.

    Parameters
    ----------
    values : ndarray, shape (U,)
        One value per line.
    limits : tuple of float, optional
        Values at the two ends; by default the extremes.

    Returns
    -------
    colors : ndarray, shape (U, 4)
        RGBA.
    mappable : ScalarMappable
        For ``figure.colorbar``.
    """
    low, high = limits or (float(np.min(values)), float(np.max(values)))
    mappable = ScalarMappable(Normalize(low, max(high, low + 1e-12)), ORDERED_COLORS)
    return np.asarray(mappable.to_rgba(np.asarray(values))), mappable


def _stairs(axes: Axes, values: np.ndarray, edges: np.ndarray, steps: Steps, name: str) -> None:
    """One spectrum as steps without vertical ends."""
    axes.stairs(
        values,
        edges,
        baseline=None,
        color=steps.color,
        linestyle=steps.line,
        linewidth=steps.width,
        alpha=steps.opacity,
        label=name,
    )
