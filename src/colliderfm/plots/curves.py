"""Curves: inverse ROC with seed bands, learning curves, loss curves, and bars with errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, ScalarFormatter

from colliderfm.plots.style import ARM_COLORS, ARM_LABELS, SAMPLE_COLORS, arm_style

FIRST_EFFICIENCY = 0.02


@dataclass(frozen=True)
class Band:
    """A curve that was measured once per seed.

    Parameters
    ----------
    x : ndarray, shape (K,)
        Common abscissa.
    center, low, high : ndarray, shape (K,)
        Mean over seeds and mean -/+ one standard deviation (equal to the mean for one seed).
    n_seeds : int
        Number of seeds.
    """

    x: np.ndarray
    center: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n_seeds: int

    @classmethod
    def of_seeds(cls, x: np.ndarray, values: np.ndarray, *, geometric: bool = False) -> Band:
        """Average curves over seeds.

        Parameters
        ----------
        x : ndarray, shape (K,)
            Abscissa.
        values : ndarray, shape (S, K)
            One curve per seed; NaN is left out.
        geometric : bool
            Average logarithms, for rejections.

        Returns
        -------
        Band
            Mean and standard deviation over seeds.
        """
        rows = np.log(values) if geometric else np.asarray(values, dtype=float)
        counted = np.isfinite(rows)
        n_valid = counted.sum(axis=0)
        filled = np.where(counted, rows, 0.0)
        empty = np.full(len(x), np.nan)
        mean = np.divide(filled.sum(axis=0), n_valid, out=empty, where=n_valid > 0)
        squares = (np.where(counted, rows - mean, 0.0) ** 2).sum(axis=0)
        sd = np.sqrt(np.divide(squares, n_valid - 1, out=np.zeros(len(x)), where=n_valid > 1))
        shape = np.exp if geometric else np.asarray
        return cls(np.asarray(x), shape(mean), shape(mean - sd), shape(mean + sd), len(values))

    def numbers(self) -> dict[str, object]:
        """List the band for the JSON beside a figure.

        Returns
        -------
        dict
            ``x, mean, low, high, seeds``.
        """
        return {
            "x": self.x,
            "mean": self.center,
            "low": self.low,
            "high": self.high,
            "seeds": self.n_seeds,
        }


def draw_inverse_roc(axes: Axes, bands: Mapping[str, Band], points: Sequence[float] = ()) -> Axes:
    """Draw background rejection against signal efficiency.

    Parameters
    ----------
    axes : Axes
        Panel.
    bands : mapping of str to Band
        Per arm: signal efficiency against rejection.
    points : sequence of float
        Working points to mark.

    Returns
    -------
    Axes
        The same panel.
    """
    for at in points:
        axes.axvline(at, color="0.75", linewidth=1.0, zorder=0)
    for arm, band in bands.items():
        style = arm_style(arm) | {"marker": "", "label": f"{_label(arm)} ({_seeds(band)})"}
        axes.plot(band.x, band.center, **style)
        axes.fill_between(
            band.x, band.low, band.high, color=style["color"], alpha=0.18, linewidth=0
        )
    diagonal = np.linspace(FIRST_EFFICIENCY, 1.0, 200)
    axes.plot(diagonal, 1.0 / diagonal, color="0.6", linewidth=1.2, label="random")
    axes.set_yscale("log")
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(bottom=1.0)
    axes.set_xlabel("Signal efficiency")
    axes.set_ylabel("Background rejection  1 / efficiency")
    axes.legend(loc="upper right")
    return axes


def draw_learning_curves(axes: Axes, bands: Mapping[str, Band], label: str) -> Axes:
    """Draw a metric against the number of training events.

    Parameters
    ----------
    axes : Axes
        Panel.
    bands : mapping of str to Band
        Per arm: training events against the metric.
    label : str
        Name of the metric.

    Returns
    -------
    Axes
        The same panel.
    """
    for arm, band in bands.items():
        style = arm_style(arm) | {"label": f"{_label(arm)} ({_seeds(band)})"}
        axes.plot(band.x, band.center, **style)
        axes.fill_between(
            band.x, band.low, band.high, color=style["color"], alpha=0.18, linewidth=0
        )
    ticks = sorted({float(x) for band in bands.values() for x in band.x})
    axes.set_xscale("log")
    axes.set_xlim(ticks[0] / 1.25, ticks[-1] * 1.25)
    axes.set_xticks(ticks, [f"{tick:,.0f}" for tick in ticks])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_minor_locator(LogLocator(subs=[]))
    axes.set_xlabel("Training events (signal and background)")
    axes.set_ylabel(label)
    axes.legend(loc="best")
    return axes


def draw_loss_curves(
    axes: Axes, bands: Mapping[str, Band], label: str, *, log: bool = False
) -> Axes:
    """Draw a monitored quantity against updates.

    Parameters
    ----------
    axes : Axes
        Panel.
    bands : mapping of str to Band
        Per arm (or per name): updates against the quantity.
    label : str
        Name of the quantity.
    log : bool
        Logarithmic updates.

    Returns
    -------
    Axes
        The same panel.
    """
    for index, (name, band) in enumerate(bands.items()):
        style = arm_style(name) | {"marker": ""}
        if name not in ARM_COLORS:
            style |= {"color": SAMPLE_COLORS[index % len(SAMPLE_COLORS)], "linestyle": "-"}
        axes.plot(band.x, band.center, **style)
        axes.fill_between(
            band.x, band.low, band.high, color=style["color"], alpha=0.18, linewidth=0
        )
    if log:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.set_xlabel("Updates")
    axes.set_ylabel(label)
    axes.legend(loc="best")
    return axes


def draw_bars(
    axes: Axes,
    groups: Sequence[str],
    bars: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    label: str,
    colors: Mapping[str, str] | None = None,
) -> Axes:
    """Draw grouped bars with errors.

    Parameters
    ----------
    axes : Axes
        Panel.
    groups : sequence of str
        Names of the groups along the axis.
    bars : mapping of str to (values, errors)
        Per series one value and error for each group.
    label : str
        Name of the quantity, with unit.
    colors : mapping of str to str, optional
        Color per series; arms have their own.

    Returns
    -------
    Axes
        The same panel.
    """
    width = 0.8 / len(bars)
    at = np.arange(len(groups))
    for index, (name, (values, errors)) in enumerate(bars.items()):
        color = (colors or {}).get(name) or ARM_COLORS.get(name, "0.6")
        offset = (index - 0.5 * (len(bars) - 1)) * width
        drawn = axes.bar(
            *(at + offset, values, 0.92 * width),
            yerr=errors,
            color=color,
            label=_label(name),
            error_kw={"elinewidth": 1.5, "capsize": 3},
        )
        axes.bar_label(drawn, fmt="%.0f", padding=2, fontsize=11)
    axes.set_xticks(at, list(groups))
    axes.tick_params(axis="x", which="both", top=False, bottom=False)
    axes.set_ylabel(label)
    axes.legend(loc="upper center", ncols=2, fontsize=12)
    return axes


def set_log_with_plain_ticks(axes: Axes) -> Axes:
    """Make the ordinate logarithmic with tick labels such as 20 and 50 instead of powers of ten.

    Parameters
    ----------
    axes : Axes
        Panel.

    Returns
    -------
    Axes
        The same panel.
    """
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(LogLocator(subs=np.arange(1.0, 10.0)))
    axes.yaxis.set_minor_formatter(NullFormatter())
    return axes


def _label(name: str) -> str:
    """Readable name of an arm."""
    return ARM_LABELS.get(name, name)


def _seeds(band: Band) -> str:
    """How many seeds stand behind a band."""
    return f"{band.n_seeds} seeds" if band.n_seeds != 1 else "1 seed"
