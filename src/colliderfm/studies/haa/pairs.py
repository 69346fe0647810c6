"""The two a -> bb of an event: hypothesis for the assignment head, truth, efficiencies per mass."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from colliderfm.baselines.pairing_rules import RULES, pair_by_rule
from colliderfm.config.schema import HaaStudy
from colliderfm.data.event_batch import EventBatch
from colliderfm.data.event_table import EventTable
from colliderfm.evaluate.assignment import event_efficiencies, score_assignment
from colliderfm.physics.decays import DECAY_INDEX, MAX_DAUGHTERS
from colliderfm.studies.haa.subsets import process_indices

N_PAIRS = 2


def as_signal(batch: EventBatch) -> EventBatch:
    """Put a batch under the hypothesis that every event holds two a -> bb.

    Parameters
    ----------
    batch : EventBatch
        Events of signal and background.

    Returns
    -------
    EventBatch
        ``decay`` says twice ``a_bb`` for all events, so that the assignment head pairs jets of
        signal and background alike; ``assignment`` holds no truth.
    """
    shape = (len(batch), N_PAIRS)
    decay = torch.full(shape, DECAY_INDEX["a_bb"], dtype=batch.decay.dtype)
    empty = torch.full((*shape, MAX_DAUGHTERS), -1, dtype=batch.assignment.dtype)
    device = batch.decay.device
    return replace(batch, decay=decay.to(device), assignment=empty.to(device))


def true_pairs(table: EventTable) -> tuple[np.ndarray, np.ndarray]:
    """Gather the true objects of the two a -> bb in the layout of `as_signal`.

    Parameters
    ----------
    table : EventTable
        Events of signal and background.

    Returns
    -------
    slots : ndarray, shape (n, 2, 4), int
        Object slots, -1 where there is none.
    decay : ndarray, shape (n, 2), int
        ``a_bb`` for signal, -1 for background.
    """
    rows = np.arange(len(table))
    padded, _ = table.decay.padded(rows, fill=-1)
    all_slots, _ = table.slots.padded(rows, fill=-1)
    is_pair = padded == DECAY_INDEX["a_bb"]
    order = np.cumsum(is_pair, axis=1) - 1
    events, resonances = np.nonzero(is_pair & (order < N_PAIRS))
    slots = np.full((len(table), N_PAIRS, MAX_DAUGHTERS), -1)
    decay = np.full((len(table), N_PAIRS), -1)
    slots[events, order[events, resonances]] = all_slots[events, resonances]
    decay[events, order[events, resonances]] = DECAY_INDEX["a_bb"]
    return slots, decay


def assignment_metrics(
    table: EventTable, predicted_slots: np.ndarray | None, settings: HaaStudy
) -> dict[str, float]:
    """Compute assignment efficiencies per mass, of the network and of both rules.

    Parameters
    ----------
    table : EventTable
        Events.
    predicted_slots : ndarray, shape (n, 2, 4), int, or None
        As in `haa_metrics`.
    settings : HaaStudy
        The study.

    Returns
    -------
    dict of str to float
        ``assignment_efficiency_matchable_pct_ma30`` (both pairs right / both matchable),
        ``assignment_efficiency_all_pct_ma30`` (/ all signal),
        ``assignment_purity_pct_ma30`` (all matchable pairs right / at least one),
        each with ``_error``; the same with ``_closest_dr`` and ``_equal_mass`` for the rules.
    """
    batch = table.batch(np.arange(len(table)))
    objects, mask = batch.objects.numpy(), batch.mask.numpy()
    truth, decay = true_pairs(table)
    guesses = {f"_{rule}": _as_slots(pair_by_rule(objects, mask, rule)) for rule in RULES}
    if predicted_slots is not None:
        guesses = {"": predicted_slots} | guesses
    metrics: dict[str, float] = {}
    for suffix, guess in guesses.items():
        result = score_assignment(guess, truth, decay)
        for process, index in zip(settings.signals, process_indices(settings.signals), strict=True):
            weight = np.where(table.process == index, table.weight, 0.0)
            efficiencies = event_efficiencies(result, DECAY_INDEX["a_bb"], weight)
            for kind, stem in (
                ("matchable", "assignment_efficiency_matchable_pct"),
                ("all", "assignment_efficiency_all_pct"),
                ("purity", "assignment_purity_pct"),
            ):
                name = f"{stem}_{mass_name(process)}{suffix}"
                metrics[name] = 100.0 * efficiencies[kind].value
                metrics[f"{name}_error"] = 100.0 * efficiencies[kind].error
    return metrics


def mass_name(process: str) -> str:
    """Suffix of a metric for a signal: ``haa_ma30`` gives ``ma30``.

    Parameters
    ----------
    process : str
        Name of a signal process.

    Returns
    -------
    str
        Its last part.
    """
    return process.rsplit("_", maxsplit=1)[-1]


def _as_slots(pairs: np.ndarray) -> np.ndarray:
    """(n, 2, 2) pairs in the (n, 2, 4) layout of an assignment."""
    padding = ((0, 0), (0, 0), (0, MAX_DAUGHTERS - pairs.shape[2]))
    return np.pad(pairs, padding, constant_values=-1)
