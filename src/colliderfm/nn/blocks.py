"""The transformer block and its parts.

Dropout acts on the output of a branch with one mask per event and channel, the same for all tokens
of the event: drawing random numbers costs a CPU as much as attention itself, and this needs ten
times fewer.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from colliderfm.nn.attention import SelfAttention


class EventDropout(nn.Module):
    """Dropout with one mask per event and channel, shared by the tokens of the event.

    Parameters
    ----------
    probability : float
        Share of the channels set to zero in training.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, tokens_BTD: Tensor) -> Tensor:
        """Return the tokens with dropped channels, shape (B, T, D) or (B, D) as given."""
        if not self.training or self.probability == 0.0:
            return tokens_BTD
        if tokens_BTD.ndim == 2:
            return torch.dropout(tokens_BTD, self.probability, train=True)
        channels_first = torch.feature_dropout(
            tokens_BTD.transpose(1, 2), self.probability, train=True
        )
        return channels_first.transpose(1, 2)


class FeedForward(nn.Sequential):
    """Two linear layers with a SiLU between them.

    Parameters
    ----------
    n_inputs, hidden, n_outputs : int
        Layer widths.
    """

    def __init__(self, n_inputs: int, hidden: int, n_outputs: int) -> None:
        super().__init__(nn.Linear(n_inputs, hidden), nn.SiLU(), nn.Linear(hidden, n_outputs))


class TransformerBlock(nn.Module):
    """Pre-norm transformer block: attention with a bias, then a feed-forward layer.

    Parameters
    ----------
    width : int
        Token width D.
    n_heads : int
        Attention heads H.
    mlp_ratio : float
        Hidden width of the feed-forward layer relative to D.
    dropout : float
        Dropout probability of both branches.
    depth : int
        Number of blocks in the whole network; branch outputs start smaller by sqrt(2·depth).
    """

    def __init__(
        self, width: int, n_heads: int, *, mlp_ratio: float, dropout: float, depth: int
    ) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = SelfAttention(width, n_heads)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.feed_forward = FeedForward(width, int(mlp_ratio * width), width)
        self.dropout = EventDropout(dropout)
        with torch.no_grad():
            self.attention.to_output.weight.div_(math.sqrt(2 * depth))
            self.feed_forward[-1].weight.div_(math.sqrt(2 * depth))

    def forward(self, tokens_BTD: Tensor, bias_BHTT: Tensor) -> Tensor:
        """Return the updated tokens, (B, T, D); ``bias_BHTT`` is added to the attention scores."""
        attended_BTD = self.attention(self.attention_norm(tokens_BTD), bias_BHTT)
        tokens_BTD = tokens_BTD + self.dropout(attended_BTD)
        return tokens_BTD + self.dropout(self.feed_forward(self.feed_forward_norm(tokens_BTD)))
