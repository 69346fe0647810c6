"""A corpus of replicas: one theory table, two sets of universes, two kinds of noise.

``table.json`` and ``universes.json`` define everything; the few replicas below ``replicas/`` are a
fixed test sample, and training draws its own from ``ReplicaCorpus.noise``. Equal settings give equal
bytes. Read next: ``colliderfm.physics.replicas``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from colliderfm.data.joint_tables import with_joint_bins
from colliderfm.data.manifest import (
    Manifest,
    ProcessRecord,
    read_manifest,
    verify_set,
    write_manifest,
)
from colliderfm.data.replica_files import (
    COLUMNS,
    file_sha256,
    read_part,
    read_universes,
    replica_parts,
    universes_content,
)
from colliderfm.data.replica_settings import (
    TASKS,
    CorpusSettings,
    draw_universes,
    settings_record,
)
from colliderfm.data.table_files import read_table, write_table
from colliderfm.data.writing import encode_table, write_bytes_atomic
from colliderfm.errors import DataError
from colliderfm.physics.replicas import (
    NoiseModel,
    alpha,
    effective_luminosity_per_pb,
    noise_model,
)
from colliderfm.physics.spectrum_table import SpectrumTable
from colliderfm.physics.universes import Universes

__all__ = [
    "TASKS",
    "CorpusSettings",
    "ReplicaCorpus",
    "draw_universes",
    "read_corpus",
    "write_corpus",
]

TABLE_NAME, OTHER_TABLE_NAME, UNIVERSES_NAME = "table.json", "other_table.json", "universes.json"


@dataclass(frozen=True)
class ReplicaCorpus:
    """A corpus in memory.

    Parameters
    ----------
    table : SpectrumTable
        Theory.
    other_table : SpectrumTable or None
        The same bins with other parton densities.
    seen, unseen : Universes
        For training, and for claims about new universes.
    settings : CorpusSettings
        What made it.
    task, universe, replica : ndarray, shape (N,), int
        Index into ``TASKS``, universe (unseen ones count on from the seen ones), running number.
    values : ndarray, shape (N, B), float32, pb/GeV
        Stored replicas.
    """

    table: SpectrumTable
    other_table: SpectrumTable | None
    seen: Universes
    unseen: Universes
    settings: CorpusSettings
    task: np.ndarray
    universe: np.ndarray
    replica: np.ndarray
    values: np.ndarray

    def noise(self, task: str, *, unseen: bool = False) -> NoiseModel:
        """Replicas on demand.

        Parameters
        ----------
        task : {"study", "hard"}
            Kind of noise.
        unseen : bool
            Of the unseen universes.

        Returns
        -------
        NoiseModel
            Of all seen or all unseen universes.
        """
        universes = self.unseen if unseen else self.seen
        return noise_model(self.table, universes.mean_pb_per_gev, self.settings.noise(task))

    def stored(self, task: str, *, unseen: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Select the stored replicas of a task.

        Parameters
        ----------
        task : {"study", "hard"}
            Kind of noise.
        unseen : bool
            Of the unseen universes.

        Returns
        -------
        tuple of ndarray
            Universe within ``seen`` or ``unseen`` (n,), and values (n, B) in pb/GeV.
        """
        is_wanted = (self.task == TASKS.index(task)) & ((self.universe >= len(self.seen)) == unseen)
        offset = len(self.seen) if unseen else 0
        return self.universe[is_wanted] - offset, self.values[is_wanted]


def write_corpus(
    folder: Path | str,
    table_path: Path | str,
    settings: CorpusSettings,
    *,
    other_table_path: Path | str | None = None,
    command: str = "",
) -> Manifest:
    """Draw universes and replicas and write them.

    Parameters
    ----------
    folder : path
        Made or completed; files below ``replicas/`` that are there already are removed.
    table_path : path
        Theory table; copied, and completed if joint covariance needs the events its bins share.
    settings : CorpusSettings
        Everything else.
    other_table_path : path, optional
        The same bins with other parton densities; copied.
    command : str
        What was typed, for the manifest.

    Returns
    -------
    Manifest
        As written.

    Raises
    ------
    DataError
        If a table is broken, the two have different bins, or the disk refuses.
    """
    folder = Path(folder)
    table = _put_table(folder / TABLE_NAME, table_path, settings)
    if other_table_path is not None:
        _check_same_bins(table, read_table(other_table_path), Path(other_table_path))
        _copy(other_table_path, folder / OTHER_TABLE_NAME)
    groups = draw_universes(table, settings)
    text = json.dumps(universes_content(groups, settings), indent=1) + "\n"
    write_bytes_atomic(folder / UNIVERSES_NAME, text.encode())
    for stale in sorted((folder / "replicas").glob("*.parquet")):
        stale.unlink()
    for number, part in enumerate(replica_parts(table, groups, settings)):
        write_bytes_atomic(folder / f"replicas/part-{number:04d}.parquet", encode_table(part))
    return write_manifest(folder, _manifest(folder, table, settings, command))


