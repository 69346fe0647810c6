"""One batch in several passes: parts whose gradients add up to that of the whole.

What memory a training needs is set by one pass, not by the batch. Events are sorted by length first,
so a part is padded to its own longest event only. Three things make the sum exact: every part is
weighted with its share of the event weights; losses that are means over some of the events (those with
a neutrino, say) take the share of such events from the whole batch; what is noised and hidden is drawn
for all parts before the first one. Other draws (dropout, diffusion times) are made in each part.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from colliderfm.data.event_batch import EventBatch, PartOfBatch
from colliderfm.models.event_model import EventModel


def parts_of(
    model: EventModel,
    batch: EventBatch,
    n_events: int,
    heads: Collection[str] | None = None,
    *,
    masked_fraction: float = 1.0,
) -> list[tuple[EventBatch, Tensor]]:
    """Cut a batch into parts of nearly equal size.

    Parameters
    ----------
    model : EventModel
        Its heads say which events their losses apply to. A head without ``valid_events`` must have
        a loss that is a plain mean over all events.
    batch : EventBatch
        B events on the device of the model.
    n_events : int
        Most events of a part.
    heads : collection of str, optional
        Heads that will run; all by default.
    masked_fraction : float
        As for the call of the model.

    Returns
    -------
    list of tuple
        Part and its share of the absolute event weights: the sum over the parts of share times
        ``weighted_total`` is that of the whole batch.
    """
    order = batch.n_objects.argsort(descending=True, stable=True)
    n_parts = -(-len(batch) // n_events)
    pieces = [
        batch.map(lambda tensor, rows=rows: tensor[rows]).trimmed()
        for rows in order.tensor_split(n_parts)
    ]
    wanted = {name: head for name, head in model.heads.items() if heads is None or name in heads}
    noisy = {name for name, head in wanted.items() if getattr(head, "needs_noise", False)}
    drawn = [
        {name: wanted[name].draw(piece, masked_fraction) for name in noisy} for piece in pieces
    ]
    valid_share: dict[str, dict[str, Tensor]] = {}
    for name, head in wanted.items():
        if name in noisy:
            valid_share[name] = _share([own[name].valid_events() for own in drawn], len(batch))
        elif hasattr(head, "valid_events"):
            valid_share[name] = _share([head.valid_events(piece) for piece in pieces], len(batch))
    weight = batch.weight.abs().sum().clamp(min=1e-12)
    return [
        (replace(piece, part=PartOfBatch(valid_share, own)), piece.weight.abs().sum() / weight)
        for piece, own in zip(pieces, drawn, strict=True)
    ]


def _share(is_valid: Sequence[Mapping[str, Tensor]], n_events: int) -> dict[str, Tensor]:
    """Return the share of valid events over all parts, by name; of one event at least."""
    return {
        name: torch.stack([found[name].sum() for found in is_valid]).sum().clamp(min=1) / n_events
        for name in is_valid[0]
    }
