"""Study haa, first step: which events train, validate and test the search for H -> aa -> 4b.

Training uses a drawn subset (`colliderfm.studies.haa.subsets`), validation and test are always
complete. Weights are balanced: signal and background count the same, and so do the masses.
Read next: `colliderfm.studies.haa.metrics`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from colliderfm.config.schema import HaaStudy
from colliderfm.data.event_schema import PROCESS_INDEX
from colliderfm.data.event_table import EventTable
from colliderfm.data.splits import SPLITS, split_of
from colliderfm.errors import PhysicsError
from colliderfm.studies.haa.subsets import (
    is_signal,
    largest_subset,
    process_indices,
    training_subset,
)


@dataclass(frozen=True)
class HaaData:
    """The set of the study, read once for all cells.

    Parameters
    ----------
    pool : EventTable
        Training split with its own weights; `training_table` draws from it.
    validation, test : EventTable
        Complete splits with balanced weights.
    n_available : int
        Largest training subset that the pool allows.
    """

    pool: EventTable
    validation: EventTable
    test: EventTable
    n_available: int


def load_haa_data(folder: Path | str, settings: HaaStudy) -> HaaData:
    """Read the set of the study.

    Parameters
    ----------
    folder : path
        Event set with one sub-folder per process.
    settings : HaaStudy
        Signals, backgrounds and signal share.

    Returns
    -------
    HaaData
        The three splits.

    Raises
    ------
    DataError
        If a file is at fault.
    PhysicsError
        If a split lacks a signal or a background.
    """
    processes = (*settings.signals, *settings.backgrounds)
    table = EventTable.read(folder, processes)
    split = split_of(table.event_id)
    pool, validation, test = (table.subset(split == index) for index in range(len(SPLITS)))
    for name, part in zip(SPLITS, (pool, validation, test), strict=True):
        _require_all_processes(part, settings, f"{name} split of {folder}")
    return HaaData(
        pool=pool,
        validation=replace(validation, weight=balanced_weight(validation, settings)),
        test=replace(test, weight=balanced_weight(test, settings)),
        n_available=largest_subset(pool, settings),
    )


def training_table(data: HaaData, settings: HaaStudy, n_events: int, seed: int) -> EventTable:
    """Draw the training subset of a cell.

    Parameters
    ----------
    data : HaaData
        The set.
    settings : HaaStudy
        Signals, backgrounds and signal share.
    n_events : int
        Size of the subset, 0 for the largest possible.
    seed : int
        Seed of the draw.

    Returns
    -------
    EventTable
        The subset with balanced weights.

    Raises
    ------
    PhysicsError
        If the pool holds too few events.
    """
    rows = training_subset(data.pool, settings, n_events or data.n_available, seed)
    subset = data.pool.subset(rows)
    return replace(subset, weight=balanced_weight(subset, settings))


def balanced_weight(table: EventTable, settings: HaaStudy) -> np.ndarray:
    """Weights with equal totals of signal and background, and of the masses among the signal.

    Parameters
    ----------
    table : EventTable
        Any events of the study.
    settings : HaaStudy
        Names the signals.

    Returns
    -------
    ndarray, shape (n,), float32
        Mean 1. Within a mass, and within the background, events keep their relative weights.

    Notes
    -----
    The loss uses them so that ten percent of signal does not teach the network to say "background";
    metrics use them so that efficiencies do not depend on how many events of a mass were simulated.
    """
    weight = table.weight.astype(np.float64)
    signal = is_signal(table.process, settings)
    masses = [table.process == index for index in process_indices(settings.signals)]
    groups = [(mass, 0.5 / sum(m.any() for m in masses)) for mass in masses if mass.any()]
    groups.append((~signal, 0.5))
    for chosen, total in groups:
        if weight[chosen].sum() > 0:
            weight[chosen] *= total * len(weight) / weight[chosen].sum()
    return weight.astype(np.float32)


def _require_all_processes(table: EventTable, settings: HaaStudy, where: str) -> None:
    """Refuse a split that lacks one of the study's processes."""
    for name in (*settings.signals, *settings.backgrounds):
        if not (table.process == PROCESS_INDEX[name]).any():
            raise PhysicsError(
                where,
                got=f"no event of {name}",
                need="events of every signal and background of the study",
                fix="simulate more, or change studies.haa.signals / backgrounds in params.yaml",
            )
