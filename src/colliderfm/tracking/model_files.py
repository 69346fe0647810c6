"""The files of a model folder and their sha256: what may become a version, and is it the same.

Read next: ``registry``.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from colliderfm.errors import TrackingError
from colliderfm.tracking.store import guard

WEIGHTS_FILE = "model.safetensors"
CARD_FILE = "card.md"
MODEL_FILES = (WEIGHTS_FILE, "config.json", "normalization.json", CARD_FILE)
ALLOWED_SUFFIXES = (".safetensors", ".json", ".md")
RESOLVED_FILE = "resolved.json"
SHA256_TAG = "sha256"
FILES_TAG = "files.sha256"
URI_FORM = "models:/NAME@ALIAS, models:/NAME/VERSION, or a folder with model.safetensors"


@dataclass(frozen=True)
class ResolvedModel:
    """A model pinned to its bytes.

    ``version`` is 0 for a folder that no registry knows; ``sha256`` is that of the weights file.
    """

    name: str
    version: int
    sha256: str
    folder: Path


def folder_digests(folder: Path) -> dict[str, str]:
    """Check that a folder may become a version and return the sha256 of each file."""
    # What a DVC stage noted beside the files is no part of the model.
    present = [
        path
        for path in sorted(folder.rglob("*") if folder.is_dir() else [])
        if path.is_file() and path.name != RESOLVED_FILE
    ]
    names = [path.relative_to(folder).as_posix() for path in present]
    missing = [name for name in MODEL_FILES if name not in names]
    foreign = [name for name in names if not name.endswith(ALLOWED_SUFFIXES)]
    if missing or foreign:
        raise TrackingError(
            f"{folder} cannot be registered",
            got=f"missing {', '.join(missing)}" if missing else f"unexpected {', '.join(foreign)}",
            need=f"{', '.join(MODEL_FILES)} and no pickle",
        )
    return dict(zip(names, map(file_sha256, present), strict=True))


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def resolve_folder(uri: str) -> ResolvedModel:
    """Pin a local folder; its ``resolved.json``, if any, must fit its bytes."""
    folder = Path(uri)
    weights = folder / WEIGHTS_FILE
    if not weights.is_file():
        raise TrackingError("unknown model", got=uri, need=URI_FORM)
    sha256 = file_sha256(weights)
    note = folder / RESOLVED_FILE
    if not note.is_file():
        return ResolvedModel(folder.resolve().name, 0, sha256, folder)
    known = json.loads(note.read_text(encoding="utf-8"))
    check_sha256(weights, sha256, known["sha256"])
    return ResolvedModel(known["name"], int(known["version"]), sha256, folder)


def holds(folder: Path, expected: Mapping[str, str]) -> bool:
    """Tell whether a folder holds exactly these bytes."""
    return all(
        (folder / name).is_file() and file_sha256(folder / name) == sha256
        for name, sha256 in expected.items()
    )


def check_sha256(path: Path, got: str, need: str) -> None:
    """Raise unless a file is the registered one."""
    if got != need:
        raise TrackingError(
            f"{path.name} is not the registered file",
            got=f"sha256 {got}",
            need=f"sha256 {need}",
            fix="the artifact was changed after registration: use another version",
        )


def write_resolved(resolved: ResolvedModel, uri: str) -> None:
    """Write ``resolved.json`` in one step, byte-identical for the same address and version."""
    content = {
        "name": resolved.name,
        "version": resolved.version,
        "sha256": resolved.sha256,
        "uri": uri,
    }
    path = resolved.folder / RESOLVED_FILE
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    with guard(f"write {path} for"):
        scratch.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        scratch.replace(path)


def download_files(
    name: str, version: int | str, expected: Mapping[str, str], target: Path
) -> None:
    """Fetch the files of a version, check them, and only then put them into ``target``."""
    import mlflow

    address = f"models:/{name}/{version}"
    with guard(f"prepare {target} for"):
        target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target, prefix=".download-") as scratch:
        with guard(f"download {address} from"):
            place = mlflow.artifacts.download_artifacts(artifact_uri=address, dst_path=scratch)
        for file, sha256 in expected.items():
            fetched = Path(place, file)
            if not fetched.is_file():
                raise TrackingError(f"{address} lacks the file {file}", fix="register it again")
            check_sha256(fetched, file_sha256(fetched), sha256)
        for file in expected:
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(Path(place, file), target / file)
