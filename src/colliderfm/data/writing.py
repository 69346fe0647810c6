"""Write event files: checked, byte-identical for equal input, whole or not at all.

Detector-level floats keep 13 mantissa bits (relative error at most 2**-14 = 6e-5, far below any
detector resolution): with byte-stream split the zeroed bits cost next to nothing.
Read next: ``event_schema.py``.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from colliderfm.data.event_schema import EVENT_SCHEMA
from colliderfm.data.table_check import check_table
from colliderfm.errors import DataError

ROW_GROUP_ROWS = 2000
_COMPRESSION_LEVEL = 9
_DROPPED_MANTISSA_BITS = 10

Columns = Mapping[str, np.ndarray | tuple[np.ndarray, np.ndarray]]


def round_mantissa(values: np.ndarray) -> np.ndarray:
    """Round floats to 13 mantissa bits.

    Parameters
    ----------
    values : ndarray, any shape, any unit
        Finite numbers.

    Returns
    -------
    ndarray, float32
        Nearest numbers whose ten low mantissa bits are zero; relative error at most 2**-14.
    """
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    half = np.uint32(1 << (_DROPPED_MANTISSA_BITS - 1))
    keep = np.uint32(0xFFFFFFFF ^ ((1 << _DROPPED_MANTISSA_BITS) - 1))
    rounded: np.ndarray = ((bits + half) & keep).view(np.float32)
    return rounded


def columns_to_table(columns: Columns) -> pa.Table:
    """Turn arrays into an Arrow table with the schema's types.

    Parameters
    ----------
    columns : mapping of str to ndarray or (offsets, values)
        One array of length B per scalar column; for lists ``offsets`` (B + 1,) and the flat
        ``values``. Units as in the schema. Unknown columns are carried with their own type.

    Returns
    -------
    pyarrow.Table
        Known columns in schema order, then the unknown ones by name.

    Raises
    ------
    DataError
        For values that do not convert to the column's type.
    """
    order = [name for name in EVENT_SCHEMA.names() if name in columns]
    order += sorted(set(columns) - set(order))
    arrays = {}
    for name in order:
        try:
            arrays[name] = _arrow_array(name, columns[name])
        except (pa.ArrowException, ValueError, TypeError) as err:
            raise DataError(
                f"column {name} cannot be written",
                got=str(err).splitlines()[0],
                need=column.arrow_type if (column := EVENT_SCHEMA.find(name)) else "an array",
            ) from err
    return pa.table(arrays)


def _arrow_array(name: str, data: np.ndarray | tuple[np.ndarray, np.ndarray]) -> pa.Array:
    column = EVENT_SCHEMA.find(name)
    offsets, values = data if isinstance(data, tuple) else (None, np.asarray(data))
    if column is not None and column.is_rounded:
        values = round_mantissa(values)
    if column is None:
        flat = pa.array(values)
    elif pa.types.is_dictionary(column.arrow_type):
        flat = pa.array(values, pa.string()).dictionary_encode().cast(column.arrow_type)
    else:
        value_type = column.arrow_type.value_type if column.is_list else column.arrow_type
        values = np.asarray(values)
        if column.kind == "float":
            values = values.astype(np.float32, copy=False)
        flat = pa.array(values, value_type)
    if offsets is None:
        return flat
    return pa.ListArray.from_arrays(pa.array(np.asarray(offsets, dtype=np.int32)), flat)


def write_shard(path: Path | str, columns: Columns) -> None:
    """Write one event file atomically; equal input gives equal bytes.

    Parameters
    ----------
    path : path
        File to write or replace. Its folder is made if absent.
    columns : mapping of str to ndarray or (offsets, values)
        As for ``columns_to_table``.

    Raises
    ------
    DataError
        If a value breaks the schema (nothing is written), or the disk is full or read-only.
    """
    table = columns_to_table(columns)
    if table.num_rows == 0:
        raise DataError(f"{path}: no events to write", need="at least one row")
    check_table(table, path)
    write_bytes_atomic(path, encode_table(table))


def encode_table(table: pa.Table) -> bytes:
    """Return a table as the bytes of a Parquet file.

    Parameters
    ----------
    table : pyarrow.Table
        Any columns; those of the schema get byte-stream split (floats) or a dictionary (strings).

    Returns
    -------
    bytes
        zstd Parquet with page checksums, in row groups of 2000 rows.
    """
    split_leaves = []
    for field in table.schema:
        is_list = pa.types.is_list(field.type)
        if pa.types.is_floating(field.type.value_type if is_list else field.type):
            split_leaves.append(f"{field.name}.list.element" if is_list else field.name)
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        row_group_size=ROW_GROUP_ROWS,
        compression="zstd",
        compression_level=_COMPRESSION_LEVEL,
        use_dictionary=[name for name in ("process",) if name in table.column_names],
        use_byte_stream_split=split_leaves,
        write_page_checksum=True,
        write_statistics=False,
    )
    return bytes(sink.getvalue())


def write_bytes_atomic(path: Path | str, content: bytes) -> None:
    """Write a file so that readers see the old content or the new one, never a part.

    Parameters
    ----------
    path : path
        File to write or replace.
    content : bytes
        The whole file.

    Raises
    ------
    DataError
        One line, if the disk is full or the folder is not writable; nothing is left behind.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as err:
        raise DataError(f"cannot write {path}: {err.strerror or err}; nothing was left") from err
    finally:
        # Gone already after a success; where it cannot be removed it could not be made either.
        with contextlib.suppress(OSError):
            temporary.unlink()
