"""Smooth-L1 loss of the quantities of resonances, the same under exchange of equal resonances.

Shape letters: B events, R resonances, Q quantities, P orders.
"""

from __future__ import annotations

import itertools
from functools import lru_cache

import torch
from torch import Tensor

from colliderfm.errors import DataError

# All orders are tried at once: R! of them.
MAX_RESONANCES = 7


def exchanged_loss_per_event(
    predicted_BRQ: Tensor, target_BRQ: Tensor, kind_BR: Tensor, is_valid_BR: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the smooth-L1 loss of each event under the best exchange of equal resonances.

    Parameters
    ----------
    predicted_BRQ, target_BRQ : Tensor, shape (B, R, Q), dimensionless
        Standardized quantities.
    kind_BR : Tensor, shape (B, R), int64
        Resonances of equal kind may be exchanged.
    is_valid_BR : Tensor, shape (B, R), bool
        True = the target exists. Others cost nothing.

    Returns
    -------
    tuple of Tensor
        Mean over the valid resonances and their quantities (B,), zero without any, and validity
        (B,), True = at least one.

    Raises
    ------
    DataError
        For more than 7 resonances.
    """
    with torch.no_grad():
        cost_BRR = _smooth_l1(predicted_BRQ[:, :, None], target_BRQ[:, None])
        cost_BRR = cost_BRR * is_valid_BR[:, None]
        order_BR = best_exchange(cost_BRR, kind_BR)
    ordered_BRQ = target_BRQ.gather(1, order_BR[..., None].expand_as(target_BRQ))
    is_valid_BR = is_valid_BR.gather(1, order_BR)
    values_BR = _smooth_l1(predicted_BRQ, ordered_BRQ)
    total_B = torch.where(is_valid_BR, values_BR, torch.zeros_like(values_BR)).sum(dim=1)
    n_valid_B = is_valid_BR.sum(dim=1)
    return total_B / n_valid_B.clamp(min=1), n_valid_B > 0


def best_exchange(cost_BRR: Tensor, kind_BR: Tensor) -> Tensor:
    """Return the cheapest one-to-one choice of targets among resonances of equal kind.

    Parameters
    ----------
    cost_BRR : Tensor, shape (B, R, R)
        Cost of prediction i (axis 1) for target j (axis 2), finite.
    kind_BR : Tensor, shape (B, R), int64
        Kind of each resonance.

    Returns
    -------
    Tensor, shape (B, R), int64
        Target of each prediction; the given order where nothing is cheaper.

    Raises
    ------
    DataError
        For more than 7 resonances.
    """
    n_resonances = kind_BR.shape[1]
    if n_resonances > MAX_RESONANCES:
        raise DataError(
            "resonances in one event", got=n_resonances, need=f"at most {MAX_RESONANCES}"
        )
    order_PR = _orders(n_resonances, kind_BR.device)
    is_equal_BRR = kind_BR[:, :, None] == kind_BR[:, None, :]
    allowed_BRR = cost_BRR.masked_fill(~is_equal_BRR, torch.inf)
    total_BP = allowed_BRR[:, order_PR[0], order_PR].sum(dim=2)
    return order_PR[total_BP.argmin(dim=1)]


@lru_cache
def _orders(n_resonances: int, device: torch.device) -> Tensor:
    """Return all orders of R resonances, (P, R), the given one first."""
    return torch.tensor(list(itertools.permutations(range(n_resonances))), device=device)


def _smooth_l1(predicted_XQ: Tensor, target_XQ: Tensor) -> Tensor:
    """Return the smooth-L1 loss, mean over the last axis."""
    distance_XQ = (predicted_XQ - target_XQ).abs()
    values_XQ = torch.where(distance_XQ < 1.0, 0.5 * distance_XQ.square(), distance_XQ - 0.5)
    return values_XQ.mean(dim=-1)
