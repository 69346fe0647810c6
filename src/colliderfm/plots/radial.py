"""Radial plots: one spoke per quantity, one closed line per sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.projections.polar import PolarAxes


def draw_radial(
    axes: PolarAxes,
    spokes: Sequence[str],
    lines: Mapping[str, tuple[np.ndarray, str]],
    *,
    top: float,
    quiet: Sequence[str] = (),
) -> PolarAxes:
    """Draw one closed line per sample over spokes at equal angles.

    Parameters
    ----------
    axes : PolarAxes
        Panel with polar projection.
    spokes : sequence of str, length K
        Names of the spokes, clockwise from the top.
    lines : mapping of str to (values, color)
        By legend label; values of shape (K,), not negative.
    top : float
        Radius of the rim.
    quiet : sequence of str
        Spokes whose names are gray, e.g. controls.

    Returns
    -------
    PolarAxes
        The same panel.
    """
    angles = 2 * np.pi * np.arange(len(spokes)) / len(spokes)
    closed = np.append(angles, angles[0])
    axes.set_theta_zero_location("N")
    axes.set_theta_direction(-1)
    for name, (values, color) in lines.items():
        radius = np.append(values, values[0])
        axes.plot(closed, radius, color=color, linewidth=1.8, label=name)
        axes.fill(closed, radius, color=color, alpha=0.10, linewidth=0)
    axes.set_xticks(angles, list(spokes), fontsize=11)
    for text in axes.get_xticklabels():
        text.set_color("0.6" if text.get_text() in quiet else "black")
    axes.set_ylim(0.0, top)
    axes.tick_params(axis="x", pad=9)
    axes.set_rlabel_position(float(np.degrees(angles[-1])))
    axes.tick_params(axis="y", labelsize=10, colors="0.35")
    axes.grid(visible=True, color="0.85", linewidth=0.8)
    axes.spines["polar"].set_color("0.6")
    return axes
