"""What a spectrum encoder is pretrained on: pairs of replicas, and further objectives.

Batches are duck-typed: any object with the attributes of ``data.replica_batch.ReplicaBatch`` will do.
Every objective returns one loss per item; their means are added with weights, 0 = not computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from colliderfm.losses.contrastive import distance_stress, pair_loss, same_universe_loss
from colliderfm.models.spectrum_model import SpectrumModel

VARIANTS = ("contrastive", "distance")
OBJECTIVES = ("decoder", "masked_bins", "directions", "truncation", "densities")
MASKED_SHARE = 0.3
STRESS_WEIGHT = 0.3
# Errors above one sigma count linearly: bins far from the Standard Model are no outliers.
_HUBER_BETA = 1.0


def pretraining_losses(
    model: SpectrumModel,
    batch: Any,
    *,
    variant: str,
    margin: float,
    weights: Mapping[str, float],
) -> dict[str, Tensor]:
    """Return the losses of a batch by name, each a mean.

    Parameters
    ----------
    model : SpectrumModel
        With a head for each further objective in use.
    batch : ReplicaBatch
        Pairs, and what the further objectives need.
    variant : str
        ``contrastive``: pair loss of the source study; ``distance``: find the replica of the same
        universe by distance, and distances that follow those between the noise-free spectra.
    margin : float
        Margin of the pair loss.
    weights : mapping of str to float
        Weight of each of ``OBJECTIVES``; those of weight 0 are left out.

    Returns
    -------
    dict of str to Tensor
        Scalars; the first is that of the pairs.
    """
    both = model(torch.cat([batch.first, batch.second]))
    first, second = both[: len(batch)], both[len(batch) :]
    if variant == "contrastive":
        losses = {"pairs": pair_loss(first, second, batch.is_same, margin).mean()}
    else:
        found = same_universe_loss(first, second, batch.universe).mean()
        stress = distance_stress(first, second, batch.distance).mean()
        losses = {"same_universe": found, "stress": STRESS_WEIGHT * stress}
    terms = {
        "decoder": lambda: _decoder(model, batch, first),
        "masked_bins": lambda: _masked_bins(model, batch),
        "directions": lambda: _directions(model, batch, first),
        "truncation": lambda: _choice(model, "truncation", batch.truncation, batch.is_quadratic),
        "densities": lambda: _choice(model, "densities", batch.densities, batch.is_new_physics),
    }
    for name in OBJECTIVES:
        if weights.get(name, 0.0) > 0.0:
            losses[name] = weights[name] * terms[name]()
    return losses


def _decoder(model: SpectrumModel, batch: Any, latent: Tensor) -> Tensor:
    """Noise-free spectrum of the universe from the latent of a replica, in noise units."""
    target = model.encoder.scaling.noise_units(batch.mean)
    return functional.smooth_l1_loss(model.heads["decoder"](latent), target, beta=_HUBER_BETA)


def _masked_bins(model: SpectrumModel, batch: Any) -> Tensor:
    """Bins that the encoder saw at their Standard-Model value, from the latent of the others."""
    is_masked = torch.rand_like(batch.first) < MASKED_SHARE
    scaling = model.encoder.scaling
    visible = torch.where(is_masked, scaling.sm, batch.first)
    guess = model.heads["masked_bins"](model(visible))
    error = functional.smooth_l1_loss(
        guess, scaling.noise_units(batch.first), beta=_HUBER_BETA, reduction="none"
    )
    return (error * is_masked).sum() / is_masked.sum().clamp(min=1)


def _directions(model: SpectrumModel, batch: Any, latent: Tensor) -> Tensor:
    """Coefficients along the identifiable directions, in units of their spread."""
    return functional.smooth_l1_loss(model.heads["directions"](latent), batch.directions)


def _choice(model: SpectrumModel, name: str, values: Tensor, label: Tensor) -> Tensor:
    """Two-way choice from the latent of a spectrum."""
    logit = model.heads[name](model(values))[:, 0]
    return functional.binary_cross_entropy_with_logits(logit, label.float())


def kernel_penalty(model: SpectrumModel) -> Tensor:
    """Return the sum of squared weights of the hidden layers (the L2 term of the source study)."""
    kernels: list[Tensor] = model.encoder.network.kernels()  # type: ignore[operator]
    return torch.stack([kernel.square().sum() for kernel in kernels]).sum()
