"""Histograms of unit area: classifier scores and reconstructed masses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes


@dataclass(frozen=True)
class Sample:
    """Values of one sample in a histogram.

    Parameters
    ----------
    values, weights : ndarray, shape (B,)
        What is histogrammed.
    color : str
        Line color.
    is_filled : bool
        Filled area (background) instead of a line (signal).
    """

    values: np.ndarray
    weights: np.ndarray
    color: str
    is_filled: bool = False


def density(sample: Sample, edges: np.ndarray) -> np.ndarray:
    """Histogram a sample to unit area over all finite values.

    Parameters
    ----------
    sample : Sample
        Values and weights.
    edges : ndarray, shape (K + 1,)
        Bin edges; values outside count in the norm but are not shown.

    Returns
    -------
    ndarray, shape (K,)
        Share of the weight per unit of the abscissa.
    """
    finite = np.isfinite(sample.values)
    counts, _ = np.histogram(sample.values[finite], bins=edges, weights=sample.weights[finite])
    total = sample.weights[finite].sum()
    return counts / (total * np.diff(edges)) if total > 0 else np.zeros(len(edges) - 1)


def draw_densities(
    axes: Axes, samples: Mapping[str, Sample], edges: np.ndarray, label: str, *, unit: str = ""
) -> dict[str, np.ndarray]:
    """Draw samples as histograms of unit area.

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
    dict of str to ndarray, shape (K,)
        The densities drawn, for the JSON beside the figure.
    """
    drawn = {name: density(sample, edges) for name, sample in samples.items()}
    for name, sample in samples.items():
        axes.stairs(
            drawn[name],
            edges,
            color=sample.color,
            label=name,
            fill=sample.is_filled,
            alpha=0.45 if sample.is_filled else 1.0,
            linewidth=0.0 if sample.is_filled else 2.0,
        )
    axes.set_xlim(edges[0], edges[-1])
    axes.set_xlabel(f"{label} [{unit}]" if unit else label)
    axes.set_ylabel(f"Fraction of events per {unit}" if unit else "Density")
    axes.legend(loc="best")
    return drawn
