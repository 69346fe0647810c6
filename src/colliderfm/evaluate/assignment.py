"""How often objects are assigned to the right resonance, up to the symmetries of the decays.

A resonance is *matchable* if each of its visible daughters has an object. It is *correct* if the
predicted objects are the true ones up to the exchange of interchangeable daughters; resonances with
the same decay are matched under any permutation.
Read next: `colliderfm.baselines.pairing_rules` for what one would do without a network.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from colliderfm.errors import PhysicsError
from colliderfm.physics.decays import DECAYS, MAX_DAUGHTERS


@dataclass(frozen=True)
class AssignmentResult:
    """Which resonances are matchable and which of these are correct.

    Parameters
    ----------
    decay : ndarray, shape (B, R), int
        Index into `physics.decays.DECAYS`, -1 for padding.
    matchable : ndarray, shape (B, R), bool
        True if the decay is assignable and all its daughters have an object.
    correct : ndarray, shape (B, R), bool
        True if matchable and predicted right.
    """

    decay: np.ndarray
    matchable: np.ndarray
    correct: np.ndarray


@dataclass(frozen=True)
class Efficiency:
    """A weighted share with its binomial error.

    Parameters
    ----------
    value : float
        Share in [0, 1]; NaN if nothing was counted.
    error : float
        ``sqrt(p (1 - p) / n)`` with n the effective number; NaN if nothing was counted.
    n : int
        Number of events (or resonances) in the denominator.
    """

    value: float
    error: float
    n: int


def score_assignment(
    predicted: np.ndarray, true: np.ndarray, decay: np.ndarray
) -> AssignmentResult:
    """Compare predicted with true object slots.

    Parameters
    ----------
    predicted, true : ndarray, shape (B, R, 4), int
        Object slot of each daughter in the order of `physics.decays`, -1 for none.
    decay : ndarray, shape (B, R), int
        Decay of each resonance, -1 for padding.

    Returns
    -------
    AssignmentResult
        Matchable and correct resonances.

    Raises
    ------
    PhysicsError
        If the shapes do not agree.

    Notes
    -----
    The tuple (2, 5) of one a -> bb equals (5, 2), and both may stand at either of two a's: true
    tuples share no object, so asking whether *any* prediction of the same decay equals the true one
    is the same as trying all permutations.

    References
    ----------
    Event purity and the equivalence orbits: EveNet, arXiv:2601.17126.
    """
    if predicted.shape != true.shape or true.shape[:2] != decay.shape:
        raise PhysicsError(
            "predicted and true assignment",
            got=f"{predicted.shape}, {true.shape}, decays {decay.shape}",
            need="(B, R, 4) twice and (B, R)",
        )
    n_daughters = np.array([item.n_daughters for item in DECAYS] + [0])[decay]
    assignable = np.array([item.is_assignable for item in DECAYS] + [False])[decay]
    is_daughter = np.arange(MAX_DAUGHTERS) < n_daughters[..., None]
    matchable = assignable & ((true >= 0) | ~is_daughter).all(axis=-1)
    truth = _canonical(true, decay, is_daughter)
    guess = _canonical(predicted, decay, is_daughter)
    same_decay = decay[:, :, None] == decay[:, None, :]
    equal = (truth[:, :, None] == guess[:, None, :]).all(axis=-1)
    return AssignmentResult(decay, matchable, matchable & (same_decay & equal).any(axis=2))


def event_efficiencies(
    result: AssignmentResult, decay: int, weight: np.ndarray | None = None
) -> dict[str, Efficiency]:
    """Event-level efficiencies of one decay, over events that have it.

    Parameters
    ----------
    result : AssignmentResult
        From `score_assignment`.
    decay : int
        Index of the decay in `physics.decays.DECAYS`.
    weight : ndarray, shape (B,), optional
        Event weights.

    Returns
    -------
    dict of str to Efficiency
        ``matchable``: all resonances of the decay correct / all of them matchable;
        ``all``: the same numerator / all events with the decay;
        ``purity``: every matchable one correct / at least one matchable.
    """
    chosen = result.decay == decay
    n_present = chosen.sum(axis=1)
    n_matchable = (chosen & result.matchable).sum(axis=1)
    n_correct = (chosen & result.correct).sum(axis=1)
    present = n_present > 0
    complete = present & (n_correct == n_present)
    return {
        "matchable": share(complete, present & (n_matchable == n_present), weight),
        "all": share(complete, present, weight),
        "purity": share((n_correct == n_matchable), n_matchable > 0, weight),
    }


def decay_efficiencies(
    result: AssignmentResult, weight: np.ndarray | None = None
) -> dict[str, dict[str, Efficiency]]:
    """Efficiencies of every assignable decay that occurs.

    Parameters
    ----------
    result : AssignmentResult
        From `score_assignment`.
    weight : ndarray, shape (B,), optional
        Event weights.

    Returns
    -------
    dict of str to dict of str to Efficiency
        Per decay name those of `event_efficiencies` and ``resonance``: correct / matchable
        resonances (resonance purity).
    """
    weights = np.ones(len(result.decay)) if weight is None else np.asarray(weight, dtype=float)
    per_resonance = np.broadcast_to(weights[:, None], result.decay.shape)
    table = {}
    for index, decay in enumerate(DECAYS):
        chosen = result.decay == index
        if not decay.is_assignable or not chosen.any():
            continue
        resonance = share(
            result.correct.ravel(), (chosen & result.matchable).ravel(), per_resonance.ravel()
        )
        table[decay.name] = event_efficiencies(result, index, weights) | {"resonance": resonance}
    return table


def share(passed: np.ndarray, counted: np.ndarray, weight: np.ndarray | None = None) -> Efficiency:
    """Weighted share of the counted entries that passed.

    Parameters
    ----------
    passed, counted : ndarray, shape (B,), bool
        Numerator (restricted to counted entries) and denominator.
    weight : ndarray, shape (B,), optional
        Weights.

    Returns
    -------
    Efficiency
        Share, binomial error, number counted.
    """
    weights = np.ones(len(counted)) if weight is None else np.asarray(weight, dtype=float)
    chosen = weights[counted]
    total = chosen.sum()
    if total <= 0:
        return Efficiency(float("nan"), float("nan"), int(counted.sum()))
    value = float(weights[counted & passed].sum() / total)
    n_effective = total**2 / (chosen**2).sum()
    error = float(np.sqrt(max(value * (1 - value), 0.0) / n_effective))
    return Efficiency(value, error, int(counted.sum()))


def _canonical(slots: np.ndarray, decay: np.ndarray, is_daughter: np.ndarray) -> np.ndarray:
    """Slots with interchangeable daughters sorted and unused positions set to -1."""
    ordered = np.where(is_daughter, slots, -1)
    for index, item in enumerate(DECAYS):
        rows = decay == index
        if not item.interchangeable or not rows.any():
            continue
        chosen = ordered[rows]
        for group in item.interchangeable:
            chosen[:, group] = np.sort(chosen[:, group], axis=1)
        ordered[rows] = chosen
    return ordered
