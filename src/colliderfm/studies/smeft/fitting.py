"""Study smeft: batches, loss and validation of a Dirichlet head, alone or with its encoder.

A frozen encoder is applied once, so an update costs no more than the head. Validation looks at
replicas of the seen universes from a stream of their own. Read next: ``training.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from colliderfm.config.schema import Params
from colliderfm.studies.protocol import Cell
from colliderfm.studies.smeft.data import LabeledReplicas
from colliderfm.studies.smeft.heads import DirichletHead, log_losses
from colliderfm.train.loop import fit
from colliderfm.train.protocols import Tracker
from colliderfm.train.settings import FitResult, FitSettings


@dataclass(frozen=True)
class ReplicaBatch:
    """Labeled replicas and spectra from off the manifold.

    Parameters
    ----------
    values : Tensor, shape (N, B or D)
        Spectra, or latents of a frozen encoder.
    universe : Tensor, shape (N,), int
        Labels.
    off_manifold : Tensor, shape (M, B or D)
        Spectra or latents that belong to no universe.
    """

    values: Tensor
    universe: Tensor
    off_manifold: Tensor

    def __len__(self) -> int:
        return len(self.universe)

    def to(self, device: torch.device) -> ReplicaBatch:
        """Return the batch on a device."""
        return ReplicaBatch(*(part.to(device) for part in vars(self).values()))


@dataclass
class ReplicaBatches:
    """Endless batches; batch k depends on (seed, k) alone (a ``train.protocols.BatchLoader``).

    Parameters
    ----------
    values : ndarray, shape (n, B or D), float32
        Inputs.
    universe : ndarray, shape (n,), int
        Labels.
    off_manifold : ndarray, shape (m, B or D), float32
        Inputs that belong to no universe.
    batch_size : int
        Replicas of a batch; at most n are used.
    seed : int
        Seed of the order.
    """

    values: np.ndarray
    universe: np.ndarray
    off_manifold: np.ndarray
    batch_size: int
    seed: int
    position: int = 0

    def __iter__(self) -> Iterator[ReplicaBatch]:
        """Iterate from the present position."""
        size = min(self.batch_size, len(self.universe))
        per_epoch = len(self.universe) // size
        while True:
            epoch, number = divmod(self.position, per_epoch)
            order = np.random.default_rng([self.seed, epoch]).permutation(len(self.universe))
            rows = order[number * size : (number + 1) * size]
            rng = np.random.default_rng([self.seed, epoch, number])
            off = rng.integers(len(self.off_manifold), size=min(size, len(self.off_manifold)))
            self.position += 1
            yield ReplicaBatch(
                torch.from_numpy(self.values[rows]),
                torch.from_numpy(self.universe[rows]),
                torch.from_numpy(self.off_manifold[off]),
            )

    def state_dict(self) -> dict[str, Any]:
        """Return the number of batches taken."""
        return {"position": self.position}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Move to a position."""
        self.position = int(state["position"])


class UniverseClassifier(nn.Module):
    """An encoder, or nothing before a frozen latent, and a Dirichlet head.

    Parameters
    ----------
    encoder : torch.nn.Module
        Inputs to latents (N, D).
    head : DirichletHead
        Latents to a Dirichlet.
    """

    def __init__(self, encoder: nn.Module, head: DirichletHead) -> None:
        super().__init__()
        self.encoder, self.head = encoder, head

    def forward(self, values: Tensor) -> Tensor:
        """Return the parameters of the Dirichlet, shape (N, U)."""
        return self.head.parameters_of(self.encoder(values))


@dataclass
class UniverseTask:
    """Loss and validation (a ``train.protocols.Task``).

    Parameters
    ----------
    model : UniverseClassifier
        The model that is trained.
    validation : LabeledReplicas
        Inputs and labels of validation.
    off_manifold_weight : float
        Loss weight of spectra from off the manifold.
    """

    model: UniverseClassifier
    validation: LabeledReplicas
    off_manifold_weight: float

    def loss(self, batch: ReplicaBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a batch and its parts."""
        encoder = self.model.encoder
        latent = encoder(batch.values)
        # Running means of a batch normalization belong to the replicas alone.
        was_training = encoder.training
        encoder.eval()
        off_manifold = encoder(batch.off_manifold)
        encoder.train(was_training)
        parts = self.model.head.losses(latent, batch.universe, off_manifold)
        return parts["known"] + self.off_manifold_weight * parts["off_manifold"], parts

    def validate(self) -> dict[str, float]:
        """Return ``val/log_loss`` of the mean probabilities and ``val/universe_accuracy``."""
        values = torch.from_numpy(self.validation.values)
        universe = torch.from_numpy(self.validation.universe)
        alpha = self.model(values)
        loss = log_losses(alpha, universe).mean()
        accuracy = (alpha.argmax(dim=1) == universe).float().mean()
        return {"val/log_loss": float(loss), "val/universe_accuracy": float(accuracy)}


def fit_classifier(
    params: Params,
    cell: Cell,
    model: UniverseClassifier,
    batches: ReplicaBatches,
    validation: LabeledReplicas,
    folder: Path,
    tracker: Tracker | None,
) -> FitResult:
    """Train the trainable parameters of a model, resumable in a folder.

    Parameters
    ----------
    params : Params
        ``studies.smeft`` holds the settings.
    cell : Cell
        Arm and seed.
    model : UniverseClassifier
        Trained in place; left with the weights of the best validation.
    batches : ReplicaBatches
        Training data.
    validation : LabeledReplicas
        Validation data, in the same inputs.
    folder : path
        Holds the checkpoint.
    tracker : Tracker or None
        Receives the metrics.

    Returns
    -------
    FitResult
    """
    settings = params.studies.smeft
    rates = settings.learning_rates("scratch" if cell.init == "scratch" else "pretrained")
    task = UniverseTask(model, validation, settings.off_manifold_weight)
    fit_settings = FitSettings(
        max_updates=settings.max_updates,
        validate_every=settings.validate_every,
        monitor="val/log_loss",
        mode="min",
        patience=settings.patience,
        encoder_learning_rate=rates.encoder_learning_rate,
        head_learning_rate=rates.head_learning_rate,
        weight_decay=settings.weight_decay,
        warmup_updates=settings.warmup_updates,
        ema_decay=settings.ema_decay,
        clip_norm=settings.clip_norm,
        precision="fp32",
        device=params.compute.device,
        checkpoint_every=10 * settings.validate_every,
        seed=cell.seed,
    )
    return fit(
        model,
        task,
        batches,
        fit_settings,
        tracker=tracker,
        checkpoint_folder=folder,
        progress=cell.name,
    )
