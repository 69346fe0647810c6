"""Study smeft: the arms of a comparison, and how one is kept on disk.

They differ by the map from a spectrum to a latent: ``pretrained`` and ``untrained`` freeze a network,
``scratch`` trains it with the head, ``lda`` and ``pca`` are linear, ``bayes`` keeps all bins in units
of the noise and knows the means. Everything after the latent is the same for all.
Read next: ``testing.py``.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file as load_arrays
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import load_file, save_file

from colliderfm.baselines.linear_embeddings import LinearEmbedding, fit_lda, fit_pca
from colliderfm.errors import CheckpointError
from colliderfm.models.spectrum_files import load_spectrum_encoder, save_spectrum_encoder
from colliderfm.models.spectrum_model import SpectrumEncoder
from colliderfm.physics.identifiability import noise_whitener
from colliderfm.studies.smeft.data import LabeledReplicas, SmeftData
from colliderfm.studies.smeft.heads import DirichletHead

ARM_FILE, LINEAR_FILE, HEADS_FILE = "arm.json", "linear.safetensors", "heads.safetensors"
_CHUNK = 8192


@dataclass(frozen=True)
class Arm:
    """A trained arm.

    Parameters
    ----------
    init : str
        Its name.
    embedding : SpectrumEncoder or LinearEmbedding
        Spectra to latents.
    head : DirichletHead or None
        Dirichlet over all seen universes; ``bayes`` has none.
    held_out_head : DirichletHead or None
        Dirichlet over the universes without the held-out operators.
    """

    init: str
    embedding: SpectrumEncoder | LinearEmbedding
    head: DirichletHead | None = None
    held_out_head: DirichletHead | None = None

    def embed(self, values: np.ndarray) -> np.ndarray:
        """Return the latents (N, D), float32, of spectra (N, B) in pb/GeV."""
        return embed_spectra(self.embedding, values)

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the map: arms with the same one give the same latents."""
        return fingerprint(self.embedding)

    def save(self, folder: Path, card: str) -> None:
        """Write everything that ``load_arm`` needs, and a card."""
        folder.mkdir(parents=True, exist_ok=True)
        if isinstance(self.embedding, SpectrumEncoder):
            save_spectrum_encoder(folder, self.embedding, card)
        else:
            _save_linear(folder, self.embedding)
            (folder / "card.md").write_text(card, encoding="utf-8")
        heads = {"head": self.head, "held_out_head": self.held_out_head}
        shapes = {
            name: [head.n_universes, head.latent, head.concentration]
            for name, head in heads.items()
            if head is not None
        }
        tensors = {
            f"{name}.{key}": tensor.contiguous()
            for name, head in heads.items()
            if head is not None
            for key, tensor in head.state_dict().items()
        }
        if tensors:
            save_file(tensors, folder / HEADS_FILE)
        content = {"init": self.init, "heads": shapes}
        (folder / ARM_FILE).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def fingerprint(embedding: SpectrumEncoder | LinearEmbedding) -> str:
    """Return a digest of the numbers that decide what a map does."""
    parts = (
        {name: tensor.numpy() for name, tensor in embedding.state_dict().items()}
        if isinstance(embedding, SpectrumEncoder)
        else _arrays_of(embedding)
    )
    digest = hashlib.sha256()
    for name, values in parts.items():
        digest.update(name.encode() + np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def embed_spectra(embedding: SpectrumEncoder | LinearEmbedding, values: np.ndarray) -> np.ndarray:
    """Map spectra to latents.

    Parameters
    ----------
    embedding : SpectrumEncoder or LinearEmbedding
        The map; a network is used in evaluation mode and left as it was.
    values : ndarray, shape (N, B), pb/GeV
        Spectra.

    Returns
    -------
    ndarray, shape (N, D), float32
        Latents.
    """
    if isinstance(embedding, LinearEmbedding):
        return embedding.transform(values).astype(np.float32)
    was_training = embedding.training
    embedding.eval()
    whole = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
    with torch.no_grad():
        starts = range(0, len(whole), _CHUNK)
        latent = torch.cat([embedding(whole[first : first + _CHUNK]) for first in starts])
    embedding.train(was_training)
    return np.asarray(latent.numpy())


def linear_embedding(
    init: str, data: SmeftData, labeled: LabeledReplicas, width: int
) -> LinearEmbedding:
    """Fit a linear arm.

    Parameters
    ----------
    init : str
        ``lda`` on the labeled replicas, ``pca`` on their whitened values, or ``bayes``: no
        reduction, all bins in units of the noise.
    data : SmeftData
        Standard Model and noise.
    labeled : LabeledReplicas
        Labeled training replicas.
    width : int
        Latent dimensions D; not used by ``bayes``.

    Returns
    -------
    LinearEmbedding

    Raises
    ------
    PhysicsError
        If there are too few replicas for the dimensions.
    """
    if init == "lda":
        return fit_lda(labeled.values, labeled.universe, width, data.sigma)
    whitener = noise_whitener(data.covariance)
    if init == "pca":
        return fit_pca(labeled.values, width, whitener)
    return LinearEmbedding("bins", data.sm, whitener, np.ones(whitener.shape[1]))


def load_arm(folder: Path) -> Arm:
    """Read what ``Arm.save`` wrote.

    Parameters
    ----------
    folder : path
        Its folder.

    Returns
    -------
    Arm

    Raises
    ------
    CheckpointError
        If a file is missing, broken or does not fit the others.
    """
    content = _read_arm(folder / ARM_FILE)
    is_linear = (folder / LINEAR_FILE).is_file()
    embedding = _load_linear(folder) if is_linear else load_spectrum_encoder(folder)
    heads: dict[str, DirichletHead] = {}
    if content["heads"]:
        tensors = _read_tensors(folder / HEADS_FILE)
        for name, (n_universes, latent, concentration) in content["heads"].items():
            head = DirichletHead(int(n_universes), int(latent), float(concentration))
            prefix = f"{name}."
            state = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
            try:
                head.load_state_dict(state)
            except RuntimeError as err:
                raise CheckpointError(f"{folder / HEADS_FILE}: {name}", got=str(err)) from err
            heads[name] = head.eval()
    return Arm(content["init"], embedding, heads.get("head"), heads.get("held_out_head"))


def _read_arm(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {"init": str(content["init"]), "heads": dict(content["heads"])}
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise CheckpointError(
            f"{path} does not describe an arm of the study",
            got=repr(err),
            need="a model that finetune of this study made",
        ) from err


def _read_tensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as err:
        raise CheckpointError(f"{path} cannot be read", got=str(err)) from err


def _save_linear(folder: Path, embedding: LinearEmbedding) -> None:
    save_arrays(_arrays_of(embedding), folder / LINEAR_FILE)


def _arrays_of(embedding: LinearEmbedding) -> dict[str, np.ndarray]:
    names = ("center", "matrix", "explained")
    return {name: np.ascontiguousarray(getattr(embedding, name)) for name in names}


def _load_linear(folder: Path) -> LinearEmbedding:
    try:
        arrays = load_arrays(folder / LINEAR_FILE)
        return LinearEmbedding(
            "linear", *(arrays[name] for name in ("center", "matrix", "explained"))
        )
    except (OSError, SafetensorError, KeyError) as err:
        raise CheckpointError(f"{folder / LINEAR_FILE} cannot be read", got=str(err)) from err
