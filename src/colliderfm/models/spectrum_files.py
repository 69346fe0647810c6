"""Spectrum networks on disk: weights, settings, scales and a card, no pickle.

The same four files as event networks (see ``weights``); ``config.json`` says ``"family": "spectrum"``.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from colliderfm.errors import CheckpointError, ConfigError
from colliderfm.models.model_folder import (
    CONFIG_FILE,
    FORMAT_VERSION,
    NORMALIZATION_FILE,
    WEIGHTS_FILE,
    load_network,
    read_text,
    write_network,
)
from colliderfm.models.spectrum_model import (
    SpectrumEncoder,
    SpectrumEncoderSettings,
    SpectrumModel,
    build_spectrum_model,
)
from colliderfm.models.spectrum_normalization import SpectrumNormalization

FAMILY = "spectrum"
ANOTHER_ENCODER = f"take {CONFIG_FILE} and {WEIGHTS_FILE} of one and the same encoder"


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
    model = network if isinstance(network, SpectrumModel) else SpectrumModel(network, {})
    config = {
        "family": FAMILY,
        "encoder": asdict(model.encoder.settings),
        "heads": model.head_outputs(),
    }
    write_network(Path(folder), model, config, model.encoder.normalization.to_json(), card)


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
    normalization = SpectrumNormalization.from_json(read_text(folder / NORMALIZATION_FILE))
    model = build_spectrum_model(settings, normalization, heads)
    return load_network(model, folder, ANOTHER_ENCODER)


def _read_config(folder: Path) -> tuple[SpectrumEncoderSettings, dict[str, int]]:
    """Return the settings that a folder describes."""
    path = folder / CONFIG_FILE
    text = read_text(path)
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