def read_corpus(folder: Path | str) -> ReplicaCorpus:
    """Read a corpus and hold its parts to each other.

    Parameters
    ----------
    folder : path
        From ``write_corpus``.

    Returns
    -------
    ReplicaCorpus
        Everything in memory.

    Raises
    ------
    DataError
        If a file is missing, changed or broken; names file, column and row.
    """
    folder = Path(folder)
    verify_set(folder)
    for name, digest in read_manifest(folder).settings.get("sha256", {}).items():
        if not (folder / name).is_file() or file_sha256(folder / name) != digest:
            raise DataError(
                f"{folder / name} is missing or has changed",
                need=f"sha256 {digest[:16]}…, as in the manifest",
                fix="write the corpus again: its parts belong together",
            )
    table = read_table(folder / TABLE_NAME)
    has_other = (folder / OTHER_TABLE_NAME).is_file()
    other = read_table(folder / OTHER_TABLE_NAME) if has_other else None
    settings, seen, unseen = read_universes(folder / UNIVERSES_NAME, table)
    n_universes = len(seen) + len(unseen)
    files = sorted((folder / "replicas").glob("*.parquet"))
    parts = [read_part(path, table.n_bins, n_universes) for path in files]
    columns = [np.concatenate([part[k] for part in parts]) for k in range(len(COLUMNS))]
    return ReplicaCorpus(table, other, seen, unseen, settings, *columns)


def _manifest(
    folder: Path, table: SpectrumTable, settings: CorpusSettings, command: str
) -> Manifest:
    """Origin of the corpus; a task stands where event sets have a process."""
    total_pb = float(table.sm_pb[[name == table.observable[0] for name in table.observable]].sum())
    n_rows = (settings.universes + settings.unseen_universes) * settings.stored_replicas
    records = {}
    for task in TASKS:
        noise = settings.noise(task)
        notes = {
            "noise": settings_record(noise),
            "effective_luminosity_per_pb": effective_luminosity_per_pb(
                table, noise.delta_sigma_rel
            ),
            "alpha": alpha(table, noise) if noise.rescale else {},
        }
        seeds = [settings.stream_seed(task, purpose) for purpose in ("test", "unseen")]
        records[task] = ProcessRecord(
            *(n_rows, n_rows, total_pb, noise.delta_sigma_rel * total_pb, seeds, [], notes)
        )
    names = [TABLE_NAME, OTHER_TABLE_NAME, UNIVERSES_NAME]
    digests = {name: file_sha256(folder / name) for name in names if (folder / name).is_file()}
    return Manifest(
        generator="replicas",
        versions={"numpy": np.__version__, "pyarrow": pa.__version__},
        command=command,
        settings={"corpus": settings_record(settings), "sha256": digests},
        processes=records,
    )


def _check_same_bins(table: SpectrumTable, other: SpectrumTable, path: Path) -> None:
    is_same = (
        table.observable == other.observable
        and np.array_equal(table.low_gev, other.low_gev)
        and np.array_equal(table.high_gev, other.high_gev)
        and table.operators == other.operators
    )
    if not is_same:
        raise DataError(
            f"{path}: bins or operators differ from those of the first table",
            got=f"{other.n_bins} bins, {len(other.operators)} operators",
            need=f"the same {table.n_bins} bins and {len(table.operators)} operators",
        )


def _put_table(target: Path, source: Path | str, settings: CorpusSettings) -> SpectrumTable:
    table = read_table(source)
    if not settings.joint_covariance or table.joint_pb is not None:
        _copy(source, target)
        return table
    write_table(target, with_joint_bins(table))
    # Files keep nine digits: noise is drawn from what readers will find.
    return read_table(target)


def _copy(source: Path | str, target: Path) -> None:
    try:
        content = Path(source).read_bytes()
    except OSError as err:
        raise DataError(f"cannot read {source}: {err.strerror or err}") from err
    write_bytes_atomic(target, content)
