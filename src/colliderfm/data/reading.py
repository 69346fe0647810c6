"""Files to arrays: open, verify checksums, select events, and name the place of any fault."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from colliderfm.data.event_schema import EVENT_SCHEMA, PROCESS_INDEX, PROCESSES
from colliderfm.data.event_table import EventTable, concatenate
from colliderfm.data.splits import SPLITS, split_of
from colliderfm.errors import ConfigError, DataError

log = logging.getLogger(__name__)

# What pyarrow raises for a file that is missing, cut short or damaged.
_DAMAGE = (OSError, pa.ArrowException, UnicodeError)
_TRUTH_MOMENTA = frozenset(EVENT_SCHEMA.names("resonance", "invisible"))


def event_files(
    source: Path | str | Sequence[Path | str], processes: Sequence[str] | None = None
) -> list[Path]:
    """List the event files of a folder in a fixed order.

    Parameters
    ----------
    source : path or sequence of path
        A folder, searched at any depth, or files.
    processes : sequence of str, optional
        Leave out sub-folders that are named after another process.

    Returns
    -------
    list of Path
        Sorted Parquet files.

    Raises
    ------
    ConfigError
        For a process that does not exist.
    DataError
        If the folder is missing or holds no such file.
    """
    for name in processes or ():
        if name not in PROCESS_INDEX:
            raise ConfigError(f"process {name!r}", got=name, need=f"one of {', '.join(PROCESSES)}")
    if not isinstance(source, str | Path):
        return [Path(path) for path in source]
    folder = Path(source)
    if folder.is_file():
        return [folder]
    files = sorted(folder.rglob("*.parquet"))
    unwanted = set(PROCESSES) - set(processes or PROCESSES)
    files = [path for path in files if path.parent.name not in unwanted]
    if not files:
        raise DataError(
            f"{folder}: no event files",
            got="no such folder" if not folder.exists() else "no *.parquet below it",
            need=f"files of {', '.join(processes)}" if processes else "<process>/part-*.parquet",
            fix="`dvc repro data.dvc` or `colliderfm simulate` makes them",
        )
    return files


def read_event_table(
    source: Path | str | Sequence[Path | str],
    processes: Sequence[str] | None = None,
    split: str | None = None,
    *,
    truth: bool = False,
) -> EventTable:
    """Read and check event files; see ``EventTable.read``."""
    parts = []
    for path in event_files(source, processes):
        with open_events(path) as file:
            whole = read_rows(file, path, truth=truth)
        part = select(whole, processes, split)
        if len(part):
            parts.append(part)
    if not parts:
        raise DataError(
            f"{source}: no events left",
            need=f"events of {', '.join(processes or ('any process',))}, split {split or 'any'}",
        )
    n_without = sum(part.truth is None for part in parts)
    if truth and n_without:
        log.warning("%d of %d files lack truth columns: truth is left out", n_without, len(parts))
    return _report_negative_weights(concatenate(parts))


def open_events(path: Path) -> pq.ParquetFile:
    """Open an event file.

    Parameters
    ----------
    path : Path
        Parquet file.

    Returns
    -------
    pyarrow.parquet.ParquetFile
        With page checksums verified on reading.

    Raises
    ------
    DataError
        If it is missing, empty, truncated or not Parquet.
    """
    try:
        file = pq.ParquetFile(path, page_checksum_verification=True)
        file.schema_arrow.names  # noqa: B018 (decodes the names: damage there shows here)
    except _DAMAGE as err:
        raise _unreadable(path, err) from err
    if file.metadata.num_rows == 0:
        raise DataError(f"{path}: no rows", need="at least one event", fix=f"delete {path}")
    return file


def read_rows(
    file: pq.ParquetFile,
    path: Path,
    row_group: int | None = None,
    *,
    truth: bool = False,
    threads: bool = True,
) -> EventTable:
    """Read a whole file or one of its row groups, checked.

    Parameters
    ----------
    file : pyarrow.parquet.ParquetFile
        From ``open_events``.
    path : Path
        Named in messages.
    row_group : int, optional
        Only this one.
    truth : bool
        Read the truth momenta as well.
    threads : bool
        Decode columns in parallel.

    Returns
    -------
    EventTable
        Events in file order.

    Raises
    ------
    DataError
        With file, column and first bad row.
    """
    names = [name for name in file.schema_arrow.names if truth or name not in _TRUTH_MOMENTA]
    first_row = sum(file.metadata.row_group(i).num_rows for i in range(row_group or 0))
    try:
        if row_group is None:
            table = file.read(columns=names, use_threads=threads)
        else:
            table = file.read_row_group(row_group, columns=names, use_threads=threads)
    except _DAMAGE as err:
        raise _locate(file, path, names, err) from err
    return EventTable.from_arrow(table, path, first_row)


def kept_ids(
    file: pq.ParquetFile,
    path: Path,
    row_group: int,
    processes: Sequence[str] | None = None,
    split: str | None = None,
) -> list[str]:
    """List the ids of a row group's events of some processes and of one split.

    Parameters
    ----------
    file : pyarrow.parquet.ParquetFile
        From ``open_events``.
    path : Path
        Named in messages.
    row_group : int
        Which one.
    processes : sequence of str, optional
        Names from ``PROCESSES``.
    split : str, optional
        ``train``, ``validation`` or ``test``.

    Returns
    -------
    list of str
        Ids in file order.

    Raises
    ------
    DataError
        If the row group cannot be read.
    """
    names = ["process", "event_id"]
    try:
        table = file.read_row_group(row_group, columns=names, use_threads=False)
    except _DAMAGE as err:
        raise _locate(file, path, names, err) from err
    if table.num_columns < len(names):
        raise DataError(f"{path}: column process or event_id is missing", need="both")
    if processes is not None:
        wanted = pc.is_in(table.column("process").cast(pa.string()), pa.array(list(processes)))
        table = table.filter(wanted)
    ids = table.column("event_id").to_numpy()
    kept: list[str] = ids[split_of(ids) == _split_index(split)].tolist() if split else ids.tolist()
    return kept


def select(
    table: EventTable, processes: Sequence[str] | None = None, split: str | None = None
) -> EventTable:
    """Keep the events of some processes and of one split.

    Parameters
    ----------
    table : EventTable
        Any events.
    processes : sequence of str, optional
        Names from ``PROCESSES``.
    split : str, optional
        ``train``, ``validation`` or ``test``.

    Returns
    -------
    EventTable
        The rest, in the same order.

    Raises
    ------
    ConfigError
        For a split that does not exist.
    """
    keep = np.ones(len(table), dtype=bool)
    if processes is not None:
        keep &= np.isin(table.process, [PROCESS_INDEX[name] for name in processes])
    if split is not None:
        keep &= split_of(table.event_id) == _split_index(split)
    return table if keep.all() else table.subset(keep)


def _split_index(split: str) -> int:
    if split not in SPLITS:
        raise ConfigError(f"split {split!r}", got=split, need=f"one of {', '.join(SPLITS)}")
    return SPLITS.index(split)


def _locate(file: pq.ParquetFile, path: Path, names: list[str], err: Exception) -> DataError:
    """Find the column and row group that cannot be decoded, by reading them one at a time."""
    first_row = 0
    for row_group in range(file.metadata.num_row_groups):
        for name in names:
            try:
                file.read_row_group(row_group, columns=[name], use_threads=False)
            except _DAMAGE:
                return _unreadable(path, err, f": column {name}, rows from {first_row}")
        first_row += file.metadata.row_group(row_group).num_rows
    return _unreadable(path, err)


def _unreadable(path: Path, err: Exception, place: str = "") -> DataError:
    message = str(err).splitlines()[0] if str(err) else type(err).__name__
    return DataError(
        f"{path}{place} cannot be read",
        got=message,
        need="a whole Parquet file",
        fix="fetch or simulate it again: the file is missing, cut short or damaged",
    )


def _report_negative_weights(table: EventTable) -> EventTable:
    n_negative = int((table.weight < 0).sum())
    if n_negative:
        share_pct = 100 * n_negative / len(table)
        log.warning("%d of %d weights are negative (%.2f%%)", n_negative, len(table), share_pct)
    return table
