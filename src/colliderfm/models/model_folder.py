"""The folder of a saved network of any family: weights, settings, scales and a card, no pickle.

Read next: ``weights.py`` (events) and ``spectrum_files.py`` (spectra).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor
from torch.nn import Module

from colliderfm.errors import CheckpointError

FORMAT_VERSION = 1
WEIGHTS_FILE, CONFIG_FILE = "model.safetensors", "config.json"
NORMALIZATION_FILE, CARD_FILE = "normalization.json", "card.md"
_SHOWN = 6
Network = TypeVar("Network", bound=Module)


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


def write_network(
    folder: Path, network: Module, config: Mapping[str, Any], normalization: str, card: str
) -> None:
    """Write a network with its description, scales and card.

    Parameters
    ----------
    folder : Path
        As for ``write_files``.
    network : Module
        Its tensors are written.
    config : mapping
        What rebuilds it, JSON values; the version of the format is put in front.
    normalization, card : str
        Text of the other two files.

    Raises
    ------
    CheckpointError
        If the folder cannot be written.
    """
    state = {
        name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()
    }
    described = {"format_version": FORMAT_VERSION, **config}
    contents = {
        WEIGHTS_FILE: save(state),
        NORMALIZATION_FILE: normalization.encode(),
        CONFIG_FILE: (json.dumps(described, indent=2) + "\n").encode(),
        CARD_FILE: card.encode(),
    }
    write_files(folder, contents)


def load_network(network: Network, folder: Path, fix: str) -> Network:
    """Fill a network with the weights of a folder.

    Parameters
    ----------
    network : Module
        Changed in place, unless an error is raised.
    folder : Path
        Written by ``write_network``.
    fix : str
        What mends weights that do not fit.

    Returns
    -------
    Module
        The network, in evaluation mode.

    Raises
    ------
    CheckpointError
        If the weights cannot be read, or names or shapes differ.
    """
    state = read_weights(folder)
    check_match(network.state_dict(), state, folder, fix)
    network.load_state_dict(state)
    return network.eval()


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
