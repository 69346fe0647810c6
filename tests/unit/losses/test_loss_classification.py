"""Cross-entropy per event."""

from __future__ import annotations

import math

import pytest
import torch

from colliderfm.losses.classification import cross_entropy_per_event


def test_values_are_minus_log_probability_of_the_true_class():
    logits = torch.tensor([[0.0, 0.0], [0.0, math.log(3.0)]])
    values, is_valid = cross_entropy_per_event(logits, torch.tensor([0, 1]))
    assert values.tolist() == pytest.approx([math.log(2), math.log(4 / 3)])
    assert is_valid.all()


def test_an_event_in_no_class_has_no_loss_and_no_gradient():
    logits = torch.zeros(2, 3, requires_grad=True)
    values, is_valid = cross_entropy_per_event(logits, torch.tensor([-1, 2]))
    assert values[0] == 0.0
    assert is_valid.tolist() == [False, True]
    values.sum().backward()
    assert logits.grad[0].abs().max() == 0.0


def test_class_weights_multiply_the_loss_of_their_class():
    values, _ = cross_entropy_per_event(
        torch.zeros(2, 2), torch.tensor([0, 1]), torch.tensor([1.0, 5.0])
    )
    assert values.tolist() == pytest.approx([math.log(2), 5 * math.log(2)])
