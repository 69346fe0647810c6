"""Errors by bootstrap over events: of numbers, and bands of histograms of generated beside true values.

Particles of one event are not independent, and the generated ones belong to the same events as the true
ones. So whole events are drawn anew, with the same draws for both: the error of their ratio is then the
right one, however strongly the two are related. Read next: ``generation.py`` for single numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from colliderfm.errors import PhysicsError
from colliderfm.stats.bootstrap import replica_counts, summarize

N_REPLICAS = 200
# From how often each event counts to a number.
Measure = Callable[[np.ndarray], float]


@dataclass(frozen=True)
class BandedHistogram:
    """Densities of generated and true values in equal bins, and their ratio.

    Parameters
    ----------
    edges : ndarray, shape (K + 1,)
        Bin edges; values outside count in the norm only.
    true, generated : ndarray, shape (K,)
        Share of the values per unit of the abscissa.
    true_error, generated_error : ndarray, shape (K,)
        Bootstrap errors.
    ratio, ratio_error : ndarray, shape (K,)
        Generated over true and its error, both samples varied together; NaN without true values.
    """

    edges: np.ndarray
    true: np.ndarray
    generated: np.ndarray
    true_error: np.ndarray
    generated_error: np.ndarray
    ratio: np.ndarray
    ratio_error: np.ndarray


def banded_histogram(
    generated: np.ndarray,
    true: np.ndarray,
    event: np.ndarray,
    edges: Sequence[float] | np.ndarray,
    *,
    seed: int = 0,
) -> BandedHistogram:
    """Histogram generated and true values with errors.

    Parameters
    ----------
    generated, true : ndarray, shape (n,)
        Values of the same feature for the same particles.
    event : ndarray, shape (n,), int
        Event of each value, from 0.
    edges : sequence of float, length K + 1
        Rising bin edges.
    seed : int
        Of the bootstrap.

    Returns
    -------
    BandedHistogram

    Raises
    ------
    PhysicsError
        If there is no value, or the shapes differ.
    """
    if not (generated.shape == true.shape == event.shape) or not len(true):
        raise PhysicsError(
            "histogram of generated and true values",
            got=f"shapes {generated.shape}, {true.shape}, events {event.shape}",
            need="equal shapes and at least one value",
        )
    bins = np.asarray(edges, dtype=float)
    weight = _replicas(event, seed)
    made, real = (_densities(values, event, bins, weight) for values in (generated, true))
    ratio = np.divide(made, real, out=np.full_like(made, np.nan), where=real > 0)
    ratio_error = np.where(real[0] > 0, _spread(ratio[1:]), np.nan)
    return BandedHistogram(
        bins, real[0], made[0], _spread(real[1:]), _spread(made[1:]), ratio[0], ratio_error
    )


def event_errors(
    measures: Mapping[str, Measure], n_events: int, *, seed: int = 0
) -> dict[str, float]:
    """Return the bootstrap errors of numbers that are made from the same events.

    Parameters
    ----------
    measures : mapping of str to callable
        Each from counts (n_events,) of the events, 1 for the sample as it is, to the number.
    n_events : int
        Number of events.
    seed : int
        Of the bootstrap.

    Returns
    -------
    dict of str to float
        Standard deviations over the replicas, those that are not finite left out; NaN if fewer than
        two are finite.
    """
    replicas = replica_counts(n_events, N_REPLICAS, seed).astype(np.int64)
    return {
        name: summarize(np.array([measure(counts) for counts in replicas])).error
        for name, measure in measures.items()
    }


def _replicas(event: np.ndarray, seed: int) -> np.ndarray:
    """Return how often each event counts, (1 + replicas, events); the first row counts all once."""
    n_events = int(event.max()) + 1
    return np.vstack([np.ones(n_events), replica_counts(n_events, N_REPLICAS, seed)])


def _densities(
    values: np.ndarray, event: np.ndarray, bins: np.ndarray, weight: np.ndarray
) -> np.ndarray:
    """Return the density of the sample and of each replica, (1 + replicas, K)."""
    n_events, n_bins = weight.shape[1], len(bins) - 1
    place = np.digitize(values, bins) - 1
    place = np.where(values == bins[-1], n_bins - 1, place)
    inside = (place >= 0) & (place < n_bins)
    cell = event[inside] * n_bins + place[inside]
    counts = np.bincount(cell, minlength=n_events * n_bins).reshape(n_events, n_bins)
    total = weight @ np.bincount(event, minlength=n_events)
    return (weight @ counts) / (np.maximum(total, 1.0)[:, None] * np.diff(bins))


def _spread(replicas: np.ndarray) -> np.ndarray:
    """Return the standard deviation over replicas; NaN in one of them is left out."""
    counted = np.isfinite(replicas)
    n = np.maximum(counted.sum(axis=0), 2)
    mean = np.where(counted, replicas, 0.0).sum(axis=0) / n
    squares = np.where(counted, (replicas - mean) ** 2, 0.0).sum(axis=0)
    return np.asarray(np.sqrt(squares / (n - 1)))
