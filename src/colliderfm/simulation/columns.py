"""Columns of the data format from one batch of simulated events, and operations on such columns."""

from __future__ import annotations

import numpy as np

from colliderfm.data.ragged import Ragged, concatenate_ragged
from colliderfm.simulation.cards import Recipe, Selection
from colliderfm.simulation.detector import DetectorEvents
from colliderfm.simulation.record import GeneratorRecord
from colliderfm.simulation.truth import Truth, find_truth

Columns = dict[str, np.ndarray | Ragged]

_COUNTS = ("n_lepton", "n_bjet", "n_jet")


def passes(selection: Selection, variables: dict[str, np.ndarray]) -> np.ndarray:
    """Apply a preselection.

    Parameters
    ----------
    selection : Selection
        Smallest counts.
    variables : dict of ndarray, shape (B,)
        Event variables.

    Returns
    -------
    ndarray, shape (B,), bool
        True = kept.
    """
    good = variables["n_jet"] >= selection.jets
    good &= variables["n_bjet"] >= selection.b_tags
    good &= variables["n_jet"] + variables["n_lepton"] >= selection.objects
    return good


def concatenate_columns(parts: list[Columns]) -> Columns:
    """Join the columns of several batches."""
    joined: Columns = {}
    for name, first in parts[0].items():
        pieces = [part[name] for part in parts]
        joined[name] = (
            concatenate_ragged(pieces) if isinstance(first, Ragged) else np.concatenate(pieces)
        )
    return joined


def take_columns(columns: Columns, index: np.ndarray) -> Columns:
    """Keep some events of every column."""
    return {
        name: values.take(index) if isinstance(values, Ragged) else values[index]
        for name, values in columns.items()
    }


def selected_columns(
    recipe: Recipe,
    record: GeneratorRecord,
    detected: DetectorEvents,
    first_index: int,
    component: int,
) -> Columns:
    """Collect the columns of the events of a batch that pass the preselection.

    Parameters
    ----------
    recipe : Recipe
        Gives the preselection.
    record, detected : GeneratorRecord, DetectorEvents
        The same B events.
    first_index : int
        Number of the batch's first event within the shard.
    component : int
        Component of the recipe they come from.

    Returns
    -------
    dict of ndarray or Ragged
        Columns of the data format apart from names and constants, plus ``index`` and ``component``.
    """
    n_events = record.n_events
    truth = find_truth(record, detected)
    is_b_jet = (detected.flavor == 5).astype(float)
    columns: Columns = {
        name: Ragged(detected.offsets, values) for name, values in detected.objects.items()
    }
    for name, values in detected.variables.items():
        columns[name] = values.astype(np.int8) if name in _COUNTS else values
    columns["weight"] = record.weight
    columns["index"] = first_index + np.arange(n_events)
    columns["component"] = np.full(n_events, component, dtype=np.int8)
    columns["n_bjet_true"] = np.bincount(detected.event, is_b_jet, n_events).astype(np.int8)
    columns |= _truth_columns(truth, n_events)
    return take_columns(columns, np.flatnonzero(passes(recipe.selection, detected.variables)))


def _truth_columns(truth: Truth, n_events: int) -> Columns:
    """Truth as ragged columns."""
    boundary = np.arange(n_events + 1)
    resonances = np.searchsorted(truth.event, boundary)
    neutrinos = np.searchsorted(truth.neutrino_event, boundary)
    belongs = truth.is_daughter
    daughters = np.searchsorted(np.repeat(truth.event, belongs.sum(axis=1)), boundary)
    columns: Columns = {
        "decay": Ragged(resonances, truth.decay),
        "assignment": Ragged(daughters, truth.slots[belongs]),
        "resonance_pdg_id": Ragged(resonances, truth.pdg_id),
        "resonance_mask": Ragged(resonances, truth.mask),
    }
    for row, part in enumerate(("energy", "px", "py", "pz")):
        columns[f"resonance_{part}_gev"] = Ragged(resonances, truth.momentum[row])
        columns[f"invisible_{part}_gev"] = Ragged(neutrinos, truth.neutrino_momentum[row])
    return columns
