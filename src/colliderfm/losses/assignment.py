"""Losses of the assignment head: the true tuples of objects, and how many can be matched at all."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from colliderfm.losses.reduce import at_least_single


def tuple_nll_per_event(
    log_probability_ER: Tensor, is_matchable_ER: Tensor
) -> tuple[Tensor, Tensor]:
    """Average -log p(true tuple) over the matchable resonances of each event.

    Parameters
    ----------
    log_probability_ER : Tensor, shape (E, R)
        Log-probability of the true tuple of each resonance; ignored where not matchable.
    is_matchable_ER : Tensor, shape (E, R), bool
        True = every visible daughter has an object.

    Returns
    -------
    tuple of Tensor
        Loss (E,), zero without a matchable resonance, and validity (E,), True = at least one.
    """
    zero = torch.zeros_like(log_probability_ER)
    total_E = torch.where(is_matchable_ER, -log_probability_ER, zero).sum(dim=1)
    n_matchable_E = is_matchable_ER.sum(dim=1)
    return total_E / n_matchable_E.clamp(min=1), n_matchable_E > 0


def survival_loss_per_event(survival_logits_BK: Tensor, count_B: Tensor) -> Tensor:
    """Return the binary cross-entropy of the statements "at least k", averaged over k = 1..K.

    Parameters
    ----------
    survival_logits_BK : Tensor, shape (B, K)
        Logit of P(count >= k) for k = 1..K.
    count_B : Tensor, shape (B,), int64
        True count.

    Returns
    -------
    Tensor, shape (B,)
        Mean cross-entropy of each event.
    """
    logits_BK = at_least_single(survival_logits_BK)
    threshold_K = torch.arange(1, survival_logits_BK.shape[1] + 1, device=count_B.device)
    target_BK = (count_B[:, None] >= threshold_K).to(logits_BK.dtype)
    return functional.binary_cross_entropy_with_logits(logits_BK, target_BK, reduction="none").mean(
        dim=1
    )
