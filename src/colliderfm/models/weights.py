"""Networks on disk: weights, settings, normalization and a card, no pickle.

``config.json`` describes the network completely, so a folder is all that is needed to rebuild it.
Weights are compared with the network name by name and shape by shape before anything is changed.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path

from colliderfm.data.normalize import Normalizer
from colliderfm.errors import CheckpointError
from colliderfm.models.build import build_event_model
from colliderfm.models.event_model import EventEncoder, EventModel
from colliderfm.models.model_folder import (
    CONFIG_FILE,
    FORMAT_VERSION,
    NORMALIZATION_FILE,
    check_match,
    load_network,
    read_text,
    read_weights,
    write_network,
)
from colliderfm.models.settings import (
    EncoderSettings,
    HeadSettings,
    head_from_dict,
    head_to_dict,
)

logger = logging.getLogger(__name__)

_ENCODER_PREFIX = "encoder."
# What mends a network that does not fit its weights.
ANOTHER_SIZE = (
    f"set model.event.size and model.event.pair_features as in {CONFIG_FILE} beside it, "
    "or take another encoder"
)


@dataclass(frozen=True)
class MatchReport:
    """What a partial load did.

    Parameters
    ----------
    loaded : tuple of str
        Tensors of the encoder taken over.
    kept : tuple of str
        Tensors of the heads left with their own initial values.
    unused : tuple of str
        Tensors of the file that were not needed (its heads).
    source : str
        Folder of the weights.
    """

    loaded: tuple[str, ...]
    kept: tuple[str, ...]
    unused: tuple[str, ...]
    source: str

    def __str__(self) -> str:
        return (
            f"encoder from {self.source}: {len(self.loaded)} tensors loaded, {len(self.kept)} head "
            f"tensors keep their initial values, {len(self.unused)} head tensors of the file unused"
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
    settings, heads = _read_config(folder)
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


def load_encoder_into(model: EventModel, folder: Path | str) -> MatchReport:
    """Replace encoder weights and normalizer of a network by saved ones; heads stay as they are.

    Parameters
    ----------
    model : EventModel
        Changed in place, unless an error is raised.
    folder : Path or str
        Written by ``save_model``.

    Returns
    -------
    MatchReport
        Also logged.

    Raises
    ------
    CheckpointError
        If the encoder has another size or other parts: the message names tensors and both shapes.
    """
    folder = Path(folder)
    saved = read_weights(folder)
    encoder = {
        name.removeprefix(_ENCODER_PREFIX): tensor
        for name, tensor in saved.items()
        if name.startswith(_ENCODER_PREFIX)
    }
    check_match(model.encoder.state_dict(), encoder, folder, ANOTHER_SIZE)
    model.encoder.load_state_dict(encoder)
    report = MatchReport(
        loaded=tuple(encoder),
        kept=tuple(name for name in model.state_dict() if not name.startswith(_ENCODER_PREFIX)),
        unused=tuple(name for name in saved if not name.startswith(_ENCODER_PREFIX)),
        source=str(folder),
    )
    logger.info("%s", report)
    return report


def _read_config(folder: Path) -> tuple[EncoderSettings, list[HeadSettings]]:
    """Return the settings that a folder describes."""
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
