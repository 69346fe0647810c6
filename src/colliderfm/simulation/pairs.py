"""Pairs of things that belong to the same event, without a loop over events."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.int64]
Array = NDArray[np.float64]


def pairs_within_events(event_a: Index, event_b: Index, n_events: int) -> tuple[Index, Index]:
    """List every pair (a, b) with both in the same event.

    Parameters
    ----------
    event_a : ndarray, shape (A,), int
        Event of each a, any order.
    event_b : ndarray, shape (C,), int
        Event of each b, ascending.
    n_events : int
        Number of events.

    Returns
    -------
    tuple of ndarray, shape (P,), int
        Positions of a and of b, grouped by a.

    Examples
    --------
    >>> a, b = pairs_within_events(np.array([0, 1]), np.array([1, 1]), 2)
    >>> a.tolist(), b.tolist()
    ([1, 1], [0, 1])
    """
    first_b = np.searchsorted(event_b, np.arange(n_events + 1))
    count = np.diff(first_b)[event_a]
    index_a = np.repeat(np.arange(len(event_a)), count)
    start = np.repeat(first_b[event_a] - (np.cumsum(count) - count), count)
    return index_a, start + np.arange(len(index_a))


def match_closest(
    index_a: Index, index_b: Index, distance: Array, n_a: int, n_b: int, maximum: float
) -> Index:
    """Match a to b one to one, closest pair first.

    Parameters
    ----------
    index_a, index_b : ndarray, shape (P,), int
        Candidate pairs.
    distance : ndarray, shape (P,)
        Distance of each pair.
    n_a, n_b : int
        Number of a and of b.
    maximum : float
        Pairs farther apart are not matched.

    Returns
    -------
    ndarray, shape (A,), int
        The b of each a, -1 for none.

    Notes
    -----
    A pair that is the closest one of both its partners is what the greedy search would take at some
    point, whatever else happens; taking all such pairs at once and repeating gives the same result.
    """
    matched = np.full(n_a, -1, dtype=np.int64)
    close = distance < maximum
    index_a, index_b, distance = index_a[close], index_b[close], distance[close]
    while len(distance):
        nearest_a, nearest_b = np.full(n_a, np.inf), np.full(n_b, np.inf)
        np.minimum.at(nearest_a, index_a, distance)
        np.minimum.at(nearest_b, index_b, distance)
        best = (distance == nearest_a[index_a]) & (distance == nearest_b[index_b])
        matched[index_a[best]] = index_b[best]
        used_b = np.zeros(n_b, dtype=bool)
        used_b[index_b[best]] = True
        left = (matched[index_a] < 0) & ~used_b[index_b]
        index_a, index_b, distance = index_a[left], index_b[left], distance[left]
    return matched
