"""Files of a replica corpus: universes as JSON, replicas as Parquet, each held to its format."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from colliderfm.data.reading import open_events
from colliderfm.data.replica_settings import TASKS, CorpusSettings, settings_record
from colliderfm.errors import DataError
from colliderfm.physics.replicas import noise_model
from colliderfm.physics.spectrum_table import SpectrumTable
from colliderfm.physics.universes import COEFFICIENTS, Universes, universes_at

COLUMNS = ("task", "universe", "replica", "values")
_ROWS_PER_PART = 50_000
_MAKE_AGAIN = "write the corpus again: its parts belong together"
_GROUPS = (("seen", "test"), ("unseen", "unseen"))


def universes_content(
    groups: tuple[Universes, Universes], settings: CorpusSettings
) -> dict[str, Any]:
    """Content of ``universes.json``.

    Parameters
    ----------
    groups : tuple of Universes
        Seen and unseen.
    settings : CorpusSettings
        What made them.

    Returns
    -------
    dict
        JSON values: settings, names of the coefficients, and per group seed, coefficients and
        counts of negative bins.
    """
    content: dict[str, Any] = {
        "settings": settings_record(settings),
        "coefficients": list(COEFFICIENTS),
    }
    for (name, _), universes in zip(_GROUPS, groups, strict=True):
        content[name] = {
            "seed": universes.seed,
            "wilson": universes.wilson.tolist(),
            "n_negative_bins": universes.n_negative_bins.tolist(),
        }
    return content


def read_universes(path: Path, table: SpectrumTable) -> tuple[CorpusSettings, Universes, Universes]:
    """Read ``universes.json`` and predict the spectra again.

    Parameters
    ----------
    path : Path
        The file.
    table : SpectrumTable
        Theory table of the same corpus.

    Returns
    -------
    tuple of (CorpusSettings, Universes, Universes)
        Settings, seen and unseen universes.

    Raises
    ------
    DataError
        If the file is damaged, or the table does not give the counts of negative bins it holds.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        settings = CorpusSettings(**content["settings"])
        names = tuple(content["coefficients"])
        groups = [
            (
                np.array(content[name]["wilson"], dtype=np.float64),
                content[name]["n_negative_bins"],
                int(content[name]["seed"]),
            )
            for name, _ in _GROUPS
        ]
    except (OSError, ValueError, KeyError, TypeError) as err:
        got = f"{type(err).__name__}: {err}"
        raise DataError(f"{path} cannot be read", got=got, fix=_MAKE_AGAIN) from err
    if names != COEFFICIENTS:
        raise DataError(f"{path}: coefficients", got=names, need=COEFFICIENTS, fix=_MAKE_AGAIN)
    universes = []
    for (name, _), (wilson, n_negative, seed) in zip(_GROUPS, groups, strict=True):
        where = f"{path}: {name}"
        if wilson.ndim != 2 or wilson.shape[1] != len(COEFFICIENTS):
            need = f"{len(COEFFICIENTS)} coefficients per universe"
            raise DataError(f"{where}.wilson", got=wilson.shape, need=need, fix=_MAKE_AGAIN)
        if not np.isfinite(wilson).all():
            row = int(np.argmin(np.isfinite(wilson).all(axis=1)))
            raise DataError(f"{where}.wilson, universe {row}", got="not finite", fix=_MAKE_AGAIN)
        group = universes_at(
            table,
            wilson,
            order=settings.order,
            sampling=settings.sampling,
            sparsity=settings.sparsity,
            seed=seed,
        )
        if group.n_negative_bins.tolist() != n_negative:
            got, need = group.n_negative_bins.tolist(), n_negative
            what = f"{where}.n_negative_bins is not what the table gives"
            raise DataError(what, got=got, need=need, fix=_MAKE_AGAIN)
        universes.append(group)
    return settings, universes[0], universes[1]


