"""Histograms of unit area with their errors: classifier scores and reconstructed masses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes


@dataclass(frozen=True)
class Sample:
    """Values of one sample in a histogram, as each of several trainings sees them.

    Parameters
    ----------
    values, weights : sequence of ndarray, shape (B,) each
        What is histogrammed, one array per training.
    color : str
        Line color.
    is_filled : bool
        Filled area (background) instead of a line (signal).
    """

    values: Sequence[np.ndarray]
    weights: Sequence[np.ndarray]
    color: str
    is_filled: bool = False


@dataclass(frozen=True)
class Density:
    """Histogram of unit area.

    Parameters
    ----------
    mean : ndarray, shape (K,)
        Mean over the trainings, per unit of the abscissa.
    error : ndarray, shape (K,)
        Standard deviation over the trainings and statistical error of the events, in quadrature.
    """

    mean: np.ndarray
    error: np.ndarray


def density(sample: Sample, edges: np.ndarray) -> Density:
    """Histogram a sample to unit area over all finite values.

    Parameters
    ----------
    sample : Sample
        Values and weights.
    edges : ndarray, shape (K + 1,)
        Bin edges; values outside count in the norm but are not shown.

    Returns
    -------
    Density
        Zero where the sample is empty.
    """
    rows, variances = [], []
    for values, weights in zip(sample.values, sample.weights, strict=True):
        finite = np.isfinite(values)
        shown, weight = values[finite], weights[finite]
        norm = weight.sum() * np.diff(edges)
        counts = np.histogram(shown, bins=edges, weights=weight)[0]
        squares = np.histogram(shown, bins=edges, weights=weight**2)[0]
        rows.append(np.divide(counts, norm, out=np.zeros(len(norm)), where=norm > 0))
        variances.append(np.divide(squares, norm**2, out=np.zeros(len(norm)), where=norm > 0))
    spread = np.std(rows, axis=0, ddof=1) if len(rows) > 1 else 0.0
    return Density(np.mean(rows, axis=0), np.hypot(spread, np.sqrt(np.mean(variances, axis=0))))


def draw_densities(
    axes: Axes, samples: Mapping[str, Sample], edges: np.ndarray, label: str, *, unit: str = ""
) -> dict[str, Density]:
    """Draw samples as histograms of unit area with error bands.

    Parameters
    ----------
    axes : Axes
        Panel.
    samples : mapping of str to Sample
        By legend label, drawn in order.
    edges : ndarray, shape (K + 1,)
        Bin edges.
    label : str
        Name of the abscissa.
    unit : str
        Its unit, e.g. ``GeV``.

    Returns
    -------
    dict of str to Density
        What was drawn, for the JSON beside the figure.
    """
    drawn = {name: density(sample, edges) for name, sample in samples.items()}
    for name, sample in samples.items():
        shown = drawn[name]
        axes.stairs(
            shown.mean,
            edges,
            color=sample.color,
            label=name,
            fill=sample.is_filled,
            alpha=0.45 if sample.is_filled else 1.0,
            linewidth=0.0 if sample.is_filled else 2.0,
        )
        axes.stairs(
            shown.mean + shown.error,
            edges,
            baseline=np.maximum(shown.mean - shown.error, 0.0),
            color=sample.color,
            fill=True,
            alpha=0.25,
            linewidth=0.0,
        )
    axes.set_xlim(edges[0], edges[-1])
    axes.set_xlabel(f"{label} [{unit}]" if unit else label)
    axes.set_ylabel(f"Fraction of events per {unit}" if unit else "Density")
    axes.legend(loc="best")
    return drawn
