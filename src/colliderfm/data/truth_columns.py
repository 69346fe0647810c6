"""Columns of an Arrow table to the arrays of an event's topology and truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from colliderfm.data.event_schema import EVENT_SCHEMA
from colliderfm.data.event_truth import TruthTable
from colliderfm.data.ragged import Ragged
from colliderfm.physics.decays import DECAYS, MAX_DAUGHTERS

_N_DAUGHTERS = np.array([decay.n_daughters for decay in DECAYS])
_COMPONENTS = ("energy_gev", "px_gev", "py_gev", "pz_gev")
# What ``TruthTable`` is made of; the signed PDG ids are carried along.
TRUTH_COLUMNS = tuple(
    name for name in EVENT_SCHEMA.names("resonance", "invisible") if name != "resonance_pdg_id"
)


def flat_values(table: pa.Table, name: str, dtype: Any) -> np.ndarray:
    """Return the values of a column as one array, list after list.

    Parameters
    ----------
    table : pyarrow.Table
        Holds the column, without nulls.
    name : str
        Scalar or list column.
    dtype : numpy scalar type
        Of the result.

    Returns
    -------
    ndarray, shape (m,)
        One value per row of a scalar column, per element of a list column; the column's unit.
    """
    column = table.column(name)
    if pa.types.is_list(column.type):
        column = pc.list_flatten(column)
    values: np.ndarray = column.to_numpy().astype(dtype, copy=False)
    return values


def topology_of(table: pa.Table) -> tuple[Ragged, Ragged]:
    """Spread the flat assignment into one row of four slots per resonance.

    Parameters
    ----------
    table : pyarrow.Table
        Checked columns of n events; ``decay`` and ``assignment`` may be absent.

    Returns
    -------
    decay : Ragged, values of shape (k,), int64
        Index into ``DECAYS``.
    slots : Ragged, values of shape (k, 4), int64
        Object slot of each visible daughter, -1 for none.
    """
    if "decay" not in table.column_names:
        none = np.zeros(table.num_rows, dtype=np.int64)
        empty = np.zeros((0, MAX_DAUGHTERS), dtype=np.int64)
        return Ragged.from_lengths(none, empty[:, 0]), Ragged.from_lengths(none, empty)
    decay = flat_values(table, "decay", np.int64)
    flat = flat_values(table, "assignment", np.int64)
    n_daughters = _N_DAUGHTERS[decay]
    slots = np.full((len(decay), MAX_DAUGHTERS), -1, dtype=np.int64)
    slots[np.arange(MAX_DAUGHTERS) < n_daughters[:, None]] = flat
    lengths = pc.list_value_length(table.column("decay")).to_numpy()
    return Ragged.from_lengths(lengths, decay), Ragged.from_lengths(lengths, slots)


def truth_of(table: pa.Table) -> TruthTable | None:
    """Collect the truth columns.

    Parameters
    ----------
    table : pyarrow.Table
        Checked columns of n events.

    Returns
    -------
    TruthTable or None
        None if the table lacks the columns of the resonances or of the invisible particles.
    """
    if not set(TRUTH_COLUMNS) <= set(table.column_names):
        return None
    members = flat_values(table, "resonance_mask", np.uint32)
    momenta = _four_momenta(table, "resonance")
    return TruthTable(
        momenta=momenta,
        members=Ragged(momenta.offsets, members),
        invisible=_by_falling_pt(_four_momenta(table, "invisible")),
    )


def _four_momenta(table: pa.Table, kind: str) -> Ragged:
    """Return energy, px, py, pz of each ``resonance`` or ``invisible``, values (k, 4), GeV."""
    parts = [flat_values(table, f"{kind}_{part}", np.float32) for part in _COMPONENTS]
    lengths = pc.list_value_length(table.column(f"{kind}_energy_gev")).to_numpy()
    return Ragged.from_lengths(lengths, np.stack(parts, axis=1))


def _by_falling_pt(particles: Ragged) -> Ragged:
    """Sort the particles of each event."""
    event = np.repeat(np.arange(len(particles.lengths)), particles.lengths)
    pt_gev = np.hypot(particles.values[:, 1], particles.values[:, 2])
    return Ragged(particles.offsets, particles.values[np.lexsort((-pt_gev, event))])
