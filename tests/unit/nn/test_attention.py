"""The hand-written attention agrees with torch's."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from colliderfm.nn.attention import MASKED_SCORE, attend, mask_to_bias


def reference(qkv, bias):
    n_events, n_tokens, width = qkv.shape
    query, key, value = qkv.view(n_events, n_tokens, 3, bias.shape[1], -1).permute(2, 0, 3, 1, 4)
    output = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
    return output.transpose(1, 2).reshape(n_events, n_tokens, width // 3)


@pytest.mark.parametrize("n_tokens", [1, 5, 17])
def test_output_and_gradients_equal_those_of_torch(n_tokens):
    generator = torch.Generator().manual_seed(1)
    qkv = torch.randn(3, n_tokens, 48, generator=generator, requires_grad=True)
    bias = torch.randn(3, 4, n_tokens, n_tokens, generator=generator, requires_grad=True)
    weight = torch.randn(3, n_tokens, 16, generator=generator)
    ours = torch.autograd.grad((attend(qkv, bias) * weight).sum(), (qkv, bias))
    theirs = torch.autograd.grad((reference(qkv, bias) * weight).sum(), (qkv, bias))
    torch.testing.assert_close(attend(qkv, bias), reference(qkv, bias))
    for our, their in zip(ours, theirs, strict=True):
        torch.testing.assert_close(our, their)


def test_half_precision_uses_torch_and_stays_close():
    qkv = torch.randn(2, 6, 24, generator=torch.Generator().manual_seed(2))
    bias = torch.zeros(2, 2, 6, 6)
    close = attend(qkv.bfloat16(), bias).float()
    torch.testing.assert_close(close, attend(qkv, bias), atol=0.05, rtol=0.05)


def test_masked_tokens_receive_no_attention():
    bias = mask_to_bias(torch.tensor([[True, False, True]]))
    assert bias.flatten().tolist() == [0.0, MASKED_SCORE, 0.0]
    qkv = torch.randn(1, 3, 12, generator=torch.Generator().manual_seed(3))
    changed = qkv.clone()
    changed[0, 1] += 7.0
    full = bias.expand(1, 2, 3, 3)
    assert torch.equal(attend(qkv, full)[0, ::2], attend(changed, full)[0, ::2])
