"""Attention of invisible tokens to the visible event and to each other, with cached visible keys.

One softmax covers both kinds of keys. The visible tokens never look at the invisible ones, so their
keys and values do not depend on the diffusion time: they are projected once and used at every step.

Shape letters: B events, K invisible particles, N object slots, T = N + 1 visible tokens, D width,
H heads, d = D / H.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from colliderfm.nn.blocks import FeedForward


class InvisibleCache(NamedTuple):
    """What the visible event says to its invisible particles; L decoder layers.

    Parameters
    ----------
    keys, values : tuple of Tensor, shape (B, H, T, d)
        One per layer.
    bias : Tensor, shape (B, 1, 1, T)
        Hides padded objects.
    """

    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]
    bias: Tensor


class InvisibleLayer(nn.Module):
    """Attention of invisible tokens to visible and invisible ones, then a feed-forward layer.

    Parameters
    ----------
    width : int
        Token width D.
    n_heads : int
        Heads H; divides the width.
    """

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.attention_norm = nn.LayerNorm(width)
        self.to_qkv = nn.Linear(width, 3 * width)
        self.visible_to_kv = nn.Linear(width, 2 * width)
        self.to_output = nn.Linear(width, width)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.feed_forward = FeedForward(width, 4 * width, width)
        self.to_modulation = nn.Linear(width, 2 * width, bias=False)

    def cache(self, visible_BTD: Tensor) -> tuple[Tensor, Tensor]:
        """Return keys and values of the visible tokens, shape (B, H, T, d) each."""
        key, value = self._heads(self.visible_to_kv(visible_BTD), 2)
        return key.contiguous(), value.contiguous()

    def forward(
        self, tokens_BKD: Tensor, cached: tuple[Tensor, Tensor], bias: Tensor, time_XD: Tensor
    ) -> Tensor:
        """Return the updated invisible tokens.

        Parameters
        ----------
        tokens_BKD : Tensor, shape (B, K, D)
            Invisible tokens.
        cached : tuple of Tensor, shape (B, H, T, d)
            From ``cache``.
        bias : Tensor, shape (B, 1, 1, T + K)
            Added to the scores: visible keys first.
        time_XD : Tensor, shape (B, 1, D) or (1, 1, D)
            Embedding of the diffusion time.
        """
        scale, shift = self.to_modulation(time_XD).chunk(2, dim=-1)
        query, key, value = self._heads(self.to_qkv(self.attention_norm(tokens_BKD)), 3)
        query = query * query.shape[-1] ** -0.5
        visible_key, visible_value = cached
        scores = torch.cat([query @ visible_key.mT, query @ key.mT], dim=-1) + bias
        n_visible = visible_key.shape[2]
        share = _short_softmax(scores)
        mixed = share[..., :n_visible] @ visible_value + share[..., n_visible:] @ value
        tokens_BKD = tokens_BKD + self.to_output(mixed.transpose(1, 2).flatten(2))
        normed = self.feed_forward_norm(tokens_BKD) * (1.0 + scale) + shift
        return tokens_BKD + self.feed_forward(normed)

    def _heads(self, projected_BTD: Tensor, n_parts: int) -> tuple[Tensor, ...]:
        """Return parts of a projection, each (B, H, T, d)."""
        n_events, n_tokens, _ = projected_BTD.shape
        parts = projected_BTD.view(n_events, n_tokens, n_parts, self.n_heads, -1)
        return parts.permute(2, 0, 3, 1, 4).unbind(0)


def _short_softmax(scores: Tensor) -> Tensor:
    """Return the softmax over the last axis; torch's own is scalar code for rows this short."""
    weights = (scores - scores.detach().amax(dim=-1, keepdim=True)).exp()
    return weights * weights.sum(dim=-1, keepdim=True).reciprocal()
