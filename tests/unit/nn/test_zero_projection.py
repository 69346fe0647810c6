"""What enters through a zero projection."""

from __future__ import annotations

import torch

from colliderfm.nn.zero_projection import ZeroProjection


def test_it_adds_nothing_at_first_and_has_a_gradient():
    projection, inputs = ZeroProjection(2, 3), torch.tensor([[1.0, -2.0]])
    tokens = torch.tensor([[0.1, -0.2, 1e-30]])
    assert torch.equal(tokens + projection(inputs), tokens)
    projection(inputs).sum().backward()
    assert projection.weight.grad.tolist() == [[1.0] * 3, [-2.0] * 3]


def test_it_draws_no_random_numbers():
    torch.manual_seed(0)
    before = torch.rand(1)
    torch.manual_seed(0)
    ZeroProjection(4, 5)
    assert torch.equal(torch.rand(1), before)
