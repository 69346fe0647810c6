"""Pairs of spectra as tensors, with what the objectives of a pretraining compare them with."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor


@dataclass(frozen=True)
class ReplicaBatch:
    """P pairs of replicas; Q further spectra for each two-way choice.

    Parameters
    ----------
    first, second : Tensor, shape (P, B), pb/GeV, float32
        Replicas of two universes.
    is_same : Tensor, shape (P,), bool
        True = of one universe.
    universe : Tensor, shape (P,), int64
        Universe of the first.
    mean : Tensor, shape (P, B), pb/GeV, float32
        Spectrum of the first universe without noise.
    distance : Tensor, shape (P, P) or (0, 0), float32
        Mahalanobis distance of each first universe from each second one.
    directions : Tensor, shape (P, K), float32
        Coefficients of the first universe along the identifiable directions, unit spread.
    truncation : Tensor, shape (Q, B), pb/GeV, float32
        Replicas of universes at linear or quadratic order; none if not asked for.
    is_quadratic : Tensor, shape (Q,), bool
        Their order.
    densities : Tensor, shape (Q, B), pb/GeV, float32
        Replicas of the Standard Model with other parton densities, and of universes.
    is_new_physics : Tensor, shape (Q,), bool
        True = of a universe.
    """

    first: Tensor
    second: Tensor
    is_same: Tensor
    universe: Tensor
    mean: Tensor
    distance: Tensor
    directions: Tensor
    truncation: Tensor
    is_quadratic: Tensor
    densities: Tensor
    is_new_physics: Tensor

    def __len__(self) -> int:
        return len(self.first)

    def to(self, device: torch.device) -> ReplicaBatch:
        """Return the batch on a device."""
        return ReplicaBatch(
            **{item.name: getattr(self, item.name).to(device) for item in fields(self)}
        )
