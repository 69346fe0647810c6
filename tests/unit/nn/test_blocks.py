"""Dropout and transformer block."""

from __future__ import annotations

import torch

from colliderfm.nn.blocks import EventDropout, TransformerBlock


def test_dropout_drops_a_channel_for_all_tokens_of_an_event_and_keeps_the_mean():
    torch.manual_seed(0)
    dropped = EventDropout(0.25)(torch.ones(200, 3, 16))
    assert torch.equal(dropped[:, 0], dropped[:, 2])
    assert set(dropped.unique().tolist()) == {0.0, float(torch.tensor(1 / 0.75))}
    assert abs(dropped.mean() - 1.0) < 0.03


def test_dropout_is_the_identity_in_evaluation():
    tokens = torch.ones(2, 3, 4)
    assert EventDropout(0.5).eval()(tokens) is tokens


def test_dropout_of_event_tokens_keeps_the_shape():
    assert EventDropout(0.5)(torch.ones(5, 4)).shape == (5, 4)


def test_block_keeps_the_shape_and_reaches_every_parameter():
    block = TransformerBlock(16, 2, mlp_ratio=2, dropout=0.1, depth=3)
    block(torch.randn(2, 5, 16), torch.zeros(2, 2, 5, 5)).square().sum().backward()
    assert all(parameter.grad is not None for parameter in block.parameters())
