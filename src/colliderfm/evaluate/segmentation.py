"""How well resonances are found: their number, their classes, and the objects of each.

A query counts as a find if it holds an object. Read first: ``cluster_matching.py``; for objects given
the topology: ``assignment.py``.
"""

from __future__ import annotations

import numpy as np

from colliderfm.evaluate.assignment import Efficiency, share
from colliderfm.evaluate.classification import confusion_matrix
from colliderfm.evaluate.cluster_matching import SegmentationResult


def class_confusion(result: SegmentationResult, weight: np.ndarray | None = None) -> np.ndarray:
    """Share of the clusters of each class that is found as each class.

    Parameters
    ----------
    result : SegmentationResult
        From `cluster_matching.score_segmentation`.
    weight : ndarray, shape (B,), optional
        Event weights.

    Returns
    -------
    ndarray, shape (C + 1, C + 1)
        Row = true class, column = class found; the last column holds what was missed, the last row
        the queries matched with no cluster. Rows add up to one; NaN for a class without clusters.
    """
    is_other = result.other_class >= 0
    none = np.full(is_other.sum(), result.n_classes)
    is_cluster = result.is_cluster
    return confusion_matrix(
        np.concatenate([result.true_class[is_cluster], none]),
        np.concatenate([result.found_class[is_cluster], result.other_class[is_other]]),
        result.n_classes + 1,
        np.concatenate([_weights(weight, chosen) for chosen in (is_cluster, is_other)]),
    )


def count_confusion(
    result: SegmentationResult, max_count: int, weight: np.ndarray | None = None
) -> np.ndarray:
    """Share of the events with each number of resonances in which each number is found.

    Parameters
    ----------
    result : SegmentationResult
        From `cluster_matching.score_segmentation`.
    max_count : int
        Largest number K told apart; the last row and column hold K or more.
    weight : ndarray, shape (B,), optional
        Event weights.

    Returns
    -------
    ndarray, shape (K + 1, K + 1)
        Row = true number; rows add up to one, NaN for a number that does not occur.
    """
    true, found = (np.minimum(n, max_count) for n in (result.n_true, result.n_found))
    return confusion_matrix(true, found, max_count + 1, weight)


def cluster_purity(
    result: SegmentationResult, weight: np.ndarray | None = None, true_class: int | None = None
) -> dict[str, Efficiency]:
    """Exact masks over true clusters.

    Parameters
    ----------
    result : SegmentationResult
        From `cluster_matching.score_segmentation`.
    weight : ndarray, shape (B,), optional
        Event weights.
    true_class : int, optional
        Only clusters of this class.

    Returns
    -------
    dict of str to Efficiency
        ``right_class``: exact and of the right class; ``wrong_class``: exact but of another class;
        ``any_class``: their sum; ``class``: of the right class, whatever the mask.
    """
    counted = _chosen(result, true_class)
    weights, everything = _weights(weight, counted), np.ones(counted.sum(), dtype=bool)
    is_right, is_exact = result.is_right_class[counted], result.is_exact[counted]
    return {
        "right_class": share(is_exact & is_right, everything, weights),
        "wrong_class": share(is_exact & ~is_right, everything, weights),
        "any_class": share(is_exact, everything, weights),
        "class": share(is_right, everything, weights),
    }


def entry_purity(
    result: SegmentationResult, weight: np.ndarray | None = None, true_class: int | None = None
) -> float:
    """Objects that are in the right cluster over objects of true clusters.

    Parameters
    ----------
    result : SegmentationResult
        From `cluster_matching.score_segmentation`.
    weight : ndarray, shape (B,), optional
        Event weights.
    true_class : int, optional
        Only clusters of this class.

    Returns
    -------
    float
        Share in [0, 1]; NaN without objects.
    """
    counted = _chosen(result, true_class)
    weights = _weights(weight, counted)
    total = weights @ result.n_members[counted]
    return float(weights @ result.n_right[counted] / total) if total else np.nan


def event_purity(
    result: SegmentationResult, process: np.ndarray, weight: np.ndarray | None = None
) -> dict[tuple[int, int], Efficiency]:
    """Share of events found completely, per process and number of resonances.

    Parameters
    ----------
    result : SegmentationResult
        From `cluster_matching.score_segmentation`.
    process : ndarray, shape (B,), int
        Process of each event.
    weight : ndarray, shape (B,), optional
        Event weights.

    Returns
    -------
    dict of (process, number of true resonances) to Efficiency
        Events in which every cluster is exact and of the right class and nothing is invented, over
        all events with that process and number.
    """
    is_found = (result.is_exact & result.is_right_class) | ~result.is_cluster
    is_complete = is_found.all(axis=1) & (result.n_invented == 0)
    kinds = np.stack([np.asarray(process), result.n_true], axis=1)
    return {
        (int(index), int(count)): share(is_complete, (kinds == (index, count)).all(axis=1), weight)
        for index, count in np.unique(kinds, axis=0)
    }


def _weights(weight: np.ndarray | None, chosen: np.ndarray) -> np.ndarray:
    """Return the event weight, one without any, of each chosen entry of (B, X), flat."""
    weights = np.ones(len(chosen)) if weight is None else np.asarray(weight, dtype=float)
    return np.broadcast_to(weights[:, None], chosen.shape)[chosen]


def _chosen(result: SegmentationResult, true_class: int | None) -> np.ndarray:
    """Return the clusters of one class or all, (B, R)."""
    return result.is_cluster if true_class is None else result.true_class == true_class
