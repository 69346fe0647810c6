"""Files of a report: texts are written together, the headline is read back for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from colliderfm.errors import DataError


def write_texts(folder: Path, texts: Mapping[str, str]) -> list[Path]:
    """Write the text files of a report.

    Parameters
    ----------
    folder : Path
        Made if missing.
    texts : mapping of str to str
        Content by name; a name may hold a sub-folder.

    Returns
    -------
    list of Path
        In the order given.

    Raises
    ------
    DataError
        If the folder cannot be written to.
    """
    paths = [folder / name for name in texts]
    try:
        for path, text in zip(paths, texts.values(), strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(f"cannot write to {folder}", got=error.strerror or error) from error
    return paths


def read_headline(folder: Path, study: str) -> str:
    """Read the headline of a written report.

    Parameters
    ----------
    folder : Path
        Folder of the report.
    study : str
        Named in the error.

    Returns
    -------
    str
        Text for a terminal.

    Raises
    ------
    DataError
        If there is no report.
    """
    path = folder / "headline.txt"
    if not path.is_file():
        raise DataError(
            f"no report in {folder}",
            need="headline.txt",
            fix=f"run `colliderfm report --study {study}`, or `dvc repro`",
        )
    return path.read_text(encoding="utf-8").rstrip()
