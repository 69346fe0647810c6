"""The decoder layer of learned queries against the formula of attention."""

from __future__ import annotations

import pytest
import torch

from colliderfm.nn.heads.query_decoder import CrossAttention, QueryDecoderLayer


def inputs(width: int = 8) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Queries, tokens and mask of three events; the last one has a single token."""
    torch.manual_seed(0)
    is_token = torch.tensor([[True] * 5, [True, True, True, False, False], [True] + [False] * 4])
    return (
        torch.randn(3, 4, width, dtype=torch.float64),
        torch.randn(3, 5, width, dtype=torch.float64),
        is_token,
    )


def test_attention_is_a_weighted_mean_of_the_values():
    queries, tokens, is_token = inputs()
    layer = CrossAttention(8, 2).double()
    with torch.no_grad():
        query, (key, value) = layer.to_query(queries), layer.to_key_value(tokens).chunk(2, dim=-1)
        seen = torch.zeros_like(queries)
        for b, n in enumerate(is_token.sum(dim=1).tolist()):
            for part in (slice(0, 4), slice(4, 8)):
                scores = query[b, :, part] @ key[b, :n, part].T / 4**0.5
                seen[b, :, part] = scores.softmax(dim=-1) @ value[b, :n, part]
        torch.testing.assert_close(layer(queries, tokens, is_token), layer.to_output(seen))


def test_queries_see_each_other_but_no_padded_token():
    queries, tokens, is_token = inputs()
    layer = QueryDecoderLayer(8, 2, 16).double()
    with torch.no_grad():
        first = layer(queries, tokens, is_token)
        wild = torch.where(is_token[..., None], tokens, 50.0)
        assert torch.equal(first, layer(queries, wild, is_token))
        other = queries.clone()
        other[:, 0] *= -1.0
        moved = layer(other, tokens, is_token)
    assert ((first - moved).abs() > 1e-6).any(dim=2).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_order_of_queries_and_tokens_does_not_matter(dtype):
    queries, tokens, is_token = (x if x.dtype == torch.bool else x.to(dtype) for x in inputs())
    layer = QueryDecoderLayer(8, 2, 16).to(dtype)
    with torch.no_grad():
        first = layer(queries, tokens, is_token)
        second = layer(queries.flip(1), tokens.flip(1), is_token.flip(1)).flip(1)
    torch.testing.assert_close(first, second)
