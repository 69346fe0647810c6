"""Cross-entropy of each event, with events that belong to no class left out."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from colliderfm.losses.reduce import at_least_single


def cross_entropy_per_event(
    logits_BC: Tensor, target_B: Tensor, class_weights_C: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Return -log p(true class) of each event.

    Parameters
    ----------
    logits_BC : Tensor, shape (B, C)
        Unnormalized log-probabilities.
    target_B : Tensor, shape (B,), int64
        True class; -1 = none of the classes.
    class_weights_C : Tensor, shape (C,), optional
        Factor on the loss of each true class.

    Returns
    -------
    tuple of Tensor
        Loss (B,), zero where the class is -1, and validity (B,), True = the event has a class.
    """
    is_valid_B = target_B >= 0
    values_B = functional.cross_entropy(
        at_least_single(logits_BC),
        target_B,
        weight=class_weights_C,
        ignore_index=-1,
        reduction="none",
    )
    return torch.where(is_valid_B, values_B, torch.zeros_like(values_B)), is_valid_B
