"""True clusters beside what a segmentation found for them.

A *cluster* is the set of objects of one true resonance. Queries and clusters are matched so that
overlap plus probability of the true class is largest in the event; what is left over on either side
was missed or invented. Read next: ``segmentation.py`` for the metrics.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from colliderfm.errors import PhysicsError
from colliderfm.stats.matching import match


@dataclass(frozen=True)
class SegmentationResult:
    """True clusters of B events beside the queries matched with them.

    Parameters
    ----------
    n_classes : int
        Number of classes C; class C means none.
    true_class : ndarray, shape (B, R), int
        Class of each cluster, -1 for padding.
    found_class : ndarray, shape (B, R), int
        Class given by the query of the cluster; none if nothing was found.
    is_exact : ndarray, shape (B, R), bool
        True if the query holds the objects of the cluster and no other.
    n_members, n_right : ndarray, shape (B, R), int
        Objects of the cluster, and how many of them its query holds.
    other_class : ndarray, shape (B, Q), int
        Class given by each query that was matched with no cluster, -1 for the other queries.
    """

    n_classes: int
    true_class: np.ndarray
    found_class: np.ndarray
    is_exact: np.ndarray
    n_members: np.ndarray
    n_right: np.ndarray
    other_class: np.ndarray

    @property
    def is_cluster(self) -> np.ndarray:
        """Which places hold a true cluster, shape (B, R), bool."""
        return self.true_class >= 0

    @property
    def is_right_class(self) -> np.ndarray:
        """Which clusters got their own class, shape (B, R), bool."""
        return self.is_cluster & (self.found_class == self.true_class)

    @property
    def n_true(self) -> np.ndarray:
        """Clusters of each event, shape (B,), int."""
        return self.is_cluster.sum(axis=1)

    @property
    def n_found(self) -> np.ndarray:
        """Finds of each event, shape (B,), int."""
        return (self.is_cluster & (self.found_class < self.n_classes)).sum(1) + self.n_invented

    @property
    def n_invented(self) -> np.ndarray:
        """Finds of each event beyond the true clusters, shape (B,), int."""
        return ((self.other_class >= 0) & (self.other_class < self.n_classes)).sum(axis=1)


def score_segmentation(
    class_probability: np.ndarray, masks: np.ndarray, true_class: np.ndarray, members: np.ndarray
) -> SegmentationResult:
    """Match the queries of each event with its true clusters.

    Parameters
    ----------
    class_probability : ndarray, shape (B, Q, C + 1)
        Probability of each class, the last one none.
    masks : ndarray, shape (B, Q, N), bool
        Objects of each query, no object in two; a query without any has found nothing, the others
        give their most probable class that is not none.
    true_class : ndarray, shape (B, R), int
        Class of each true cluster, clusters first; -1 for padding.
    members : ndarray, shape (B, R, N), bool
        Objects of each cluster.

    Returns
    -------
    SegmentationResult
        What each cluster was found as; the order of queries and of clusters does not matter.

    Raises
    ------
    PhysicsError
        If the shapes do not agree, or padding comes before a cluster.
    """
    _check(class_probability, masks, true_class, members)
    n_queries, none = class_probability.shape[1], class_probability.shape[2] - 1
    given = np.where(masks.any(axis=2), class_probability[..., :none].argmax(axis=2), none)
    # Counts of shared objects and of objects in either, (B, Q, R).
    n_shared = np.matmul(masks.astype(np.int64), members.astype(np.int64).transpose(0, 2, 1))
    n_either = masks.sum(axis=2)[:, :, None] + members.sum(axis=2)[:, None, :] - n_shared
    own = np.maximum(true_class, 0)[:, None, :]
    gain = n_shared / np.maximum(n_either, 1) + np.take_along_axis(class_probability, own, axis=2)
    is_cluster = true_class >= 0
    query = match(-gain, is_cluster.sum(axis=1))
    is_matched, place = query >= 0, np.maximum(query, 0)
    n_right, n_union = (
        np.take_along_axis(n, place[:, None, :], axis=1)[:, 0] for n in (n_shared, n_either)
    )
    return SegmentationResult(
        n_classes=none,
        true_class=true_class,
        found_class=np.where(is_matched, np.take_along_axis(given, place, axis=1), none),
        is_exact=is_matched & (n_right == n_union),
        n_members=members.sum(axis=2) * is_cluster,
        n_right=n_right * is_matched,
        other_class=np.where((query[:, :, None] == np.arange(n_queries)).any(axis=1), -1, given),
    )


def join_results(results: Sequence[SegmentationResult]) -> SegmentationResult:
    """Join the results of several batches, which may differ in their largest number of clusters.

    Parameters
    ----------
    results : sequence of SegmentationResult
        At least one; of one network.

    Returns
    -------
    SegmentationResult
        All events, one batch after the other.
    """
    width = max(result.true_class.shape[1] for result in results)

    def joined(name: str, fill: int) -> np.ndarray:
        rows = [getattr(result, name) for result in results]
        padding = [((0, 0), (0, width - row.shape[1])) for row in rows]
        pairs = zip(rows, padding, strict=True)
        return np.concatenate([np.pad(row, pad, constant_values=fill) for row, pad in pairs])

    return SegmentationResult(
        n_classes=results[0].n_classes,
        true_class=joined("true_class", -1),
        found_class=joined("found_class", results[0].n_classes),
        is_exact=joined("is_exact", 0),
        n_members=joined("n_members", 0),
        n_right=joined("n_right", 0),
        other_class=np.concatenate([result.other_class for result in results]),
    )


def _check(*arrays: np.ndarray) -> None:
    """Refuse arrays that do not describe the same events."""
    probability, masks, true_class, members = (array.shape for array in arrays)
    is_fitting = [len(array.shape) for array in arrays] == [3, 3, 2, 3]
    if not is_fitting or (*probability[:2], *members) != (*masks[:2], *true_class, masks[2]):
        got = f"{probability}, {masks}, {true_class} and {members}"
        need = "(B, Q, C + 1), (B, Q, N), (B, R) and (B, R, N)"
        raise PhysicsError("predicted and true clusters", got=got, need=need)
    is_cluster = arrays[2] >= 0
    if (is_cluster[:, 1:] & ~is_cluster[:, :-1]).any():
        raise PhysicsError("true clusters", got="padding before a cluster", need="clusters first")
