"""Resolve an encoder once: an alias becomes a version and a sha256, and its bytes a folder."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from colliderfm.config.project import project_root

if TYPE_CHECKING:
    import torch

# The registered name of each model family.
ENCODER_NAMES = {"event": "event-encoder", "spectrum": "spectrum-encoder"}


@dataclass(frozen=True)
class Encoder:
    """A resolved encoder: name, version (0 outside the registry), digest of its weights, folder."""

    name: str
    version: int
    sha256: str
    variant: str
    folder: str

    def tags(self) -> dict[str, str]:
        """Return the lineage tags of a run that consumes this encoder."""
        return {
            "encoder.name": self.name,
            "encoder.version": str(self.version),
            "encoder.sha256": self.sha256,
        }


def champion(family: str) -> str:
    """Return the address of a family's champion."""
    return f"models:/{ENCODER_NAMES[family]}@champion"


@functools.lru_cache(maxsize=8)
def resolve_encoder(uri: str, folder: str | None = None) -> Encoder:
    """Return the encoder that a registry address or a folder means; once per process.

    Parameters
    ----------
    uri : str
        ``models:/NAME@ALIAS``, ``models:/NAME/VERSION`` or a folder of the project.
    folder : str, optional
        Where the bytes of a registered encoder go.

    Raises
    ------
    TrackingError
        If the registry has no such model, version or alias, or the bytes do not match their digest.
    """
    from colliderfm.tracking.registry import resolve

    if uri.startswith("models:/"):
        ensure_shipped_encoder()
    else:
        uri = str(project_root() / uri)
    model = resolve(uri, Path(folder) if folder else None)
    variant = read_variant(model.folder)
    return Encoder(model.name, model.version or 0, model.sha256, variant, str(model.folder))


def load_encoder(uri: str) -> torch.nn.Module:
    """Return a pretrained encoder, ready for a decoder of your own.

    Parameters
    ----------
    uri : str
        ``models:/event-encoder@champion``, ``models:/spectrum-encoder@champion``, a version, or a
        folder with the files of one.

    Returns
    -------
    EventEncoder or SpectrumEncoder
        A ``torch.nn.Module``. Events: ``encoder(batch)`` gives object tokens (B, N, D) and an event
        token (B, D). Spectra: ``encoder(values)`` maps (B, bins) in pb/GeV to a latent (B, D). Scales
        are part of it, so inputs come in raw units.
    """
    from colliderfm.models.model_folder import CONFIG_FILE
    from colliderfm.models.spectrum_files import FAMILY, load_spectrum_encoder
    from colliderfm.models.weights import load_encoder as load_event_encoder

    folder = Path(resolve_encoder(uri).folder)
    config = folder / CONFIG_FILE
    content = json.loads(config.read_text(encoding="utf-8")) if config.is_file() else {}
    if content.get("family") == FAMILY:
        return load_spectrum_encoder(folder)
    return load_event_encoder(folder)


def read_variant(folder: Path) -> str:
    """Return the pretraining variant that the card data of an encoder names."""
    path = Path(folder) / "pretraining.json"
    content = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return str(content.get("variant", "unknown"))


def ensure_shipped_encoder() -> None:
    """Register each shipped encoder as version 1 and champion where the registry is empty."""
    from colliderfm.tracking.registry import ensure_shipped

    for name in ENCODER_NAMES.values():
        folder = project_root() / "starter" / "encoders" / name
        if (folder / "model.safetensors").is_file():
            ensure_shipped(folder, name, aliases=[read_variant(folder)])
