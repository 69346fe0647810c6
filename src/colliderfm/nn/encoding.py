"""What an encoder gives to the heads."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Encoding(NamedTuple):
    """Encoded events; B events, N object slots, D width, K pair channels.

    Parameters
    ----------
    objects : Tensor, shape (B, N, D)
        One token per object; zero where padded.
    event : Tensor, shape (B, D)
        One token per event.
    mask : Tensor, shape (B, N), bool
        True = real object.
    pairs : Tensor or None, shape (B, N, N, K)
        Hidden pair features, symmetric in the two objects; None without pair features.
    """

    objects: Tensor
    event: Tensor
    mask: Tensor
    pairs: Tensor | None
