"""``replicas``: write the corpus of universes and replicas that spectrum pretraining and its study read.

Almost all of a corpus is drawn on the fly from its table and its universes; what is written are these
two, a fixed sample of replicas and a manifest. Equal parameters give equal bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from colliderfm.config.project import project_root
from colliderfm.config.schema import Params
from colliderfm.data.replica_corpus import CorpusSettings, read_corpus, write_corpus
from colliderfm.errors import DataError
from colliderfm.pipelines.folders import writable_folder


@dataclass(frozen=True)
class ReplicasSummary:
    """What a corpus holds."""

    folder: Path
    n_universes: int
    n_unseen: int
    n_stored: int
    n_with_negative_bins: int
    operators: str

    def __str__(self) -> str:
        return (
            f"{self.folder}: {self.n_universes} universes and {self.n_unseen} unseen ones, "
            f"{self.n_stored} stored replicas, {self.operators}; "
            f"{self.n_with_negative_bins} universes have a negative bin"
        )


def replicas(params: Params, out: str = "") -> ReplicasSummary:
    """Write a replica corpus.

    Parameters
    ----------
    params : Params
        Section ``replicas``; its table is looked for below ``paths.data`` and in the project.
    out : str
        Folder; empty means ``pretrain.spectrum.set``.

    Returns
    -------
    ReplicasSummary

    Raises
    ------
    DataError
        If a table is missing or broken, or the folder cannot be written.
    """
    settings = params.replicas
    names = set(CorpusSettings.__dataclass_fields__)
    wanted = {key: value for key, value in settings.model_dump().items() if key in names}
    folder = writable_folder(project_root() / (out or params.pretrain.spectrum.set))
    other = settings.other_densities_table
    write_corpus(
        folder,
        _table(params, settings.table),
        CorpusSettings(**wanted),
        other_table_path=_table(params, other) if other else None,
    )
    corpus = read_corpus(folder)
    negative = int(
        (corpus.seen.n_negative_bins > 0).sum() + (corpus.unseen.n_negative_bins > 0).sum()
    )
    return ReplicasSummary(
        folder.relative_to(project_root()) if folder.is_relative_to(project_root()) else folder,
        settings.universes,
        settings.unseen_universes,
        len(corpus.replica),
        negative,
        f"{len(corpus.table.operators)} operators, order {settings.order}",
    )


def _table(params: Params, name: str) -> Path:
    root = project_root()
    for path in (root / params.paths.data / name, root / name):
        if path.is_file():
            return path
    raise DataError(
        f"theory table {name} not found",
        need=f"a file below {params.paths.data}/ or in the project",
        fix="run `make setup`, or compute one (see `colliderfm --help`)",
    )
