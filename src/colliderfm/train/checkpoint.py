"""The checkpoint file: everything a run needs to continue bit for bit, in one atomic file.

``checkpoint.safetensors`` holds tensors (weights, averages, optimizer moments, generator states)
and, in its header, a JSON record (update, loader position, early stopping, history). It is written
beside the old one and renamed over it when complete and on disk: a kill -9 at any moment leaves
either the old or the new checkpoint, never half of one. No pickle. Read next:
:mod:`colliderfm.train.state`, which fills and applies it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from colliderfm.errors import CheckpointError

FILE_NAME = "checkpoint.safetensors"
_PARTIAL_NAME = "checkpoint.safetensors.partial"
_LOCK_NAME = "checkpoint.lock"
_FORMAT = "colliderfm-checkpoint-1"


@dataclass(frozen=True)
class Checkpoint:
    """Content of a checkpoint.

    Parameters
    ----------
    tensors : dict of str to Tensor
        On the CPU.
    record : dict
        JSON values.
    """

    tensors: dict[str, torch.Tensor]
    record: dict[str, Any]

    def tensors_of(self, part: str) -> dict[str, torch.Tensor]:
        """Return the tensors of one part (``"model"``, ``"ema"``, …) by their own names."""
        prefix = part + "/"
        return {
            name.removeprefix(prefix): value
            for name, value in self.tensors.items()
            if name.startswith(prefix)
        }


def checkpoint_path(folder: Path) -> Path:
    """Return the path of the checkpoint file in a folder."""
    return folder / FILE_NAME


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint so that the previous one stays until this one is complete.

    Parameters
    ----------
    folder : Path
        Made if absent.
    checkpoint : Checkpoint
        What to write.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    CheckpointError
        If the disk is full or the folder cannot be written; one line, nothing half-written.
    """
    path, partial = folder / FILE_NAME, folder / _PARTIAL_NAME
    tensors = _storable(checkpoint.tensors)
    record = json.dumps(checkpoint.record)
    header = {"format": _FORMAT, "record": record, "sha256": _digest(tensors, record)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Written here, not by safetensors' save_file: that leaves a temporary file of random name
        # behind when it is killed.
        with partial.open("wb") as file:
            file.write(save(tensors, metadata=header))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        _flush_to_disk(folder)
    except OSError as err:
        _remove_quietly(partial)
        kept = "; the previous checkpoint is intact" if path.exists() else ""
        raise CheckpointError(f"cannot write {path}: {_reason(err)}{kept}") from err
    return path


def read_checkpoint(folder: Path) -> Checkpoint | None:
    """Read the checkpoint of a folder.

    Parameters
    ----------
    folder : Path
        As given to ``write_checkpoint``.

    Returns
    -------
    Checkpoint or None
        None if the folder has none.

    Raises
    ------
    CheckpointError
        If the file is damaged or of another format; the message names it.
    """
    path = folder / FILE_NAME
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            # Clones: tensors of a mapped file are not aligned like those of a fresh run.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as err:
        raise _damaged(path, _reason(err)) from err
    if header.get("format") != _FORMAT:
        raise _damaged(path, f"format {header.get('format', 'unknown')}")
    if header.get("sha256") != _digest(tensors, header.get("record", "")):
        raise _damaged(path, "content that differs from its checksum")
    return Checkpoint(tensors, json.loads(header["record"]))


@contextmanager
def exclusive_folder(folder: Path) -> Iterator[None]:
    """Hold a checkpoint folder for this process; also proves early that it can be written.

    Parameters
    ----------
    folder : Path
        Made if absent.

    Raises
    ------
    CheckpointError
        If another process trains there or the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / _LOCK_NAME).open("w")
    except OSError as err:
        raise CheckpointError(f"cannot write in {folder}: {err.strerror}") from err
    with lock:
        try:
            # A record lock: unlike flock it is not inherited by loader workers, which may outlive
            # a killed trainer by seconds and would block its successor.
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as err:
            raise CheckpointError(
                f"{folder} is in use",
                got="another process that trains there",
                need="one process per checkpoint folder",
                fix="wait for it to end, or stop it; its checkpoint will be continued",
            ) from err
        yield
        _remove_quietly(folder / _PARTIAL_NAME)


def matched_tensors(
    found: Mapping[str, torch.Tensor], wanted: Mapping[str, torch.Tensor], path: Path
) -> dict[str, torch.Tensor]:
    """Return ``found`` if its names and shapes are those of ``wanted``.

    Parameters
    ----------
    found : mapping of str to Tensor
        From a file.
    wanted : mapping of str to Tensor
        Of the model.
    path : Path
        The file, for the message.

    Returns
    -------
    dict of str to Tensor
        ``found``.

    Raises
    ------
    CheckpointError
        Naming up to five tensors that differ.
    """
    differences = [
        f"{name}: {_shape(found.get(name))} in the file, {_shape(wanted.get(name))} in the model"
        for name in sorted({*found, *wanted})
        if _shape(found.get(name)) != _shape(wanted.get(name))
    ]
    if differences:
        more = f"; and {len(differences) - 5} more" if len(differences) > 5 else ""
        raise CheckpointError(
            f"{path} belongs to another model",
            got="; ".join(differences[:5]) + more,
            need="equal names and shapes",
            fix="use the model settings of that run, or another folder",
        )
    return dict(found)


def _shape(tensor: torch.Tensor | None) -> str:
    return "missing" if tensor is None else str(tuple(tensor.shape))


def _storable(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Contiguous CPU tensors, none sharing memory (tied weights), which the format refuses."""
    storable: dict[str, torch.Tensor] = {}
    seen: set[int] = set()
    for name, value in tensors.items():
        stored = value.detach().cpu().contiguous()
        if stored.untyped_storage().data_ptr() in seen:
            stored = stored.clone()
        seen.add(stored.untyped_storage().data_ptr())
        storable[name] = stored
    return storable


def _digest(tensors: Mapping[str, torch.Tensor], record: str) -> str:
    digest = hashlib.sha256(record.encode())
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def _flush_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_quietly(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        # The folder is read-only: then there was nothing to remove.
        return


def _reason(err: Exception) -> str:
    return getattr(err, "strerror", None) or str(err).splitlines()[0]


def _damaged(path: Path, got: str) -> CheckpointError:
    return CheckpointError(
        f"{path} cannot be read as a checkpoint",
        got=got,
        need="the complete file that colliderfm wrote",
        fix=f"restore it from a copy, or delete it to start this run again: rm {path}",
    )
