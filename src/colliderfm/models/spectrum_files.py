"""Spectrum networks on disk: weights, settings, scales and a card, no pickle.

The same four files as event networks (see ``weights``); ``config.json`` says ``"family": "spectrum"``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from colliderfm.errors import CheckpointError, ConfigError
from colliderfm.models.spectrum_model import (
    SpectrumEncoder,
    SpectrumEncoderSettings,
    SpectrumModel,
    build_spectrum_model,
)
from colliderfm.models.spectrum_normalization import SpectrumNormalization
from colliderfm.models.weights import (
    CARD_FILE,
    CONFIG_FILE,
    FORMAT_VERSION,
    NORMALIZATION_FILE,
    WEIGHTS_FILE,
)

FAMILY = "spectrum"
_SHOWN = 6


def save_spectrum_encoder(
    folder: Path | str, network: SpectrumEncoder | SpectrumModel, card: str
) -> None:
    """Write an encoder, or an encoder with heads; each file appears complete or not at all.

    Parameters
    ----------
    folder : Path or str
        Made if absent; files of an earlier save are replaced.
    network : SpectrumEncoder or SpectrumModel
        Built by ``build_spectrum_encoder`` or ``build_spectrum_model``.
    card : str
        Text of ``card.md``.

    Raises
    ------
    CheckpointError
        If the folder cannot be written.
    """
    folder = Path(folder)
    model = network if isinstance(network, SpectrumModel) else SpectrumModel(network, {})
    state = {
        name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()
    }
    config = {
        "format_version": FORMAT_VERSION,
        "family": FAMILY,
        "encoder": asdict(model.encoder.settings),
        "heads": model.head_outputs(),
    }
    contents = {
        WEIGHTS_FILE: save(state),
        NORMALIZATION_FILE: model.encoder.normalization.to_json().encode(),
        CONFIG_FILE: (json.dumps(config, indent=2) + "\n").encode(),
        CARD_FILE: card.encode(),
    }
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


def load_spectrum_encoder(folder: Path | str) -> SpectrumEncoder:
    """Rebuild a spectrum encoder from its folder.

    Parameters
    ----------
    folder : Path or str
        Written by ``save_spectrum_encoder``.

    Returns
    -------
    SpectrumEncoder
        In evaluation mode, on the CPU; every tensor equals the saved one bit by bit.

    Raises
    ------
    CheckpointError
        If a file is missing or unreadable, describes another family, or names or shapes of tensors
        differ from the configuration.
    """
    return load_spectrum_model(folder).encoder


def load_spectrum_model(folder: Path | str) -> SpectrumModel:
    """Rebuild an encoder with the heads it was saved with, e.g. its decoder.

    Parameters
    ----------
    folder : Path or str
        Written by ``save_spectrum_encoder``.

    Returns
    -------
    SpectrumModel
        In evaluation mode, on the CPU.

    Raises
    ------
    CheckpointError
        As ``load_spectrum_encoder``.
    """
    folder = Path(folder)
    settings, heads = _read_config(folder)
    normalization = SpectrumNormalization.from_json(_read_text(folder / NORMALIZATION_FILE))
    model = build_spectrum_model(settings, normalization, heads)
    path = folder / WEIGHTS_FILE
    try:
        state = load_file(path)
    except (OSError, SafetensorError) as err:
        raise CheckpointError(
            f"{path} cannot be read", got=str(err), need="weights written by colliderfm"
        ) from err
    _check_match(model.state_dict(), state, folder)
    model.load_state_dict(state)
    return model.eval()


def _check_match(own: Mapping[str, Tensor], saved: Mapping[str, Tensor], folder: Path) -> None:
    """Refuse weights whose names or shapes differ from the network's."""
    faults = [
        f"{name} {_shape(saved[name])} instead of {_shape(own[name])}"
        for name in own
        if name in saved and saved[name].shape != own[name].shape
    ]
    faults += [f"{name} {_shape(own[name])} missing" for name in own if name not in saved]
    faults += [f"{name} {_shape(saved[name])} not in the network" for name in saved.keys() - own]
    if faults:
        more = f"; and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        raise CheckpointError(
            f"{folder / WEIGHTS_FILE} does not fit the network",
            got="; ".join(faults[:_SHOWN]) + more,
            need=f"the {len(own)} tensors of the network, in their shapes",
            fix=f"take {CONFIG_FILE} and {WEIGHTS_FILE} of one and the same encoder",
        )


def _shape(tensor: Tensor) -> str:
    return "x".join(str(length) for length in tensor.shape) or "scalar"


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as err:
        raise CheckpointError(
            f"{path} cannot be read", got=str(err), need="a folder written by colliderfm"
        ) from err


def _read_config(folder: Path) -> tuple[SpectrumEncoderSettings, dict[str, int]]:
    """Return the settings that a folder describes."""
    path = folder / CONFIG_FILE
    text = _read_text(path)
    try:
        config: dict[str, Any] = json.loads(text)
        for name, need in (("format_version", FORMAT_VERSION), ("family", FAMILY)):
            if config.get(name) != need:
                raise CheckpointError(
                    f"{path}: {name.replace('_', ' ')}",
                    got=config.get(name, "none: perhaps an event encoder"),
                    need=need,
                    fix="take an encoder registered as spectrum-encoder",
                )
        heads = {str(name): int(n) for name, n in config["heads"].items()}
        return SpectrumEncoderSettings(**config["encoder"]), heads
    except (ValueError, KeyError, TypeError, AttributeError, ConfigError) as err:
        raise CheckpointError(
            f"{path} does not describe a spectrum network", got=repr(err)
        ) from err
