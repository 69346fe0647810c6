"""From per-event losses to one number: events a loss does not apply to, and event weights."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


def at_least_single(values: Tensor) -> Tensor:
    """Return half-precision values in single precision and others as they are.

    Softmax and logarithms need it under mixed precision; a network in double precision stays in it.
    """
    return values.to(torch.promote_types(values.dtype, torch.float32))


def spread_over_batch(
    values_B: Tensor, is_valid_B: Tensor, valid_share: Tensor | None = None
) -> Tensor:
    """Scale per-event values so that their plain batch mean is the mean over the valid events.

    Parameters
    ----------
    values_B : Tensor, shape (B,)
        Loss of each event.
    is_valid_B : Tensor, shape (B,), bool
        True = the loss applies to the event.
    valid_share : Tensor, shape (), optional
        Share of valid events in the batch that these events are a part of; that of these events by
        default.

    Returns
    -------
    Tensor, shape (B,)
        ``value · B / n_valid`` for valid events, else 0; all zero if no event is valid.
    """
    own = len(values_B) / is_valid_B.sum().clamp(min=1)
    scale = own if valid_share is None else 1.0 / valid_share
    return torch.where(is_valid_B, values_B * scale, torch.zeros_like(values_B))


def weighted_total(
    losses: Mapping[str, Tensor],
    loss_weights: Mapping[str, float] | None = None,
    event_weights_B: Tensor | None = None,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Reduce named per-event losses to one scalar.

    Parameters
    ----------
    losses : mapping of str to Tensor, shape (B,)
        Per-event losses by name.
    loss_weights : mapping of str to float, optional
        Weight of each name in the total, 1 where absent; 0 leaves the loss out.
    event_weights_B : Tensor, shape (B,), optional
        Event weights; normalized to a mean absolute value of one, so that negative weights are
        allowed.

    Returns
    -------
    tuple of Tensor and dict
        Total, and the detached mean of every loss by name.
    """
    loss_weights = loss_weights or {}
    means = {name: _mean(values_B, event_weights_B) for name, values_B in losses.items()}
    terms = [loss_weights.get(name, 1.0) * mean for name, mean in means.items()]
    return torch.stack(terms).sum(), {name: mean.detach() for name, mean in means.items()}


def _mean(values_B: Tensor, event_weights_B: Tensor | None) -> Tensor:
    """Return the plain or weighted mean."""
    if event_weights_B is None:
        return values_B.mean()
    return (values_B * event_weights_B).sum() / event_weights_B.abs().sum().clamp(min=1e-12)
