"""Events in memory: read from files once, then gathered into batches without a loop over events.

``EventTable.read`` checks every file against the schema and selects processes and split;
``EventTable.batch`` is the only door from arrays to tensors. Read next: ``loader.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from colliderfm.data.event_batch import EventBatch
from colliderfm.data.event_schema import (
    EVENT_SCHEMA,
    GLOBAL_FEATURES,
    OBJECT_FEATURES,
    PROCESSES,
)
from colliderfm.data.ragged import Ragged, concatenate_ragged
from colliderfm.data.table_check import check_table
from colliderfm.physics.decays import DECAYS, MAX_DAUGHTERS

_N_DAUGHTERS = np.array([decay.n_daughters for decay in DECAYS])


@dataclass(frozen=True)
class EventTable:
    """n events as flat arrays.

    Parameters
    ----------
    objects : Ragged, values of shape (m, 7), float32
        Object features in the order of ``OBJECT_FEATURES``, GeV and radians.
    globals : ndarray, shape (n, 11), float32
        In the order of ``GLOBAL_FEATURES``, GeV and radians.
    process : ndarray, shape (n,), int64
        Index into ``PROCESSES``.
    weight : ndarray, shape (n,), float32
        Event weights, may be negative.
    event_id : ndarray, shape (n,), str
        ``process/seed/index``.
    decay : Ragged, values of shape (k,), int64
        Index into ``DECAYS`` of each resonance.
    slots : Ragged, values of shape (k, 4), int64
        Object slot of each visible daughter of each resonance, -1 for none.
    extras : dict of str to ndarray, shape (n,), float32
        Study extras and unknown numeric columns; NaN where a file lacks them.
    carried : pyarrow.Table
        All other columns, row by row beside ``event_id``: unknown lists and strings, and the truth
        momenta if asked for.
    """

    objects: Ragged
    globals: np.ndarray
    process: np.ndarray
    weight: np.ndarray
    event_id: np.ndarray
    decay: Ragged
    slots: Ragged
    extras: dict[str, np.ndarray]
    carried: pa.Table

    @classmethod
    def read(
        cls,
        source: Path | str | Sequence[Path | str],
        processes: Sequence[str] | None = None,
        split: str | None = None,
        *,
        truth: bool = False,
    ) -> EventTable:
        """Read and check event files.

        Parameters
        ----------
        source : path or sequence of path
            A folder (all Parquet files below it, sorted) or files.
        processes : sequence of str, optional
            Keep these only.
        split : str, optional
            ``train``, ``validation`` or ``test``.
        truth : bool
            Keep the truth four-momenta in ``carried``; without it they are not even read.

        Returns
        -------
        EventTable
            Events in file order.

        Raises
        ------
        DataError
            With file, column and first bad row; or if nothing is left after the selection.
        """
        # Reading builds tables, so the module can only be imported once this class exists.
        from colliderfm.data.reading import read_event_table  # noqa: PLC0415

        return read_event_table(source, processes, split, truth=truth)

    @classmethod
    def from_arrow(
        cls, table: pa.Table, path: Path | str = "table", first_row: int = 0
    ) -> EventTable:
        """Check an Arrow table against the schema and build the arrays.

        Parameters
        ----------
        table : pyarrow.Table
            Columns of ``EVENT_SCHEMA``; truth may be absent.
        path : path
            Named in messages.
        first_row : int
            Row of the file at which the table starts.

        Returns
        -------
        EventTable
            One event per row.

        Raises
        ------
        DataError
            With path, column and first bad row.
        """
        check_table(table, path, first_row)
        lengths = pc.list_value_length(table.column("energy_gev")).to_numpy()
        objects = np.stack([_flat(table, name, np.float32) for name in OBJECT_FEATURES], axis=1)
        decay, slots = _topology(table)
        known = {*EVENT_SCHEMA.names("object", "global", "event", "topology")}
        rest = [column for column in table.schema if column.name not in known]
        scalars = [column.name for column in rest if _is_number(column.type)]
        others = [column.name for column in rest if column.name not in scalars]
        process = pc.index_in(table.column("process").cast(pa.string()), pa.array(PROCESSES))
        return cls(
            objects=Ragged.from_lengths(lengths, objects),
            globals=np.stack([_flat(table, name, np.float32) for name in GLOBAL_FEATURES], axis=1),
            process=process.to_numpy().astype(np.int64),
            weight=_flat(table, "weight", np.float32),
            event_id=table.column("event_id").to_numpy().astype(np.str_),
            decay=decay,
            slots=slots,
            extras={name: _flat(table, name, np.float32) for name in scalars},
            carried=table.select(["event_id", *others]),
        )

    def __len__(self) -> int:
        return len(self.process)

    @property
    def n_objects(self) -> np.ndarray:
        """Number of objects of each event, shape (n,), int64."""
        return self.objects.lengths

    def batch(self, indices: np.ndarray | Sequence[int]) -> EventBatch:
        """Gather events into padded tensors, trimmed to the longest of them.

        Parameters
        ----------
        indices : ndarray or sequence of int, shape (B,)
            Positions in this table.

        Returns
        -------
        EventBatch
            B events, in the order of ``indices``.
        """
        rows = np.asarray(indices, dtype=np.int64)
        objects, mask = self.objects.padded(rows, fill=0.0)
        decay, _ = self.decay.padded(rows, fill=-1)
        assignment, _ = self.slots.padded(rows, fill=-1)
        return EventBatch(
            objects=torch.from_numpy(objects),
            mask=torch.from_numpy(mask),
            globals=torch.from_numpy(self.globals[rows]),
            process=torch.from_numpy(self.process[rows]),
            weight=torch.from_numpy(self.weight[rows]),
            decay=torch.from_numpy(decay),
            assignment=torch.from_numpy(assignment),
            extras={name: torch.from_numpy(value[rows]) for name, value in self.extras.items()},
        )

    def subset(self, indices: np.ndarray | Sequence[int]) -> EventTable:
        """Return the events at some positions (or where a boolean array is True), in that order.

        Parameters
        ----------
        indices : ndarray or sequence, shape (k,), int or bool
            Positions, or a mask of length n.

        Returns
        -------
        EventTable
            k events.
        """
        rows = np.asarray(indices)
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.int64)
        return replace(
            self,
            objects=self.objects.take(rows),
            globals=self.globals[rows],
            process=self.process[rows],
            weight=self.weight[rows],
            event_id=self.event_id[rows],
            decay=self.decay.take(rows),
            slots=self.slots.take(rows),
            extras={name: values[rows] for name, values in self.extras.items()},
            carried=self.carried.take(pa.array(rows)),
        )


def concatenate(tables: Sequence[EventTable]) -> EventTable:
    """Join tables, one after the other.

    Parameters
    ----------
    tables : sequence of EventTable
        At least one. An extra that some of them lack is NaN there; a carried column is null.

    Returns
    -------
    EventTable
        All events.
    """
    if len(tables) == 1:
        return tables[0]
    names = dict.fromkeys(name for table in tables for name in table.extras)
    return EventTable(
        objects=concatenate_ragged([table.objects for table in tables]),
        globals=np.concatenate([table.globals for table in tables]),
        process=np.concatenate([table.process for table in tables]),
        weight=np.concatenate([table.weight for table in tables]),
        event_id=np.concatenate([table.event_id for table in tables]),
        decay=concatenate_ragged([table.decay for table in tables]),
        slots=concatenate_ragged([table.slots for table in tables]),
        extras={name: np.concatenate([_extra(table, name) for table in tables]) for name in names},
        carried=pa.concat_tables([table.carried for table in tables], promote_options="permissive"),
    )


def _extra(table: EventTable, name: str) -> np.ndarray:
    return table.extras.get(name, np.full(len(table), np.nan, dtype=np.float32))


def _is_number(arrow_type: pa.DataType) -> bool:
    return bool(pa.types.is_floating(arrow_type) or pa.types.is_integer(arrow_type))


def _flat(table: pa.Table, name: str, dtype: type) -> np.ndarray:
    column = table.column(name)
    if pa.types.is_list(column.type):
        column = pc.list_flatten(column)
    values: np.ndarray = column.to_numpy().astype(dtype, copy=False)
    return values


def _topology(table: pa.Table) -> tuple[Ragged, Ragged]:
    """Spread the flat assignment into one row of four slots per resonance."""
    if "decay" not in table.column_names:
        none = np.zeros(table.num_rows, dtype=np.int64)
        empty = np.zeros((0, MAX_DAUGHTERS), dtype=np.int64)
        return Ragged.from_lengths(none, empty[:, 0]), Ragged.from_lengths(none, empty)
    decay = _flat(table, "decay", np.int64)
    flat = _flat(table, "assignment", np.int64)
    n_daughters = _N_DAUGHTERS[decay]
    slots = np.full((len(decay), MAX_DAUGHTERS), -1, dtype=np.int64)
    slots[np.arange(MAX_DAUGHTERS) < n_daughters[:, None]] = flat
    lengths = pc.list_value_length(table.column("decay")).to_numpy()
    return Ragged.from_lengths(lengths, decay), Ragged.from_lengths(lengths, slots)
