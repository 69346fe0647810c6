"""Self-attention with an additive bias per head, fast for the short token lists of collider events.

An event has about ten tokens, so attention is a great many tiny matrix products. On a CPU torch's
own kernels spend most of their time around those products: the softmax of rows shorter than one
vector register is not vectorized, and the backward pass of a strided batched product copies matrix
by matrix. ``_BiasedAttention`` keeps every operand contiguous and writes the backward pass out. On a
GPU, in mixed precision and in an export, torch's fused operator is used.

Shape letters: B events, T tokens, D width, H heads. The only place where a mask is turned into a
bias.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

# Large enough that exp() of a masked score is exactly zero, small enough for half precision.
MASKED_SCORE = -1.0e4


def mask_to_bias(is_valid_BT: Tensor) -> Tensor:
    """Return the attention bias that hides tokens which are not valid.

    Parameters
    ----------
    is_valid_BT : Tensor, shape (B, T), bool
        True = real token.

    Returns
    -------
    Tensor, shape (B, 1, 1, T), float32
        0 for valid keys, ``MASKED_SCORE`` for the others.
    """
    bias_BT = torch.zeros(is_valid_BT.shape, device=is_valid_BT.device)
    return bias_BT.masked_fill(~is_valid_BT, MASKED_SCORE)[:, None, None, :]


def _heads_first(tokens_BTHd: Tensor) -> Tensor:
    """Return (B, T, H, d) as a contiguous (B·H, T, d)."""
    n_events, n_tokens, n_heads, head_width = tokens_BTHd.shape
    return tokens_BTHd.transpose(1, 2).reshape(n_events * n_heads, n_tokens, head_width)


def _tokens_first(tokens_XTd: Tensor, n_heads: int) -> Tensor:
    """Return (B·H, T, d) as a (B, T, H, d) view."""
    _, n_tokens, head_width = tokens_XTd.shape
    return tokens_XTd.view(-1, n_heads, n_tokens, head_width).transpose(1, 2)


def _probabilities(query_XTd: Tensor, key_XTd: Tensor, bias_BHTT: Tensor) -> Tensor:
    """Return softmax(query·key/sqrt(d) + bias), shape (B·H, T, T)."""
    n_tokens = query_XTd.shape[1]
    bias_XTT = bias_BHTT.reshape(-1, n_tokens, n_tokens)
    scale = query_XTd.shape[-1] ** -0.5
    scores_XTT = torch.baddbmm(bias_XTT, query_XTd, key_XTd.transpose(1, 2), alpha=scale)
    # Written out: torch.softmax is scalar code when a row is shorter than a vector register.
    scores_XTT -= scores_XTT.amax(dim=-1, keepdim=True)
    scores_XTT.exp_()
    scores_XTT *= scores_XTT.sum(dim=-1, keepdim=True).reciprocal_()
    return scores_XTT


class _BiasedAttention(torch.autograd.Function):
    """Attention with hand-written, contiguous forward and backward passes."""

    @staticmethod
    def forward(ctx: Any, qkv_BTD: Tensor, bias_BHTT: Tensor) -> Tensor:
        n_events, n_tokens, width = qkv_BTD.shape
        n_heads = bias_BHTT.shape[1]
        parts = qkv_BTD.view(n_events, n_tokens, 3, n_heads, width // (3 * n_heads))
        query, key, value = (_heads_first(parts[:, :, i]) for i in range(3))
        probability = _probabilities(query, key, bias_BHTT)
        output = torch.bmm(probability, value)
        ctx.save_for_backward(query, key, value, probability)
        ctx.n_heads = n_heads
        return _tokens_first(output, n_heads).reshape(n_events, n_tokens, width // 3)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient_BTD: Tensor) -> tuple[Tensor, Tensor | None]:
        query, key, value, probability = ctx.saved_tensors
        n_events, n_tokens, width = gradient_BTD.shape
        n_heads = ctx.n_heads
        gradient = _heads_first(gradient_BTD.reshape(n_events, n_tokens, n_heads, -1))
        score_gradient = torch.bmm(gradient, value.transpose(1, 2))
        score_gradient *= probability
        score_gradient -= probability * score_gradient.sum(dim=-1, keepdim=True)
        qkv_gradient = gradient.new_empty(n_events, n_tokens, 3, n_heads, width // n_heads)
        scale = query.shape[-1] ** -0.5
        query_gradient = torch.bmm(score_gradient, key).mul_(scale)
        key_gradient = torch.bmm(score_gradient.transpose(1, 2), query).mul_(scale)
        value_gradient = torch.bmm(probability.transpose(1, 2), gradient)
        for i, part in enumerate((query_gradient, key_gradient, value_gradient)):
            qkv_gradient[:, :, i] = _tokens_first(part, n_heads)
        bias_gradient = None
        if ctx.needs_input_grad[1]:
            bias_gradient = score_gradient.view(n_events, n_heads, n_tokens, n_tokens)
        return qkv_gradient.view(n_events, n_tokens, 3 * width), bias_gradient


def attend(qkv_BTD: Tensor, bias_BHTT: Tensor) -> Tensor:
    """Return the attention output for projected queries, keys and values.

    Parameters
    ----------
    qkv_BTD : Tensor, shape (B, T, 3·D)
        Queries, keys and values side by side, each with its heads side by side.
    bias_BHTT : Tensor, shape (B, H, T, T)
        Added to the scores; axis 2 is the query, axis 3 the key.

    Returns
    -------
    Tensor, shape (B, T, D)
        Heads side by side.
    """
    is_float = qkv_BTD.dtype == bias_BHTT.dtype == torch.float32
    if qkv_BTD.device.type == "cpu" and is_float and not torch.compiler.is_compiling():
        return _BiasedAttention.apply(qkv_BTD, bias_BHTT)
    n_events, n_tokens, width = qkv_BTD.shape
    n_heads = bias_BHTT.shape[1]
    query, key, value = qkv_BTD.view(n_events, n_tokens, 3, n_heads, -1).permute(2, 0, 3, 1, 4)
    output = functional.scaled_dot_product_attention(
        query, key, value, attn_mask=bias_BHTT.to(query.dtype)
    )
    return output.transpose(1, 2).reshape(n_events, n_tokens, width // 3)


class SelfAttention(nn.Module):
    """Multi-head self-attention over the tokens of an event.

    Parameters
    ----------
    width : int
        Token width D.
    n_heads : int
        Heads H; divides the width.
    """

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.to_qkv = nn.Linear(width, 3 * width)
        self.to_output = nn.Linear(width, width)
        self.n_heads = n_heads

    def forward(self, tokens_BTD: Tensor, bias_BHTT: Tensor) -> Tensor:
        """Return the attended tokens, shape (B, T, D); ``bias_BHTT`` is added to the scores."""
        return self.to_output(attend(self.to_qkv(tokens_BTD), bias_BHTT))
