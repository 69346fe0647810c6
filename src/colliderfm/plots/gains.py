"""Gains with their intervals against training events, one series beside the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator, StrMethodFormatter

from colliderfm.plots.style import SAMPLE_COLORS

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
# Distance of two series at one training size, as a factor on the abscissa.
_STEP = 1.13
# Ticks of a ratio: close ones where the axis spans less than a factor of two.
_FINE_TICKS = (0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6)
_COARSE_TICKS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)


@dataclass(frozen=True)
class GainSeries:
    """A gain at several training sizes.

    Parameters
    ----------
    events : ndarray, shape (K,)
        Training events.
    gain : ndarray, shape (K,)
        Difference, or ratio.
    low, high : ndarray, shape (K,)
        Interval; NaN where there is none.
    seeds : ndarray, shape (K,), int
        Pairs behind each gain.
    """

    events: np.ndarray
    gain: np.ndarray
    low: np.ndarray
    high: np.ndarray
    seeds: np.ndarray


def draw_gains(
    axes: Axes, series: Mapping[str, GainSeries], label: str, *, is_ratio: bool = False
) -> Axes:
    """Draw gains with intervals; a line marks no gain.

    Parameters
    ----------
    axes : Axes
        Panel.
    series : mapping of str to GainSeries
        By name, in the order of the legend.
    label : str
        Name of the gain.
    is_ratio : bool
        No gain is 1 on a logarithmic axis, else 0.

    Returns
    -------
    Axes
        The same panel; the legend is left to the figure.
    """
    axes.axhline(1.0 if is_ratio else 0.0, color="0.5", linewidth=1.3, zorder=0)
    for index, (name, one) in enumerate(series.items()):
        known = np.isfinite(one.low) & np.isfinite(one.high)
        errors = np.where(known, [one.gain - one.low, one.high - one.gain], 0.0)
        axes.errorbar(
            one.events * _STEP ** (index - 0.5 * (len(series) - 1)),
            one.gain,
            yerr=errors,
            color=SAMPLE_COLORS[index % len(SAMPLE_COLORS)],
            marker=MARKERS[index % len(MARKERS)],
            linestyle="none",
            elinewidth=1.8,
            capsize=3,
            label=name,
        )
    ticks = sorted({float(n) for one in series.values() for n in one.events})
    axes.set_xscale("log")
    margin = _STEP ** (0.5 * len(series) + 1.0)
    axes.set_xlim(ticks[0] / margin, ticks[-1] * margin)
    axes.set_xticks(ticks, [f"{tick:,.0f}" for tick in ticks])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_minor_locator(NullLocator())
    if is_ratio:
        _set_ratio_axis(axes)
    axes.set_xlabel("Training events")
    axes.set_ylabel(label)
    return axes


def _set_ratio_axis(axes: Axes) -> None:
    """Make the ordinate logarithmic with ticks such as 0.9 and 1.1."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(FixedLocator(_FINE_TICKS if high < 2 * low else _COARSE_TICKS))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylim(low, high)
