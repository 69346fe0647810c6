"""Folders of a run: which event set a name means, and whether a folder can be written."""

from __future__ import annotations

import uuid
from pathlib import Path

from colliderfm.config.load import closest
from colliderfm.config.project import project_root
from colliderfm.config.schema import Params
from colliderfm.errors import DataError


def event_set_folder(params: Params, name: str) -> tuple[Path, str]:
    """Return the folder of an event set and its md5.

    Parameters
    ----------
    params : Params
        Gives ``paths.data``.
    name : str
        A name below ``paths.data``, or a folder, e.g. a corpus.

    Raises
    ------
    DataError
        If there is no such set, or its manifest is missing.
    """
    from colliderfm.data.manifest import set_md5

    root = project_root()
    data = root / params.paths.data
    for folder in (data / name, root / name, Path(name)):
        if folder.is_dir():
            return folder, set_md5(folder)
    if Path(name).parts[:1] == (params.paths.corpora,):
        raise DataError(
            f"corpus {name} not found",
            need="a folder that `colliderfm replicas` or `colliderfm simulate` wrote",
            fix="run `dvc repro` (or `make setup`), or name another one with --data",
        )
    known = sorted(path.name for path in data.iterdir() if path.is_dir()) if data.is_dir() else []
    raise DataError(
        f"event set {name!r} not found",
        got=f"neither a folder nor a set below {params.paths.data}/",
        need=f"one of {', '.join(known)}" if known else "the imported starter set",
        fix=f"write {closest(name, known)}" if closest(name, known) else "run `make setup`",
    )


def writable_folder(folder: Path) -> Path:
    """Make a folder and prove that it can be written; the error names it."""
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / f".probe-{uuid.uuid4().hex[:8]}"
    probe.touch()
    probe.unlink()
    return folder
