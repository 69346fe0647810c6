"""The weighted ROC curve and what is read from it: AUC, rejection, significance improvement.

Signal and background are normalized separately, so nothing depends on how many of each there are.
Events with equal scores enter together: the curve joins their end points by a straight line.
`colliderfm.evaluate.classification` adds the bootstrap errors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from colliderfm.errors import PhysicsError


@dataclass(frozen=True)
class RocCurve:
    """Efficiencies of all thresholds, from the tightest to none.

    Parameters
    ----------
    threshold : ndarray, shape (T,)
        Events with ``score >= threshold`` are selected; the first entry (inf) selects none.
    signal_efficiency, background_efficiency : ndarray, shape (T,)
        Selected share of the weight; from 0 to 1.
    n_background : ndarray, shape (T,)
        Number of selected background events, not weighted.
    n_background_effective : ndarray, shape (T,)
        ``(sum w)^2 / sum w^2`` of the selected background.
    n_background_total : float
        Effective number of all background events.
    """

    threshold: np.ndarray
    signal_efficiency: np.ndarray
    background_efficiency: np.ndarray
    n_background: np.ndarray
    n_background_effective: np.ndarray
    n_background_total: float

    @property
    def auc(self) -> float:
        """Area under signal efficiency against background efficiency."""
        return float(np.trapezoid(self.signal_efficiency, self.background_efficiency))


@dataclass(frozen=True)
class Rejection:
    """Inverse background efficiency at a signal efficiency.

    Parameters
    ----------
    signal_efficiency : float
        Working point.
    value : float
        ``1 / background efficiency``, always finite: without selected background it is ``limit``.
    limit : float
        Lower limit at 95% from the Poisson upper limit on the effective number of selected
        background events.
    n_background : int
        Background events passing the threshold.
    is_limit : bool
        Whether too few effective background events pass to quote ``value`` as a measurement.
    """

    signal_efficiency: float
    value: float
    limit: float
    n_background: int
    is_limit: bool


@dataclass(frozen=True)
class SicMaximum:
    """Largest significance improvement ``signal efficiency / sqrt(background efficiency)``.

    Parameters
    ----------
    value : float
        The maximum over thresholds that leave enough background.
    signal_efficiency : float
        Where it is reached.
    n_background : int
        Background events passing there.
    """

    value: float
    signal_efficiency: float
    n_background: int


def roc_curve(
    is_signal: np.ndarray, score: np.ndarray, weight: np.ndarray | None = None
) -> RocCurve:
    """Efficiencies at every distinct score.

    Parameters
    ----------
    is_signal : ndarray, shape (B,), bool
        True for signal.
    score : ndarray, shape (B,)
        Larger means more signal-like.
    weight : ndarray, shape (B,), optional
        Event weights; one if omitted.

    Returns
    -------
    RocCurve
        T = number of distinct scores + 1.

    Raises
    ------
    PhysicsError
        If a score is not finite, or signal or background carries no positive weight.

    Examples
    --------
    >>> roc_curve(np.array([True, True, False]), np.array([0.9, 0.4, 0.4])).auc
    0.75
    """
    is_signal, score, weight = checked(is_signal, score, weight)
    order = np.argsort(-score, kind="stable")
    ends = tie_ends(score[order])

    def selected(per_event: np.ndarray) -> np.ndarray:
        return np.concatenate([[0.0], np.cumsum(per_event[order])[ends]])

    signal = selected(np.where(is_signal, weight, 0.0))
    background = selected(np.where(is_signal, 0.0, weight))
    squares = selected(np.where(is_signal, 0.0, weight**2))
    effective = np.divide(background**2, squares, out=np.zeros_like(squares), where=squares > 0)
    return RocCurve(
        threshold=np.concatenate([[np.inf], score[order][ends]]),
        signal_efficiency=signal / signal[-1],
        background_efficiency=background / background[-1],
        n_background=selected((~is_signal).astype(float)).astype(int),
        n_background_effective=effective,
        n_background_total=float(effective[-1]),
    )


def background_efficiency_at(
    signal_efficiencies: np.ndarray, background_efficiencies: np.ndarray, at: float
) -> np.ndarray:
    """Interpolate the background efficiency of ROC curves at a signal efficiency.

    Parameters
    ----------
    signal_efficiencies, background_efficiencies : ndarray, shape (R, T)
        Rising curves, one per row, as in `RocCurve`.
    at : float
        Signal efficiency in (0, 1].

    Returns
    -------
    ndarray, shape (R,)
        Linear between the last point below ``at`` and the first one that reaches it; NaN for a row
        without signal.
    """
    # argmax of a boolean row is the first point that reaches `at`; the last point always does.
    upper = np.argmax(signal_efficiencies >= min(at, 1.0) - 1e-12, axis=1)
    lower = np.maximum(upper - 1, 0)
    rows = np.arange(len(signal_efficiencies))
    start, end = signal_efficiencies[rows, lower], signal_efficiencies[rows, upper]
    share = np.where(end > start, (at - start) / np.where(end > start, end - start, 1.0), 1.0)
    left, right = background_efficiencies[rows, lower], background_efficiencies[rows, upper]
    efficiency = left + np.clip(share, 0.0, 1.0) * (right - left)
    return np.where(np.isnan(signal_efficiencies[:, -1]), np.nan, efficiency)


def rejection_at(curve: RocCurve, at: float, min_background_events: float = 50.0) -> Rejection:
    """Background rejection at a signal efficiency.

    Parameters
    ----------
    curve : RocCurve
        Efficiencies of a test set.
    at : float
        Signal efficiency in (0, 1].
    min_background_events : float
        Effective number of background events that must pass for a measurement.

    Returns
    -------
    Rejection
        Value, limit and whether it must be quoted as a limit.

    Raises
    ------
    PhysicsError
        If ``at`` is not in (0, 1].

    Notes
    -----
    ``limit = 1 / (efficiency * upper(n) / n)``, n the effective number passing and
    ``upper(n) = chi2(0.95; 2 n + 2) / 2`` the Poisson upper limit at 95%; for n = 0 it is
    ``N / 3.0`` with N the effective number of all background events.
    """
    if not 0.0 < at <= 1.0:
        raise PhysicsError("signal efficiency of a rejection", got=at, need="in (0, 1]")
    efficiency = float(
        background_efficiency_at(
            curve.signal_efficiency[None], curve.background_efficiency[None], at
        )[0]
    )
    index = int(np.argmax(curve.signal_efficiency >= at - 1e-12))
    n_effective = float(curve.n_background_effective[index])
    upper = float(stats.chi2.ppf(0.95, 2 * (n_effective + 1)) / 2)
    if efficiency > 0 and n_effective > 0:
        limit = 1.0 / min(efficiency * upper / n_effective, 1.0)
        value = 1.0 / efficiency
    else:
        value = limit = max(curve.n_background_total / upper, 1.0)
    return Rejection(
        at, value, limit, int(curve.n_background[index]), n_effective < min_background_events
    )


def max_sic(curve: RocCurve, min_background_events: float = 50.0) -> SicMaximum:
    """Largest ``signal efficiency / sqrt(background efficiency)`` with enough background left.

    Parameters
    ----------
    curve : RocCurve
        Efficiencies of a test set.
    min_background_events : float
        Effective background events that must pass: without a floor the maximum sits in the empty
        tail, where one event decides.

    Returns
    -------
    SicMaximum
        At least 1, the value without any cut.
    """
    enough = curve.n_background_effective >= min_background_events
    allowed = enough & (curve.background_efficiency > 0)
    allowed[-1] = True
    background = np.where(allowed, curve.background_efficiency, np.inf)
    sic = curve.signal_efficiency / np.sqrt(background)
    best = int(np.argmax(sic))
    return SicMaximum(
        float(sic[best]), float(curve.signal_efficiency[best]), int(curve.n_background[best])
    )


def tie_ends(sorted_score: np.ndarray) -> np.ndarray:
    """Index of the last event of each group of equal scores.

    Parameters
    ----------
    sorted_score : ndarray, shape (B,)
        Scores in order.

    Returns
    -------
    ndarray, shape (T,), int
        Ends of the groups.
    """
    return np.append(np.flatnonzero(np.diff(sorted_score)), len(sorted_score) - 1)


def checked(
    is_signal: np.ndarray, score: np.ndarray, weight: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Refuse scores that no efficiency can be computed from.

    Parameters
    ----------
    is_signal, score, weight : ndarray, shape (B,)
        As in `roc_curve`.

    Returns
    -------
    tuple of ndarray
        The three as bool, float and float arrays.

    Raises
    ------
    PhysicsError
        If a score is not finite, or signal or background carries no positive weight.
    """
    is_signal = np.asarray(is_signal, dtype=bool)
    score = np.asarray(score, dtype=float)
    weight = np.ones(len(score)) if weight is None else np.asarray(weight, dtype=float)
    if not np.isfinite(score).all():
        row = int(np.flatnonzero(~np.isfinite(score))[0])
        raise PhysicsError("classifier score", got=f"{score[row]} at event {row}", need="finite")
    for name, chosen in (("signal", is_signal), ("background", ~is_signal)):
        if weight[chosen].sum() <= 0:
            raise PhysicsError(
                f"{name} of a ROC curve", got=f"{chosen.sum()} events", need="positive total weight"
            )
    return is_signal, score, weight
