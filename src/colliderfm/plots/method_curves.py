"""Curves of many methods against a common abscissa, each with the style it is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter

from colliderfm.plots.curves import Band


@dataclass(frozen=True)
class MethodStyle:
    """How a method looks in every figure.

    Parameters
    ----------
    label : str
        Legend label.
    color : str
        Color.
    line, marker : str
        Line style and marker of matplotlib.
    """

    label: str
    color: str
    line: str
    marker: str

    def options(self) -> dict[str, Any]:
        """List the keyword arguments of ``Axes.plot``.

        Returns
        -------
        dict
            ``color, linestyle, marker, label``.
        """
        return {
            "color": self.color,
            "linestyle": self.line,
            "marker": self.marker,
            "label": self.label,
        }


def draw_method_curves(
    axes: Axes,
    bands: Mapping[str, Band],
    styles: Mapping[str, MethodStyle],
    labels: tuple[str, str],
) -> Axes:
    """Draw a metric of several methods against a logarithmic abscissa.

    Parameters
    ----------
    axes : Axes
        Panel.
    bands : mapping of str to Band
        Metric per method.
    styles : mapping of str to MethodStyle
        Look of each method.
    labels : tuple of str
        Names of abscissa and ordinate.

    Returns
    -------
    Axes
        The same panel, without a legend.
    """
    for name, band in bands.items():
        style = styles[name]
        axes.plot(band.x, band.center, **style.options())
        axes.fill_between(band.x, band.low, band.high, color=style.color, alpha=0.15, linewidth=0)
    ticks = sorted({float(x) for band in bands.values() for x in band.x})
    axes.set_xscale("log")
    axes.set_xlim(ticks[0] / 1.25, ticks[-1] * 1.25)
    axes.set_xticks(ticks, [f"{tick:,.0f}" for tick in ticks])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_minor_locator(LogLocator(subs=[]))
    axes.set_xlabel(labels[0])
    axes.set_ylabel(labels[1])
    return axes


def draw_method_bars(
    axes: Axes,
    groups: Mapping[str, Mapping[str, tuple[float, float]]],
    styles: Mapping[str, MethodStyle],
    label: str,
) -> Axes:
    """Draw grouped bars, one per method that a group has.

    Parameters
    ----------
    axes : Axes
        Panel.
    groups : mapping of str to mapping of str to (value, error)
        Per group along the axis, the methods; an error that is not finite is not drawn.
    styles : mapping of str to MethodStyle
        Look of each method.
    label : str
        Name of the ordinate.

    Returns
    -------
    Axes
        The same panel, without a legend.
    """
    methods = [name for name in styles if any(name in group for group in groups.values())]
    width = 0.82 / max(len(methods), 1)
    for index, method in enumerate(methods):
        offset = (index - 0.5 * (len(methods) - 1)) * width
        present = [i for i, group in enumerate(groups.values()) if method in group]
        pairs = [group[method] for group in groups.values() if method in group]
        values, errors = np.array(pairs, dtype=float).reshape(-1, 2).T
        axes.bar(
            np.array(present) + offset,
            values,
            0.92 * width,
            yerr=np.where(np.isfinite(errors), errors, 0.0),
            color=styles[method].color,
            label=styles[method].label,
            error_kw={"elinewidth": 1.3, "capsize": 2},
        )
    axes.set_xticks(np.arange(len(groups)), list(groups))
    axes.tick_params(axis="x", which="both", top=False, bottom=False)
    axes.set_ylabel(label)
    return axes
