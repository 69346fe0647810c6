"""Networks on disk: weights, settings, normalization and a card, no pickle.

``config.json`` describes the network completely, so a folder is all that is needed to rebuild it.
Weights are compared with the network name by name and shape by shape before anything is changed.
Read next: ``pretrained.py``, which loads a part of a network into another one.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from colliderfm.data.normalize import Normalizer
from colliderfm.errors import CheckpointError
from colliderfm.models.build import build_event_model
from colliderfm.models.event_model import EventEncoder, EventModel
from colliderfm.models.model_folder import (
    CONFIG_FILE,
    FORMAT_VERSION,
    NORMALIZATION_FILE,
    load_network,
    read_text,
    write_network,
)
from colliderfm.models.settings import (
    EncoderSettings,
    HeadSettings,
    head_from_dict,
    head_to_dict,
)

# What mends a network that does not fit its weights.
ANOTHER_SIZE = (
    f"set model.event.size and model.event.pair_features as in {CONFIG_FILE} beside it, "
    "or take another encoder"
)


def save_model(folder: Path | str, model: EventModel, card: str) -> None:
    """Write a network into a folder; each file appears complete or not at all.

    Parameters
    ----------
    folder : Path or str
        Made if absent; files of an earlier save are replaced.
    model : EventModel
        Built by ``build_event_model``.
    card : str
        Text of ``card.md``: what it was trained on, how, and with which result.

    Raises
    ------
    CheckpointError
        If the folder cannot be written.
    """
    config = {
        "encoder": asdict(model.encoder.settings),
        "heads": [head_to_dict(head) for head in model.head_settings],
    }
    write_network(Path(folder), model, config, model.encoder.normalizer.to_json(), card)


def load_model(folder: Path | str) -> EventModel:
    """Rebuild a network from its folder.

    Parameters
    ----------
    folder : Path or str
        Written by ``save_model``.

    Returns
    -------
    EventModel
        In evaluation mode, on the CPU; every tensor equals the saved one bit by bit.

    Raises
    ------
    CheckpointError
        If a file is missing or unreadable, or names or shapes of tensors differ from the
        configuration.
    """
    folder = Path(folder)
    settings, heads = read_config(folder)
    normalizer = Normalizer.from_json(read_text(folder / NORMALIZATION_FILE))
    model = build_event_model(settings, heads=heads, normalizer=normalizer)
    return load_network(model, folder, ANOTHER_SIZE)


def load_encoder(folder: Path | str) -> EventEncoder:
    """Return the encoder of a saved network, for a decoder of one's own.

    Parameters
    ----------
    folder : Path or str
        Written by ``save_model``.

    Returns
    -------
    EventEncoder
        In evaluation mode; ``freeze()`` keeps it so. See its ``forward`` for inputs and outputs.

    Raises
    ------
    CheckpointError
        As ``load_model``.
    """
    return load_model(folder).encoder


def read_config(folder: Path) -> tuple[EncoderSettings, list[HeadSettings]]:
    """Return the settings of encoder and heads that a folder describes.

    Parameters
    ----------
    folder : Path
        Written by ``save_model``.

    Returns
    -------
    encoder : EncoderSettings
    heads : list of HeadSettings

    Raises
    ------
    CheckpointError
        If its ``config.json`` is missing or is something else.
    """
    path = folder / CONFIG_FILE
    text = read_text(path)
    try:
        config = json.loads(text)
        if config["format_version"] != FORMAT_VERSION:
            raise CheckpointError(
                f"{path}: format version",
                got=config["format_version"],
                need=FORMAT_VERSION,
                fix="load it with the version of colliderfm that wrote it (see card.md)",
            )
        return EncoderSettings(**config["encoder"]), [head_from_dict(h) for h in config["heads"]]
    except (ValueError, KeyError, TypeError, AttributeError) as err:
        raise CheckpointError(f"{path} does not describe a network", got=repr(err)) from err
