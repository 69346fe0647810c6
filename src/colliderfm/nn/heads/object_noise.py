"""What is drawn at random when objects are noised, and the objects that come of it.

Draws stand apart from what they are applied to: when a batch goes through the network in parts, how
many of its events have a hidden category must be known before the first part does.
Shape letters: B events, N object slots. Read next: ``cloud_features.py``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from colliderfm.nn import diffusion
from colliderfm.nn.heads.cloud_features import N_FEATURES, NoisedObjects, split_objects


class ObjectNoise(NamedTuple):
    """Draws of B events.

    Parameters
    ----------
    is_noised : Tensor, shape (B, N), bool
        True = the object is noised.
    is_hidden : Tensor, shape (B, N), bool
        True = its category is hidden, too.
    t : Tensor, shape (B,)
        Diffusion time of the noised objects of each event.
    noise : Tensor, shape (B, N, 5)
        Standard normal.
    """

    is_noised: Tensor
    is_hidden: Tensor
    t: Tensor
    noise: Tensor

    def valid_events(self) -> dict[str, Tensor]:
        """Return which events have a noised object and which a hidden category, (B,), bool."""
        return {"velocity": self.is_noised.any(dim=1), "category": self.is_hidden.any(dim=1)}


def choose_objects(mask: Tensor, fraction: float) -> Tensor:
    """Choose the objects to be noised, each with a probability and at least one per event.

    Parameters
    ----------
    mask : Tensor, shape (B, N), bool
        True = real object.
    fraction : float
        Probability; 1 chooses all.

    Returns
    -------
    Tensor, shape (B, N), bool
        True = chosen; nothing in an event without objects.
    """
    draw = torch.rand(mask.shape, device=mask.device).masked_fill(~mask, 2.0)
    lowest = torch.zeros_like(mask).scatter(1, draw.argmin(dim=1, keepdim=True), value=True)
    return ((draw < fraction) | lowest) & mask


def draw_noise(batch: Any, fraction: float) -> ObjectNoise:
    """Draw which objects are noised, when, by what, and which categories are hidden.

    Parameters
    ----------
    batch : EventBatch
        Gives ``mask`` and the type of its objects.
    fraction : float
        Probability of an object to be noised; at least one of each event is.

    Returns
    -------
    ObjectNoise
        With a category hidden with probability t.
    """
    like = batch.objects
    is_noised = choose_objects(batch.mask, fraction)
    t = diffusion.random_times(len(like), like.device).to(like.dtype)
    noise = torch.randn(*batch.mask.shape, N_FEATURES, dtype=like.dtype, device=like.device)
    is_hidden = is_noised & (torch.rand(is_noised.shape, device=like.device) < t[:, None])
    return ObjectNoise(is_noised, is_hidden, t, noise)


def noise_objects(batch: Any, drawn: ObjectNoise, normalizer: Any) -> tuple[NoisedObjects, Tensor]:
    """Noise some objects at a random time of each event.

    Parameters
    ----------
    batch : EventBatch
        Clean events.
    drawn : ObjectNoise
        From ``draw_noise``.
    normalizer : Normalizer
        Of the encoder.

    Returns
    -------
    tuple of NoisedObjects and Tensor
        The objects and their velocity (B, N, 5).
    """
    x, category = split_objects(batch, normalizer)
    x_t = diffusion.noised(x, drawn.noise, drawn.t)
    noised = NoisedObjects(x_t, category, drawn.is_hidden, drawn.is_noised, drawn.t)
    return noised, diffusion.velocity(x, drawn.noise, drawn.t)
