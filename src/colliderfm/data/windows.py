"""Where a loader's events come from: a table in memory, or a folder read in windows.

A window is what is shuffled and bucketed together. Its content depends on the epoch's order of
pieces and on its number alone, so any worker can rebuild any batch, and a resumed run finds the
same ones.
Read next: ``loader.py``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from colliderfm.data.event_table import EventTable, concatenate
from colliderfm.data.reading import event_files, kept_ids, open_events, read_rows, select
from colliderfm.errors import DataError


class WindowSource(Protocol):
    """What a loader needs of its events."""

    fingerprint: str
    n_pieces: int

    def sizes(self, order: np.ndarray) -> list[int]:
        """Return the number of events of each window, for an order of the pieces."""

    def load(self, order: np.ndarray, window: int) -> EventTable:
        """Return the events of one window."""


class MemorySource:
    """A table in memory: one window with everything.

    Parameters
    ----------
    table : EventTable
        All events.
    """

    n_pieces = 1

    def __init__(self, table: EventTable) -> None:
        self.table = table
        digest = hashlib.sha256(np.ascontiguousarray(table.event_id).tobytes())
        self.fingerprint = f"memory:{len(table)}:{digest.hexdigest()[:16]}"

    def sizes(self, order: np.ndarray) -> list[int]:
        """Return the number of events, once per piece of ``order``."""
        return [len(self.table)] * len(order)

    def load(self, order: np.ndarray, window: int) -> EventTable:  # noqa: ARG002 (there is one)
        """Return the table."""
        return self.table


class StreamedSource:
    """A folder of event files, read a window of row groups at a time.

    Opening it reads process and id of every event; later one window is in memory, per worker.

    Parameters
    ----------
    source : path or sequence of path
        Folder or files.
    processes : sequence of str, optional
        Keep these only.
    split : str, optional
        ``train``, ``validation`` or ``test``.
    window_row_groups : int
        Row groups (2000 events each) that are shuffled together.
    truth : bool
        Read the truth momenta as well.

    Raises
    ------
    DataError
        If a file cannot be read or no event is left.
    """

    def __init__(
        self,
        source: Path | str | Sequence[Path | str],
        processes: Sequence[str] | None = None,
        split: str | None = None,
        window_row_groups: int = 32,
        *,
        truth: bool = False,
    ) -> None:
        self.processes, self.split, self.truth = processes, split, truth
        self.window_row_groups = window_row_groups
        pieces: list[tuple[Path, int, int]] = []
        digest = hashlib.sha256()
        for path in event_files(source, processes):
            with open_events(path) as file:
                for row_group in range(file.metadata.num_row_groups):
                    ids = kept_ids(file, path, row_group, processes, split)
                    digest.update("\n".join(ids).encode())
                    pieces += [(path, row_group, len(ids))] * bool(len(ids))
        if not pieces:
            raise DataError(f"{source}: no events left", need=f"events of split {split or 'any'}")
        self._pieces = pieces
        self.n_pieces = len(pieces)
        self.fingerprint = f"streamed:{window_row_groups}:{digest.hexdigest()[:16]}"

    def _windows(self, order: np.ndarray) -> list[np.ndarray]:
        return np.array_split(order, -(-len(order) // self.window_row_groups))

    def sizes(self, order: np.ndarray) -> list[int]:
        """Return the number of events of each window, for an order of the row groups."""
        return [sum(self._pieces[i][2] for i in window) for window in self._windows(order)]

    def load(self, order: np.ndarray, window: int) -> EventTable:
        """Return the events of one window, in the order of its row groups.

        Parameters
        ----------
        order : ndarray, shape (n_pieces,), int
            Permutation of the row groups.
        window : int
            Number of the window.

        Returns
        -------
        EventTable
            Checked events of the chosen processes and split.

        Raises
        ------
        DataError
            With file, column and first bad row.
        """
        parts = []
        for piece in self._windows(order)[window]:
            path, row_group, _ = self._pieces[piece]
            with open_events(path) as file:
                # Arrow's thread pool does not survive the fork into a loader worker.
                rows = read_rows(file, path, row_group, truth=self.truth, threads=False)
            parts.append(select(rows, self.processes, self.split))
        return concatenate(parts)
