"""Which events of the training split a cell sees: drawn without replacement, paired between arms.

A subset has a fixed share of signal, the masses in equal parts and the background in the mix of the
set. It depends on its size and the seed alone, so that all arms of a seed see the same events.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from colliderfm.config.schema import HaaStudy
from colliderfm.data.event_schema import PROCESS_INDEX
from colliderfm.data.event_table import EventTable
from colliderfm.errors import PhysicsError

# Keeps the draw apart from other generators with the same seed.
_STREAM = 0x4AA


def is_signal(process: np.ndarray, settings: HaaStudy) -> np.ndarray:
    """Target of the classifier.

    Parameters
    ----------
    process : ndarray, shape (B,), int
        Index into `data.event_schema.PROCESSES`.
    settings : HaaStudy
        Names the signals.

    Returns
    -------
    ndarray, shape (B,), bool
        True for H -> aa of any mass.
    """
    return np.isin(process, process_indices(settings.signals))


def process_indices(names: Sequence[str]) -> np.ndarray:
    """Look up the indices of processes.

    Parameters
    ----------
    names : sequence of str
        Names from `data.event_schema.PROCESSES`.

    Returns
    -------
    ndarray, shape (P,), int
        Their indices.
    """
    return np.array([PROCESS_INDEX[name] for name in names], dtype=np.int64)


def largest_subset(train: EventTable, settings: HaaStudy) -> int:
    """Largest training subset with the required share of signal and equal masses.

    Parameters
    ----------
    train : EventTable
        Training split.
    settings : HaaStudy
        Signals, backgrounds and signal share.

    Returns
    -------
    int
        Number of events.
    """
    smallest, n_background = _pool_sizes(train, settings)
    by_signal = smallest * len(settings.signals) / settings.signal_fraction
    by_background = n_background / (1.0 - settings.signal_fraction)
    n_events = int(min(by_signal, by_background))
    while n_events and not _fits(n_events, smallest, n_background, settings):
        n_events -= 1  # rounding of the signal share can ask for one event too many
    return n_events


def events_of_fraction(fraction: float, n_available: int) -> int:
    """Size of the subset that is a fraction of the largest one.

    Parameters
    ----------
    fraction : float
        In (0, 1].
    n_available : int
        Size of the largest one.

    Returns
    -------
    int
        Number of events, at least 1. The way back is ``n_events / n_available``.

    Raises
    ------
    PhysicsError
        If the fraction is not in (0, 1].
    """
    if not 0.0 < fraction <= 1.0:
        raise PhysicsError("fraction of the training events", got=fraction, need="in (0, 1]")
    return max(1, round(fraction * n_available))


def training_subset(train: EventTable, settings: HaaStudy, n_events: int, seed: int) -> np.ndarray:
    """Draw a training subset without replacement.

    Parameters
    ----------
    train : EventTable
        Training split.
    settings : HaaStudy
        Signals, backgrounds and signal share.
    n_events : int
        Size of the subset.
    seed : int
        Seed of the draw. A smaller subset of the same seed is contained in a larger one.

    Returns
    -------
    ndarray, shape (n_events,), int
        Rows of ``train``, sorted. The draw works on sorted event ids: file order does not matter.

    Raises
    ------
    PhysicsError
        If the split holds too few events, or the subset no signal of some mass.
    """
    smallest, n_background = _pool_sizes(train, settings)
    per_mass = _signal_per_mass(n_events, settings)
    if not _fits(n_events, smallest, n_background, settings):
        raise PhysicsError(
            f"training subset of {n_events} events",
            got=f"{smallest} signal events of the scarcest mass, {n_background} background events",
            need=f"{per_mass.max()} per mass and {n_events - per_mass.sum()} background events",
            fix=f"ask for at most {largest_subset(train, settings)} events, or simulate more",
        )
    if per_mass.min() < 1:
        raise PhysicsError(
            f"training subset of {n_events} events",
            got=f"{per_mass.sum()} signal events for {len(per_mass)} masses",
            need="at least one signal event of each mass",
        )
    pools = [
        (np.array([index]), n)
        for index, n in zip(process_indices(settings.signals), per_mass, strict=True)
    ]
    pools.append((process_indices(settings.backgrounds), n_events - int(per_mass.sum())))
    rows = []
    for stream, (processes, n_drawn) in enumerate(pools):
        pool = np.flatnonzero(np.isin(train.process, processes))
        pool = pool[np.argsort(train.event_id[pool], kind="stable")]
        order = np.random.default_rng([_STREAM, seed, stream]).permutation(len(pool))
        rows.append(pool[order[:n_drawn]])
    return np.sort(np.concatenate(rows))


def _signal_per_mass(n_events: int, settings: HaaStudy) -> np.ndarray:
    """Signal events of each mass in a subset, as equal as integers allow."""
    n_masses = len(settings.signals)
    n_signal = int(round(n_events * settings.signal_fraction))
    return n_signal // n_masses + (np.arange(n_masses) < n_signal % n_masses)


def _pool_sizes(train: EventTable, settings: HaaStudy) -> tuple[int, int]:
    """Events of the scarcest signal mass and of all backgrounds."""
    counts = [int((train.process == index).sum()) for index in process_indices(settings.signals)]
    background = int(np.isin(train.process, process_indices(settings.backgrounds)).sum())
    return min(counts), background


def _fits(n_events: int, smallest: int, n_background: int, settings: HaaStudy) -> bool:
    """Whether the pools hold a subset of this size."""
    per_mass = _signal_per_mass(n_events, settings)
    return bool(per_mass.max() <= smallest and n_events - per_mass.sum() <= n_background)
