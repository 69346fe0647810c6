"""Event weights that give every class, or every pattern of matchable resonances, the same say.

Both keep the meaning of the weights they start from: within a class, or a pattern, events stay
weighted relative to each other as before.
"""

from __future__ import annotations

import numpy as np

from colliderfm.data.event_table import EventTable
from colliderfm.errors import ConfigError, DataError
from colliderfm.physics.decays import DECAYS, MAX_DAUGHTERS

_N_DAUGHTERS = np.array([decay.n_daughters for decay in DECAYS])
_IS_ASSIGNABLE = np.array([decay.is_assignable for decay in DECAYS])


def class_balance(process: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return weights with equal sums for all classes that are present.

    Parameters
    ----------
    process : ndarray, shape (n,), int
        Class of each event.
    weight : ndarray, shape (n,)
        Event weights, may be negative; the sum of each class must be positive.

    Returns
    -------
    ndarray, shape (n,), float32
        Mean 1.

    Raises
    ------
    DataError
        If the weights of a class do not add up to more than zero.
    """
    balanced = weight.astype(np.float64)
    classes = np.unique(process)
    for index in classes:
        rows = process == index
        balanced[rows] *= len(weight) / (len(classes) * _positive_sum(balanced[rows], index))
    return balanced.astype(np.float32)


def topology_balance(table: EventTable, *, largest: float = np.inf) -> np.ndarray:
    """Return weights that give all patterns of matchable resonances of a process equal sums.

    A pattern says how many resonances of each decay are matchable (every visible daughter has an
    object), so that the exchange of equal resonances does not change it. Events without any have
    nothing to assign: their weight stays. The sum of each process stays, too.

    Parameters
    ----------
    table : EventTable
        n events with topology.
    largest : float
        Upper limit of the factor on a weight, at least 1. Without one an event of a rare pattern
        can outweigh a hundred others; the patterns below the limit have equal sums.

    Returns
    -------
    ndarray, shape (n,), float32
        Mean 1.

    Raises
    ------
    ConfigError
        For a limit below 1.
    DataError
        If the weights of a pattern do not add up to more than zero.
    """
    if not largest >= 1:
        raise ConfigError("largest factor of the topology balance", got=largest, need="at least 1")
    weight = table.weight.astype(np.float64)
    pattern = matchable_patterns(table)
    balanced = weight.copy()
    for process in np.unique(table.process):
        rows = np.flatnonzero((table.process == process) & (pattern > 0))
        if len(rows) == 0:
            continue
        _, of_row = np.unique(pattern[rows], return_inverse=True)
        sums = np.bincount(of_row, weight[rows])
        _positive_sum(weight[rows[of_row == np.argmin(sums)]], f"{process}, rarest pattern")
        balanced[rows] *= _factors(sums, largest)[of_row]
    balanced *= len(weight) / _positive_sum(balanced, "any")
    return balanced.astype(np.float32)


def matchable_patterns(table: EventTable) -> np.ndarray:
    """Return a number for the pattern of matchable resonances of each event.

    Parameters
    ----------
    table : EventTable
        n events with topology.

    Returns
    -------
    ndarray, shape (n,), int64
        Equal for events with equally many matchable resonances of each decay; 0 without any.
    """
    decay, slots = table.decay.values, table.slots.values
    is_daughter = np.arange(MAX_DAUGHTERS) < _N_DAUGHTERS[decay][:, None]
    is_matchable = _IS_ASSIGNABLE[decay] & ((slots >= 0) | ~is_daughter).all(axis=1)
    event = np.repeat(np.arange(len(table)), table.decay.lengths)
    counts = np.zeros((len(table), len(DECAYS)), dtype=np.int64)
    np.add.at(counts, (event[is_matchable], decay[is_matchable]), 1)
    base = int(counts.max(initial=0)) + 1
    return counts @ base ** np.arange(len(DECAYS))


def _factors(sums: np.ndarray, largest: float) -> np.ndarray:
    """Return the factor of each pattern: equal sums, no factor above the limit, the total kept."""
    is_capped = np.zeros(len(sums), dtype=bool)
    while not is_capped.all():
        rest = sums.sum() - (largest * sums[is_capped]).sum()
        factors = np.where(is_capped, largest, rest / ((~is_capped).sum() * sums))
        # What a capped pattern does not take goes to the others, which may then exceed the limit.
        if (factors <= largest).all():
            return factors
        is_capped = factors >= largest
    return np.ones_like(sums)


def _positive_sum(values: np.ndarray, name: object) -> float:
    total = float(values.sum())
    if not total > 0:
        raise DataError(
            f"weights of class {name} cannot be balanced",
            got=f"a sum of {total:g} over {len(values)} events",
            need="a positive sum",
            fix="leave the class out, or give it more events",
        )
    return total
