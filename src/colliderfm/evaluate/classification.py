"""Classifier metrics with errors: bootstrapped ROC numbers, confusion matrix, one-vs-rest AUC.

Why here: every study and the promotion gate need the same numbers with the same errors.
Read next: `colliderfm.evaluate.roc` for the curve itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from colliderfm.errors import PhysicsError
from colliderfm.evaluate.roc import background_efficiency_at, checked, roc_curve

# Replicas of large samples use every n-th threshold; the nominal numbers always use all.
MAX_POINTS = 4000


@dataclass(frozen=True)
class RocReplicas:
    """ROC numbers of each bootstrap replica.

    Parameters
    ----------
    auc : ndarray, shape (R,)
        Area under the curve.
    background_efficiency : dict of float to ndarray, shape (R,)
        At each requested signal efficiency.
    max_sic : ndarray, shape (R,)
        Largest significance improvement above the background floor.
    """

    auc: np.ndarray
    background_efficiency: dict[float, np.ndarray]
    max_sic: np.ndarray


def roc_replicas(
    is_signal: np.ndarray,
    score: np.ndarray,
    weight: np.ndarray | None,
    counts: np.ndarray,
    *,
    signal_efficiencies: tuple[float, ...] = (),
    min_background_events: float = 50.0,
) -> RocReplicas:
    """Evaluate the ROC curve on every bootstrap replica.

    Parameters
    ----------
    is_signal : ndarray, shape (B,), bool
        True for signal.
    score : ndarray, shape (B,)
        Larger means more signal-like.
    weight : ndarray, shape (B,), optional
        Event weights.
    counts : ndarray, shape (R, B)
        Replica counts from `colliderfm.stats.bootstrap.replica_counts`.
    signal_efficiencies : tuple of float
        Working points.
    min_background_events : float
        Effective background floor of the significance improvement.

    Returns
    -------
    RocReplicas
        Numbers per replica.

    Raises
    ------
    PhysicsError
        As `roc_curve`.
    """
    is_signal, score, weight = checked(is_signal, score, weight)
    # The floor is fixed on the nominal sample, so that replicas measure one and the same maximum.
    curve = roc_curve(is_signal, score, weight)
    point = _coarse_points(len(curve.threshold) - 1)
    is_allowed = np.append(0.0, curve.n_background_effective[1:][point]) >= min_background_events
    is_allowed[-1] = True
    # Group of an event: the first kept threshold that selects it.
    group = np.searchsorted(-curve.threshold[1:][point], -score)
    signal = _efficiencies(np.where(is_signal, weight, 0.0), group, counts, len(point))
    background = _efficiencies(np.where(is_signal, 0.0, weight), group, counts, len(point))
    floor = np.where(is_allowed & ~(background <= 0), background, np.inf)
    return RocReplicas(
        auc=np.trapezoid(signal, background, axis=1),
        background_efficiency={
            at: background_efficiency_at(signal, background, at) for at in signal_efficiencies
        },
        max_sic=(signal / np.sqrt(floor)).max(axis=1),
    )


def confusion_matrix(
    true_class: np.ndarray,
    predicted_class: np.ndarray,
    n_classes: int,
    weight: np.ndarray | None = None,
) -> np.ndarray:
    """Share of each true class that is predicted as each class.

    Parameters
    ----------
    true_class, predicted_class : ndarray, shape (B,), int
        Class indices below ``n_classes``.
    n_classes : int
        Number of classes C.
    weight : ndarray, shape (B,), optional
        Event weights.

    Returns
    -------
    ndarray, shape (C, C)
        Row = true class; rows add up to one, a class without events has NaN.
    """
    cell = np.asarray(true_class) * n_classes + np.asarray(predicted_class)
    sums = np.bincount(cell, weights=weight, minlength=n_classes**2).reshape(n_classes, n_classes)
    total = sums.sum(axis=1, keepdims=True)
    return np.divide(sums, total, out=np.full(sums.shape, np.nan), where=total > 0)


def one_vs_rest_auc(
    true_class: np.ndarray, probability: np.ndarray, weight: np.ndarray | None = None
) -> np.ndarray:
    """AUC of each class against all others.

    Parameters
    ----------
    true_class : ndarray, shape (B,), int
        Class indices.
    probability : ndarray, shape (B, C)
        Score of each class.
    weight : ndarray, shape (B,), optional
        Event weights.

    Returns
    -------
    ndarray, shape (C,)
        NaN for a class without events.
    """
    return np.array(
        [
            roc_curve(true_class == index, probability[:, index], weight).auc
            if (true_class == index).any()
            else np.nan
            for index in range(probability.shape[1])
        ]
    )


def macro_auc_replicas(
    true_class: np.ndarray,
    probability: np.ndarray,
    counts: np.ndarray,
    weight: np.ndarray | None = None,
) -> np.ndarray:
    """Mean one-vs-rest AUC over the classes present, on every bootstrap replica.

    Parameters
    ----------
    true_class : ndarray, shape (B,), int
        Class indices.
    probability : ndarray, shape (B, C)
        Score of each class.
    counts : ndarray, shape (R, B)
        Replica counts.
    weight : ndarray, shape (B,), optional
        Event weights.

    Returns
    -------
    ndarray, shape (R,)
        Macro AUC per replica.

    Raises
    ------
    PhysicsError
        If fewer than two classes are present.
    """
    present = np.unique(true_class)
    if len(present) < 2:
        raise PhysicsError("macro AUC", got=f"{len(present)} class", need="at least two classes")
    per_class = [
        roc_replicas(true_class == index, probability[:, index], weight, counts).auc
        for index in present
    ]
    return np.mean(per_class, axis=0)


def _coarse_points(n_thresholds: int) -> np.ndarray:
    """Choose at most `MAX_POINTS` thresholds, the last one included."""
    n_points = min(n_thresholds, MAX_POINTS)
    return np.linspace(0, n_thresholds, n_points + 1).astype(int)[1:] - 1


def _efficiencies(
    weight: np.ndarray, group: np.ndarray, counts: np.ndarray, n_groups: int
) -> np.ndarray:
    """Weights (B,) and replica counts (R, B) to selected shares (R, T), starting at zero."""
    events = np.flatnonzero(weight)
    # One sparse product adds up all replicas of all groups.
    sums = csr_array((weight[events], (group[events], events)), shape=(n_groups, len(weight)))
    selected = np.cumsum(sums @ counts.T.astype(np.float64), axis=0).T
    selected = np.concatenate([np.zeros((len(counts), 1)), selected], axis=1)
    total = selected[:, -1:]
    # A replica may lack all events of a rare class: NaN, which `stats.bootstrap.summarize` skips.
    return np.divide(selected, total, out=np.full_like(selected, np.nan), where=total > 0)
