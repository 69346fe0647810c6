"""Minimum-cost matching of a set of predictions with a set of targets, for a whole batch at once.

Collider events hold a handful of resonances, so their few hundred possible matchings are compared
by one table lookup for all events together: far cheaper than a call of the Hungarian algorithm per
event, which is kept for larger sets. Both find the same minimum.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import permutations
from math import perm

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from colliderfm.errors import PhysicsError

# Up to this number of matchings per event the table is faster than the Hungarian algorithm.
MAX_ENUMERATED = 200
# Stands for a cost that is not finite, so that a broken network fails in its loss and not here.
_FORBIDDEN_COST = 1e9


def match(cost: NDArray[np.floating], n_targets: NDArray[np.integer]) -> NDArray[np.int64]:
    """Give each target a query of its own so that the summed cost of an event is smallest.

    Parameters
    ----------
    cost : ndarray, shape (B, Q, R)
        Cost of matching query q with target r in each of B events; a cost that is not finite counts
        as very large.
    n_targets : ndarray, shape (B,), int
        Targets of each event: the first of its R places; what the others hold does not matter.

    Returns
    -------
    ndarray, shape (B, R), int64
        Query of each target; -1 in places without a target, and for the targets left over where an
        event has more of them than queries.

    Raises
    ------
    PhysicsError
        If the shapes do not agree or an event has more targets than places.

    References
    ----------
    H. W. Kuhn, The Hungarian method for the assignment problem, Naval Res. Logist. Quart. 2 (1955)
    83; set prediction with it: N. Carion et al., arXiv:2005.12872, eq. 1.

    Examples
    --------
    >>> match(np.array([[[0.0, 1.0], [0.5, 9.0], [2.0, 3.0]]]), np.array([2]))
    array([[1, 0]])
    """
    if cost.ndim != 3 or n_targets.shape != cost.shape[:1] or (n_targets > cost.shape[2]).any():
        raise PhysicsError(
            "costs of a matching",
            got=f"cost {cost.shape}, n_targets {n_targets.shape} up to {n_targets.max(initial=0)}",
            need="(B, Q, R) and (B,) up to R",
        )
    finite = np.where(np.isfinite(cost), cost, _FORBIDDEN_COST).astype(np.float64)
    n_events, n_queries, n_places = cost.shape
    query = np.full((n_events, n_places), -1, dtype=np.int64)
    for n in np.unique(n_targets[n_targets > 0]):
        rows = np.flatnonzero(n_targets == n)
        chosen = finite[rows, :, :n]
        if 0 < perm(n_queries, int(n)) <= MAX_ENUMERATED:
            query[rows, :n] = _best_of_all(chosen)
        else:
            query[rows, :n] = [_hungarian(one) for one in chosen]
    return query


@lru_cache(maxsize=64)
def _matchings(n_queries: int, n_targets: int) -> NDArray[np.int64]:
    """Return every way to give the targets distinct queries, (P, T)."""
    return np.array(list(permutations(range(n_queries), n_targets)), dtype=np.int64)


def _best_of_all(cost: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the best matching of each event, costs (E, Q, T) to queries (E, T)."""
    table = _matchings(*cost.shape[1:])
    # Query first, so that each lookup copies whole rows of events.
    by_query = np.ascontiguousarray(cost.transpose(1, 2, 0))
    total = by_query[table[:, 0], 0]
    for place in range(1, table.shape[1]):
        total += by_query[table[:, place], place]
    best: NDArray[np.int64] = table[total.argmin(axis=0)]
    return best


def _hungarian(cost: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the query of each target of one event, costs (Q, T) to (T,)."""
    query = np.full(cost.shape[1], -1, dtype=np.int64)
    chosen, target = linear_sum_assignment(cost)
    query[target] = chosen
    return query