def replica_parts(
    table: SpectrumTable, groups: tuple[Universes, Universes], settings: CorpusSettings
) -> Iterator[pa.Table]:
    """Draw the stored replicas, one file after another.

    Parameters
    ----------
    table : SpectrumTable
        Theory.
    groups : tuple of Universes
        Seen and unseen.
    settings : CorpusSettings
        Noise and number of replicas.

    Yields
    ------
    pyarrow.Table
        Columns ``task, universe, replica, values``; at most 50,000 rows.
    """
    for number, task in enumerate(TASKS):
        offset = 0
        for (_, purpose), universes in zip(_GROUPS, groups, strict=True):
            model = noise_model(table, universes.mean_pb_per_gev, settings.noise(task))
            n_rows, first = len(universes) * settings.stored_replicas, 0
            seed = settings.stream_seed(task, purpose)
            for universe, values in model.stream(n_rows, seed, _ROWS_PER_PART):
                replica = (first + np.arange(len(universe))) // len(universes)
                first += len(universe)
                yield _part(np.full(len(universe), number), universe + offset, replica, values)
            offset += len(universes)


def _part(
    task: np.ndarray, universe: np.ndarray, replica: np.ndarray, values: np.ndarray
) -> pa.Table:
    offsets = np.arange(len(values) + 1, dtype=np.int32) * values.shape[1]
    lists = pa.ListArray.from_arrays(pa.array(offsets), pa.array(values.reshape(-1)))
    names = pa.array([TASKS[number] for number in task])
    columns = (names, pa.array(universe, pa.int32()), pa.array(replica, pa.int32()), lists)
    return pa.table(dict(zip(COLUMNS, columns, strict=True)))


def read_part(
    path: Path, n_bins: int, n_universes: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Read one file of replicas.

    Parameters
    ----------
    path : Path
        Parquet file.
    n_bins : int
        Bins of the table.
    n_universes : int
        Seen and unseen universes together.

    Returns
    -------
    tuple of ndarray
        Task as index into ``TASKS`` (N,), universe (N,), replica (N,), values (N, B) float32.

    Raises
    ------
    DataError
        Names file, column and first bad row.
    """
    with open_events(path) as file:
        data = file.read()
    if tuple(data.column_names) != COLUMNS or not pa.types.is_list(data.schema.field(3).type):
        got, need = str(data.schema).replace("\n", ", "), ", ".join(COLUMNS)
        raise DataError(f"{path}: columns", got=got, need=need, fix=_MAKE_AGAIN)
    names = np.array(data.column("task").to_pylist(), dtype=object)
    task = np.array([TASKS.index(name) if name in TASKS else -1 for name in names])
    _check_rows(path, "task", names, task >= 0, f"one of {', '.join(TASKS)}")
    universe = data.column("universe").to_numpy()
    is_known = (universe >= 0) & (universe < n_universes)
    _check_rows(path, "universe", universe, is_known, f"0 to {n_universes - 1}")
    column = data.column("values").combine_chunks()
    lengths = column.value_lengths().to_numpy(zero_copy_only=False)
    _check_rows(path, "values", lengths, lengths == n_bins, f"{n_bins} bins, as the table has")
    values = column.flatten().to_numpy(zero_copy_only=False).reshape(-1, n_bins)
    values = values.astype(np.float32, copy=False)
    is_finite = np.isfinite(values)
    _check_rows(path, "values", values, is_finite.all(axis=1), "finite numbers")
    return task, universe.astype(np.int64), data.column("replica").to_numpy(), values


def _check_rows(path: Path, name: str, values: np.ndarray, is_good: np.ndarray, need: str) -> None:
    if not is_good.all():
        row = int(np.argmin(is_good))
        where = f"{path}: column {name}, row {row}"
        raise DataError(where, got=values[row], need=need, fix=_MAKE_AGAIN)


def file_sha256(path: Path) -> str:
    """Digest of a file.

    Parameters
    ----------
    path : Path
        Any file.

    Returns
    -------
    str
        sha256, 64 hexadecimal digits.
    """
    return hashlib.sha256(path.read_bytes()).hexdigest()
