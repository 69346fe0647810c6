"""``manifest.json`` of an event set: where its events come from, and the digest of every file.

The md5 of a set is the number that runs and reports carry: it covers event files alone, by name and
content, so that copying a set or rewriting its manifest does not change it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from colliderfm.data.writing import write_bytes_atomic
from colliderfm.errors import DataError

MANIFEST_NAME = "manifest.json"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class ProcessRecord:
    """What a set holds of one process.

    Parameters
    ----------
    generated, kept : int
        Events before and after the preselection.
    xsec_pb, xsec_error_pb : float
        Cross section of the generated events and its statistical error.
    seeds : list of int
        One per shard.
    cards : list of str
        Generator settings.
    notes : dict
        Anything else worth keeping, e.g. sums of weights or the components of a mix.
    """

    generated: int
    kept: int
    xsec_pb: float
    xsec_error_pb: float
    seeds: list[int]
    cards: list[str]
    notes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Manifest:
    """Origin and content of an event set.

    Parameters
    ----------
    generator : str
        Program that made the events.
    versions : dict of str to str
        Versions that decide the bytes of the files.
    command : str
        What was typed.
    settings : dict
        Detector, collision energy, multiparton interactions.
    processes : dict of str to ProcessRecord
        By name.
    files : dict of str to str
        sha256 by path below the set, filled in by ``write_manifest``.
    """

    generator: str
    versions: dict[str, str]
    command: str
    settings: dict[str, Any]
    processes: dict[str, ProcessRecord]
    files: dict[str, str] = field(default_factory=dict)


def write_manifest(folder: Path | str, manifest: Manifest) -> Manifest:
    """Digest the event files of a set and write its manifest.

    Parameters
    ----------
    folder : path
        The set.
    manifest : Manifest
        Its ``files`` are replaced.

    Returns
    -------
    Manifest
        As written.

    Raises
    ------
    DataError
        If the folder holds no event files or cannot be written.
    """
    folder = Path(folder)
    digests = {name: _digest(folder / name, "sha256") for name in _event_file_names(folder)}
    complete = replace(manifest, files=digests)
    content = {"format_version": FORMAT_VERSION, **asdict(complete)}
    text = json.dumps(content, indent=1, sort_keys=True) + "\n"
    write_bytes_atomic(folder / MANIFEST_NAME, text.encode())
    return complete


def read_manifest(folder: Path | str) -> Manifest:
    """Read the manifest of a set.

    Parameters
    ----------
    folder : path
        The set.

    Returns
    -------
    Manifest
        Origin and digests.

    Raises
    ------
    DataError
        If it is missing, not JSON, of another version, or lacks an entry.
    """
    path = Path(folder) / MANIFEST_NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        version = content.pop("format_version")
        if version != FORMAT_VERSION:
            raise DataError(f"{path}: format_version", got=version, need=FORMAT_VERSION)
        processes = {n: ProcessRecord(**record) for n, record in content.pop("processes").items()}
        return Manifest(**content, processes=processes)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as err:
        raise DataError(
            f"{path} cannot be read",
            got=f"{type(err).__name__}: {err}",
            need=f"a JSON object with {', '.join(f.name for f in fields(Manifest))}",
            fix="fetch the set again, or run the `colliderfm simulate` command that made it",
        ) from err


def verify_set(folder: Path | str) -> int:
    """Hold the event files of a set to its manifest.

    Parameters
    ----------
    folder : path
        The set.

    Returns
    -------
    int
        Number of files, all with the right content.

    Raises
    ------
    DataError
        If a file is missing, has another digest, or is not in the manifest.
    """
    folder = Path(folder)
    expected, present = read_manifest(folder).files, _event_file_names(folder)
    for name in sorted({*expected, *present}):
        if name not in present:
            raise DataError(f"{folder / name} is missing", need="it, as the manifest lists it")
        if name not in expected:
            raise DataError(
                f"{folder / name} is not in the manifest",
                need="the files that made the set, and no others",
                fix=f"move it out of {folder}",
            )
        digest = _digest(folder / name, "sha256")
        if digest != expected[name]:
            raise DataError(
                f"{folder / name} has changed",
                got=f"sha256 {digest[:16]}…",
                need=f"{expected[name][:16]}…, as in the manifest",
                fix="fetch the set again: the file is damaged or was written by other versions",
            )
    return len(present)


def set_md5(folder: Path | str) -> str:
    """Return the md5 of a set.

    Parameters
    ----------
    folder : path
        The set.

    Returns
    -------
    str
        32 hexadecimal digits over the sorted pairs of relative path and file md5.

    Raises
    ------
    DataError
        If the folder holds no event files.
    """
    folder = Path(folder)
    total = hashlib.md5(usedforsecurity=False)
    for name in _event_file_names(folder):
        total.update(f"{name}\0{_digest(folder / name, 'md5')}\n".encode())
    return total.hexdigest()


def _event_file_names(folder: Path) -> list[str]:
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet"))
    if not names:
        raise DataError(f"{folder}: no event files", need="<process>/part-*.parquet")
    return names


def _digest(path: Path, algorithm: str) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, algorithm).hexdigest()
    except OSError as err:
        raise DataError(f"cannot read {path}: {err.strerror or err}") from err
