"""The folder of a saved network of any family: weights, settings, scales and a card, no pickle.

Read next: ``weights.py`` (events) and ``spectrum_files.py`` (spectra).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from colliderfm.errors import CheckpointError

FORMAT_VERSION = 1
WEIGHTS_FILE, CONFIG_FILE = "model.safetensors", "config.json"
NORMALIZATION_FILE, CARD_FILE = "normalization.json", "card.md"
_SHOWN = 6


def write_files(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write the files of a model; each appears complete or not at all.

    Parameters
    ----------
    folder : Path
        Made if absent; files of an earlier save are replaced.
    contents : mapping of str to bytes
        By name.

    Raises
    ------
    CheckpointError
        If the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            partial = folder / f".{name}.{os.getpid()}.partial"
            try:
                partial.write_bytes(content)
                partial.replace(folder / name)
            finally:
                partial.unlink(missing_ok=True)
    except OSError as err:
        raise CheckpointError(
            f"{folder}: cannot write the model",
            got=err.strerror,
            fix="free space or change the folder",
        ) from err


def check_match(
    own: Mapping[str, Tensor], saved: Mapping[str, Tensor], folder: Path, fix: str
) -> None:
    """Refuse weights whose names or shapes differ from the network's.

    Parameters
    ----------
    own, saved : mapping of str to Tensor
        Tensors of the network and of the file.
    folder : Path
        Named in the error.
    fix : str
        What mends it.

    Raises
    ------
    CheckpointError
        Naming tensors and both shapes.
    """
    differing = [
        f"{name} {_shape(saved[name])} instead of {_shape(own[name])}"
        for name in own
        if name in saved and saved[name].shape != own[name].shape
    ]
    missing = [f"{name} {_shape(own[name])} missing" for name in own if name not in saved]
    surplus = [
        f"{name} {_shape(saved[name])} not in the network" for name in saved if name not in own
    ]
    faults = differing + missing + surplus
    if faults:
        more = f"; and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        raise CheckpointError(
            f"{folder / WEIGHTS_FILE} does not fit the network",
            got="; ".join(faults[:_SHOWN]) + more,
            need=f"the {len(own)} tensors of the network, in their shapes",
            fix=fix,
        )


def _shape(tensor: Tensor) -> str:
    return "x".join(str(length) for length in tensor.shape) or "scalar"


def read_weights(folder: Path) -> dict[str, Tensor]:
    """Return the tensors of a folder; ``CheckpointError`` if they cannot be read."""
    path = folder / WEIGHTS_FILE
    try:
        return load_file(path)
    except (OSError, SafetensorError) as err:
        raise CheckpointError(
            f"{path} cannot be read", got=str(err), need="weights written by colliderfm"
        ) from err


def read_text(path: Path) -> str:
    """Return a text file of a model folder; ``CheckpointError`` if it cannot be read."""
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as err:
        raise CheckpointError(
            f"{path} cannot be read", got=str(err), need="a folder written by colliderfm"
        ) from err
