"""What a spectrum pretraining minimizes, and the network and the batches that its settings mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from colliderfm.config.schema import Params, SpectrumPretraining
from colliderfm.data.replica_batch import ReplicaBatch
from colliderfm.data.replica_corpus import ReplicaCorpus
from colliderfm.data.replica_pairs import PairSettings, ReplicaPairs
from colliderfm.models.spectrum_model import (
    SpectrumEncoderSettings,
    SpectrumModel,
    build_spectrum_model,
)
from colliderfm.models.spectrum_normalization import corpus_normalization
from colliderfm.models.spectrum_objectives import OBJECTIVES, kernel_penalty, pretraining_losses

VALIDATION_BATCHES = 2


@dataclass
class SpectrumPretrainingTask:
    """Loss and validation of spectrum pretraining (a ``train.protocols.Task``)."""

    model: SpectrumModel
    settings: SpectrumPretraining
    validation: Sequence[ReplicaBatch]
    unseen: Sequence[ReplicaBatch]

    def loss(self, batch: Any) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Return the total loss of a batch and its parts, the L2 penalty apart."""
        parts = self._parts(batch)
        total = torch.stack(list(parts.values())).sum()
        if self.settings.l2 > 0.0:
            parts["l2"] = self.settings.l2 * kernel_penalty(self.model)
            total = total + parts["l2"]
        return total, {name: part.detach() for name, part in parts.items()}

    def validate(self) -> dict[str, float]:
        """Return the losses of fixed validation batches, by replica and by universe.

        The L2 penalty is left out: it would drown the task.
        """
        metrics = {"val/loss": 0.0, "val/unseen_loss": 0.0}
        for name, batches in (("val/loss", self.validation), ("val/unseen_loss", self.unseen)):
            for batch in batches:
                parts = self._parts(batch.to(next(self.model.parameters()).device))
                metrics[name] += float(sum(float(part) for part in parts.values())) / len(batches)
        return metrics

    def _parts(self, batch: Any) -> dict[str, torch.Tensor]:
        return pretraining_losses(
            self.model,
            batch,
            variant=self.settings.variant,
            margin=self.settings.margin,
            weights=objective_weights(self.settings),
        )


def objective_weights(settings: SpectrumPretraining) -> dict[str, float]:
    """Return the weight of each further objective."""
    return {name: getattr(settings, f"{name}_weight") for name in OBJECTIVES}


def initial_model(
    params: Params, tables: ReplicaCorpus, seed: int, n_directions: int = 1
) -> SpectrumModel:
    """Build the network of a pretraining before its first update.

    Parameters
    ----------
    params : Params
        ``pretrain.spectrum`` and ``model.spectrum``.
    tables : ReplicaCorpus
        Decides the scales of the inputs.
    seed : int
        Initial weights.
    n_directions : int
        Outputs of the regression on the identifiable directions.

    Returns
    -------
    SpectrumModel
        In training mode.
    """
    settings = params.pretrain.spectrum
    torch.manual_seed(seed)
    weights = objective_weights(settings)
    heads = {name: 1 for name in OBJECTIVES if weights[name] > 0.0}
    if "directions" in heads:
        heads["directions"] = n_directions
    shape = SpectrumEncoderSettings(**params.model.spectrum.model_dump())
    return build_spectrum_model(shape, corpus_normalization(tables, settings.task), heads)


def pair_settings(settings: SpectrumPretraining, universes: str = "") -> PairSettings:
    """Return what a batch of a pretraining holds."""
    is_distance = settings.variant == "distance"
    default = "fresh" if settings.fresh_universes else "seen"
    return PairSettings(
        task=settings.task,
        batch_size=settings.batch_size,
        # Losses over all pairs of a batch find the unequal ones there.
        positive_fraction=1.0 if is_distance else settings.positive_fraction,
        universes=universes or default,  # type: ignore[arg-type]
        distances=is_distance,
        truncation=settings.truncation_weight > 0.0,
        densities=settings.densities_weight > 0.0,
    )


def fixed_batches(
    tables: ReplicaCorpus, settings: SpectrumPretraining, universes: str
) -> list[ReplicaBatch]:
    """Draw the validation batches of some universes, the same for every seed."""
    stream = tables.settings.stream_seed(settings.task, f"validation-{universes}")
    pairs = ReplicaPairs(tables, pair_settings(settings, universes), stream)
    return [pairs.batch(index) for index in range(VALIDATION_BATCHES)]
