"""Events in memory: read from files once, then gathered into batches without a loop over events.

``EventTable.read`` checks every file against the schema and selects processes and split;
``EventTable.batch`` is the only door from arrays to tensors. Read next: ``loader.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
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
from colliderfm.data.event_truth import TruthTable, concatenate_truth
from colliderfm.data.object_extras import object_extras_of
from colliderfm.data.ragged import Ragged, concatenate_ragged
from colliderfm.data.table_check import check_table
from colliderfm.data.truth_columns import TRUTH_COLUMNS, flat_values, topology_of, truth_of


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
        All other columns, row by row beside ``event_id``: unknown lists and strings, and the signed
        PDG ids of the resonances if truth was asked for.
    truth : TruthTable, optional
        Momenta of resonances and invisible particles; None unless asked for and in every file.
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
    truth: TruthTable | None = None

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
            Fill ``truth`` from files that have it; without it the columns are not even read.

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
        objects = np.stack(
            [flat_values(table, name, np.float32) for name in OBJECT_FEATURES], axis=1
        )
        decay, slots = topology_of(table)
        truth = truth_of(table)
        known = {*EVENT_SCHEMA.names("object", "global", "event", "topology")}
        known |= set(TRUTH_COLUMNS) if truth else set()
        rest = [column for column in table.schema if column.name not in known]
        scalars = [column.name for column in rest if _is_number(column.type)]
        others = [column.name for column in rest if column.name not in scalars]
        process = pc.index_in(table.column("process").cast(pa.string()), pa.array(PROCESSES))
        return cls(
            objects=Ragged.from_lengths(lengths, objects),
            globals=np.stack(
                [flat_values(table, name, np.float32) for name in GLOBAL_FEATURES], axis=1
            ),
            process=process.to_numpy().astype(np.int64),
            weight=flat_values(table, "weight", np.float32),
            event_id=table.column("event_id").to_numpy().astype(np.str_),
            decay=decay,
            slots=slots,
            extras={name: flat_values(table, name, np.float32) for name in scalars},
            carried=table.select(["event_id", *others]),
            truth=truth,
        )

    def __len__(self) -> int:
        return len(self.process)

    @property
    def n_objects(self) -> np.ndarray:
        """Number of objects of each event, shape (n,), int64."""
        return self.objects.lengths

    @cached_property
    def object_extras(self) -> dict[str, Ragged]:
        """Carried columns with one number per object, values of shape (m,), float32."""
        return object_extras_of(self.carried, self.n_objects)

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
            truth=self.truth.batch(rows, mask.shape[1]) if self.truth else None,
            object_extras={
                name: torch.from_numpy(column.padded(rows, fill=0.0)[0])
                for name, column in self.object_extras.items()
            },
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
            truth=self.truth.take(rows) if self.truth else None,
        )


def concatenate(tables: Sequence[EventTable]) -> EventTable:
    """Join tables, one after the other.

    Parameters
    ----------
    tables : sequence of EventTable
        At least one. An extra that some of them lack is NaN there, a carried column is null; truth
        that some of them lack is left out.

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
        truth=concatenate_truth([table.truth for table in tables]),
    )


def _extra(table: EventTable, name: str) -> np.ndarray:
    return table.extras.get(name, np.full(len(table), np.nan, dtype=np.float32))


def _is_number(arrow_type: pa.DataType) -> bool:
    return bool(pa.types.is_floating(arrow_type) or pa.types.is_integer(arrow_type))
