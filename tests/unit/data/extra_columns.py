"""Toy events with columns beyond the schema: one per object, one per event."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from colliderfm.data.event_table import EventTable
from colliderfm.data.ragged import Ragged
from colliderfm.data.toys import toy_table


def with_extras(table: EventTable, seed: int = 0) -> EventTable:
    """Add ``ip3d_cm`` and ``width_gev`` to every object and ``sphericity`` to every event."""
    rng = np.random.default_rng(seed)
    lists = {
        "ip3d_cm": rng.normal(0.2, 0.5, len(table.objects.values)),
        "width_gev": rng.normal(0.0, 40.0, len(table.objects.values)),
    }
    carried = table.carried
    for name, values in lists.items():
        carried = carried.append_column(name, list_array(table.objects.offsets, values))
    sphericity = rng.uniform(0.0, 1.0, len(table)).astype(np.float32)
    return replace(table, carried=carried, extras={**table.extras, "sphericity": sphericity})


def list_array(offsets: np.ndarray, values: np.ndarray) -> pa.ListArray:
    """Return lists of float32."""
    return pa.ListArray.from_arrays(offsets.astype(np.int32), pa.array(values, pa.float32()))


def toy_extras(n_events: int = 60, seed: int = 3) -> EventTable:
    """Return toy events with extras."""
    return with_extras(toy_table(n_events, seed, ("qcd", "haa_ma40")))


def lists_of(column: Ragged) -> list[list[float]]:
    """Return the lists of a ragged column."""
    return [part.tolist() for part in np.split(column.values, column.offsets[1:-1])]
