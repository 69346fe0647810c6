"""Optional features of objects, such as ``ip3d_cm``: list columns beyond the schema.

A list column of numbers that is as long as the list of objects in every event describes the objects.
It travels in ``EventTable.carried`` like every unknown column and enters a batch from there.
Read next: ``extra_features.py``.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from colliderfm.data.event_schema import EVENT_SCHEMA
from colliderfm.data.ragged import Ragged


def object_extras_of(carried: pa.Table, n_objects: np.ndarray) -> dict[str, Ragged]:
    """Return the list columns that hold one number per object.

    Parameters
    ----------
    carried : pyarrow.Table
        Columns beyond the schema, one row per event.
    n_objects : ndarray, shape (n,), int64
        Number of objects of each event.

    Returns
    -------
    dict of str to Ragged, values of shape (m,), float32
        In the unit of the column; NaN where a row or an entry is null.
    """
    found = {}
    for field in carried.schema:
        if EVENT_SCHEMA.find(field.name) is None and _holds_numbers(field.type):
            values = _per_object(carried.column(field.name), n_objects)
            if values is not None:
                found[field.name] = Ragged.from_lengths(n_objects, values)
    return found


def _holds_numbers(arrow_type: pa.DataType) -> bool:
    if not (pa.types.is_list(arrow_type) or pa.types.is_large_list(arrow_type)):
        return False
    inner = arrow_type.value_type
    return bool(pa.types.is_floating(inner) or pa.types.is_integer(inner))


def _per_object(column: pa.ChunkedArray, n_objects: np.ndarray) -> np.ndarray | None:
    """Return one number per object, (m,), or None if a list has another length."""
    is_null = pc.is_null(column).to_numpy()
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy()
    if is_null.all() or not np.array_equal(lengths[~is_null], n_objects[~is_null]):
        return None
    values = np.full(int(n_objects.sum()), np.nan, dtype=np.float32)
    flat = pc.list_flatten(column).cast(pa.float32(), safe=False)
    values[np.repeat(~is_null, n_objects)] = flat.to_numpy()
    return values
