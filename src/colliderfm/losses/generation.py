"""Losses of the generating heads: mean squared error on v, cross-entropy of categories."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from colliderfm.losses.reduce import at_least_single


def velocity_loss_per_event(
    predicted_BNF: Tensor, target_BNF: Tensor, mask_BN: Tensor
) -> tuple[Tensor, Tensor]:
    """Average the squared error on v over the tokens that are generated, and over features.

    Parameters
    ----------
    predicted_BNF, target_BNF : Tensor, shape (B, N, F)
        Velocities.
    mask_BN : Tensor, shape (B, N), bool
        True = the token is generated. What the others hold does not matter.

    Returns
    -------
    tuple of Tensor
        Loss (B,), zero without a token, and validity (B,), True = at least one token.
    """
    difference_BNF = at_least_single(predicted_BNF) - target_BNF
    squared_BN = difference_BNF.square().mean(dim=-1)
    return _mean_over_tokens(squared_BN, mask_BN)


def category_loss_per_event(logits_BNC: Tensor, category_BN: Tensor) -> tuple[Tensor, Tensor]:
    """Average the cross-entropy over the tokens whose category is asked for.

    Parameters
    ----------
    logits_BNC : Tensor, shape (B, N, C)
        Unnormalized log-probabilities.
    category_BN : Tensor, shape (B, N), int64
        True category; -1 = not asked.

    Returns
    -------
    tuple of Tensor
        Loss (B,), zero without such a token, and validity (B,), True = at least one.
    """
    values_BN = functional.cross_entropy(
        at_least_single(logits_BNC).flatten(0, 1),
        category_BN.flatten(),
        ignore_index=-1,
        reduction="none",
    ).view(category_BN.shape)
    return _mean_over_tokens(values_BN, category_BN >= 0)


def _mean_over_tokens(values_BN: Tensor, mask_BN: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean over the tokens of the mask (B,) and whether there are any (B,)."""
    kept_BN = torch.where(mask_BN, values_BN, torch.zeros_like(values_BN))
    n_tokens_B = mask_BN.sum(dim=1)
    return kept_BN.sum(dim=1) / n_tokens_B.clamp(min=1), n_tokens_B > 0
