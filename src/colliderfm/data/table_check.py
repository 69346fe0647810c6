"""Hold an event file to the schema before anything is computed from it.

A fault is reported with file, column and first bad row. Read next: ``event_schema.py``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from colliderfm.data.event_schema import (
    EVENT_SCHEMA,
    MAX_OBJECTS,
    OBJECT_FEATURES,
    PROCESSES,
    Column,
)
from colliderfm.errors import DataError
from colliderfm.physics.decays import DECAYS

_SIMULATE_AGAIN = "write the file again with `colliderfm simulate` or `colliderfm import`"
_N_DAUGHTERS = np.array([decay.n_daughters for decay in DECAYS])


def check_table(table: pa.Table, path: Path | str, first_row: int = 0) -> None:
    """Hold a table to the schema: presence, types, no nulls, finite, in range, lists that agree.

    Parameters
    ----------
    table : pyarrow.Table
        Rows of one file. Columns that the schema does not know are not looked at.
    path : path
        Named in the message.
    first_row : int
        File row of the table's first row.

    Raises
    ------
    DataError
        Names file, column and first bad row.
    """
    _check_names(table.column_names, path)
    for column in EVENT_SCHEMA.columns:
        if column.name in table.column_names:
            _check_column(column, table.column(column.name), path, first_row)
    _check_lists_agree(table, path, first_row)


def _check_names(present: list[str], path: Path | str) -> None:
    if len(set(present)) < len(present):
        twice = next(name for name in present if present.count(name) > 1)
        raise DataError(f"{path}: column {twice} is there twice", fix=_SIMULATE_AGAIN)
    needed = list(EVENT_SCHEMA.names("object", "global", "event"))
    for group in ("topology", "resonance", "invisible"):
        # Truth may be absent as a whole, not in part.
        names = EVENT_SCHEMA.names(group)
        needed += names if set(names) & set(present) else ()
    if EVENT_SCHEMA.names("resonance")[0] in present:
        needed += EVENT_SCHEMA.names("topology")
    for name in needed:
        if name not in present:
            raise DataError(
                f"{path}: column {name} is missing",
                got=f"{', '.join(present[:6])}, … ({len(present)} columns)",
                need=", ".join(needed),
                fix=_SIMULATE_AGAIN,
            )


def _check_column(column: Column, data: pa.ChunkedArray, path: Path | str, first_row: int) -> None:
    where = f"{path}: column {column.name}"
    value_type = data.type.value_type if pa.types.is_list(data.type) else data.type
    if pa.types.is_list(data.type) != column.is_list or not _is_kind(value_type, column.kind):
        raise DataError(
            f"{where} has the wrong type (row {first_row} on)",
            got=data.type,
            need=column.arrow_type,
            fix=_SIMULATE_AGAIN,
        )
    if data.null_count:
        _refuse(where, first_row + int(pc.index(data.is_null(), True).as_py()), "null", "a value")
    lengths = pc.list_value_length(data).to_numpy() if column.is_list else np.ones(len(data), int)
    if column.group == "object" and len(lengths):
        row = int(np.argmax(lengths > MAX_OBJECTS))
        if lengths[row] > MAX_OBJECTS:
            _refuse(
                *(where, first_row + row, f"{lengths[row]} objects", f"at most {MAX_OBJECTS}"),
                "keep the leading ones by pT when the file is written",
            )
    flat = pc.list_flatten(data) if column.is_list else data
    bad, need = _bad_values(column, flat)
    if bad >= 0:
        row = int(np.searchsorted(np.cumsum(lengths), bad, side="right"))
        _refuse(where, first_row + row, flat[bad].as_py(), need)


def _is_kind(arrow_type: pa.DataType, kind: str) -> bool:
    if kind == "float":
        return bool(pa.types.is_float32(arrow_type) or pa.types.is_float64(arrow_type))
    if kind == "int":
        return bool(pa.types.is_integer(arrow_type))
    if pa.types.is_dictionary(arrow_type):
        return bool(pa.types.is_string(arrow_type.value_type))
    return bool(pa.types.is_string(arrow_type) or pa.types.is_large_string(arrow_type))


def _bad_values(column: Column, flat: pa.ChunkedArray) -> tuple[int, str]:
    """Return the first bad flat index (-1: none) and what was needed."""
    if flat.null_count:
        return int(pc.index(flat.is_null(), True).as_py()), "no null"
    if column.kind == "string":
        if column.name == "process":
            good, need = pc.is_in(flat, pa.array(PROCESSES)), f"one of {', '.join(PROCESSES)}"
        else:
            good, need = pc.greater(pc.binary_length(flat), 0), "a name that is not empty"
        return int(pc.index(good, False).as_py()), need
    values = flat.to_numpy()
    # A comparison with NaN is false, so NaN is refused by the range as well.
    good = (values >= column.low) & (values <= column.high) & np.isfinite(values)
    unit = f" {column.unit}" if column.unit else ""
    need = f"a finite number from {column.low:g} to {column.high:g}{unit}"
    return (-1 if good.all() else int(np.argmin(good))), need


def _check_lists_agree(table: pa.Table, path: Path | str, first_row: int) -> None:
    lengths = {
        name: pc.list_value_length(table.column(name)).to_numpy()
        for name in table.column_names
        if (column := EVENT_SCHEMA.find(name)) and column.is_list
    }
    expected = [(name, "energy_gev", lengths["energy_gev"]) for name in OBJECT_FEATURES]
    for first, group in (("decay", "resonance"), ("invisible_energy_gev", "invisible")):
        names = [name for name in EVENT_SCHEMA.names(group) if name in lengths]
        expected += [(name, first, lengths[first]) for name in names]
    if "decay" in lengths:
        decay = pc.list_flatten(table.column("decay")).to_numpy()
        total = np.concatenate([[0], np.cumsum(_N_DAUGHTERS[decay])])
        end = np.cumsum(lengths["decay"])
        expected.append(("assignment", "decay", total[end] - total[end - lengths["decay"]]))
    for name, partner, length in expected:
        wrong = lengths[name] != length
        if wrong.any():
            row = int(np.argmax(wrong))
            got, need = f"{lengths[name][row]} values", f"{length[row]}, as {partner} says"
            _refuse(f"{path}: column {name}", first_row + row, got, need)
    if "decay" in lengths:
        _check_slots(table, lengths, path, first_row)


def _check_slots(
    table: pa.Table, lengths: dict[str, np.ndarray], path: Path | str, first_row: int
) -> None:
    slots = pc.list_flatten(table.column("assignment")).to_numpy()
    row_of = np.repeat(np.arange(table.num_rows), lengths["assignment"])
    bad = slots >= lengths["energy_gev"][row_of]
    if bad.any():
        first = int(np.argmax(bad))
        need = f"a slot below {lengths['energy_gev'][row_of[first]]}, the number of objects"
        _refuse(f"{path}: column assignment", first_row + int(row_of[first]), slots[first], need)


def _refuse(
    where: str, row: int, got: object, need: str, fix: str | None = _SIMULATE_AGAIN
) -> None:
    raise DataError(f"{where}, row {row}", got=got, need=need, fix=fix)
