"""Decoder layer for learned queries: look at the event, compare with each other, think.

Queries and keys are few, so products of small matrices rule; those of all heads and events run as
one batch. Shape letters: B events, Q queries, T tokens, D width, H heads.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from colliderfm.nn.attention import SelfAttention, mask_to_bias
from colliderfm.nn.blocks import FeedForward


class CrossAttention(nn.Module):
    """Multi-head attention of queries to the tokens of an event.

    Parameters
    ----------
    width : int
        Width D of queries and tokens.
    n_heads : int
        Heads H; divides the width.
    """

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.to_query = nn.Linear(width, width)
        self.to_key_value = nn.Linear(width, 2 * width)
        self.to_output = nn.Linear(width, width)
        self.n_heads = n_heads

    def forward(self, queries_BQD: Tensor, tokens_BTD: Tensor, is_token_BT: Tensor) -> Tensor:
        """Return what the queries see, shape (B, Q, D).

        Parameters
        ----------
        queries_BQD : Tensor, shape (B, Q, D)
            Queries.
        tokens_BTD : Tensor, shape (B, T, D)
            Keys and values.
        is_token_BT : Tensor, shape (B, T), bool
            True = real token; at least one per event.

        Returns
        -------
        Tensor, shape (B, Q, D)
            Attended values.
        """
        query = self._heads(self.to_query(queries_BQD))
        key, value = self.to_key_value(tokens_BTD).chunk(2, dim=-1)
        seen = functional.scaled_dot_product_attention(
            query,
            self._heads(key),
            self._heads(value),
            attn_mask=mask_to_bias(is_token_BT).to(query.dtype),
        )
        return self.to_output(seen.transpose(1, 2).flatten(2))

    def _heads(self, tokens_BTD: Tensor) -> Tensor:
        """Return (B, T, D) as (B, H, T, D / H)."""
        return tokens_BTD.unflatten(2, (self.n_heads, -1)).transpose(1, 2)


class QueryDecoderLayer(nn.Module):
    """Pre-norm decoder layer: cross-attention, self-attention, feed-forward.

    Parameters
    ----------
    width : int
        Width D.
    n_heads : int
        Attention heads; divides the width.
    hidden : int
        Hidden width of the feed-forward part.
    """

    def __init__(self, width: int, n_heads: int, hidden: int) -> None:
        super().__init__()
        self.cross_norm = nn.LayerNorm(width)
        self.cross = CrossAttention(width, n_heads)
        self.self_norm = nn.LayerNorm(width)
        self.among = SelfAttention(width, n_heads)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.feed_forward = FeedForward(width, hidden, width)

    def forward(self, queries_BQD: Tensor, tokens_BTD: Tensor, is_token_BT: Tensor) -> Tensor:
        """Return the updated queries, shape (B, Q, D).

        Parameters
        ----------
        queries_BQD : Tensor, shape (B, Q, D)
            Queries.
        tokens_BTD : Tensor, shape (B, T, D)
            Tokens of the event, normalized.
        is_token_BT : Tensor, shape (B, T), bool
            True = real token; at least one per event.

        Returns
        -------
        Tensor, shape (B, Q, D)
            After all three branches.
        """
        seen_BQD = self.cross(self.cross_norm(queries_BQD), tokens_BTD, is_token_BT)
        queries_BQD = queries_BQD + seen_BQD
        n_events, n_queries, _ = queries_BQD.shape
        no_bias = torch.zeros(
            *(n_events, self.among.n_heads, n_queries, n_queries),
            dtype=queries_BQD.dtype,
            device=queries_BQD.device,
        )
        queries_BQD = queries_BQD + self.among(self.self_norm(queries_BQD), no_bias)
        return queries_BQD + self.feed_forward(self.feed_forward_norm(queries_BQD))
