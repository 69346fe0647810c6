"""Losses of the generating heads: hand-computed values, and what must not matter."""

from __future__ import annotations

import math

import torch

from colliderfm.losses.generation import category_loss_per_event, velocity_loss_per_event


def test_velocity_loss_is_the_mean_over_tokens_and_features_of_each_event():
    predicted = torch.tensor([[[1.0, 2.0], [0.0, 0.0]], [[3.0, 0.0], [1.0, 1.0]]])
    target = torch.zeros(2, 2, 2)
    mask = torch.tensor([[True, False], [True, True]])
    values, is_valid = velocity_loss_per_event(predicted, target, mask)
    # (1 + 4) / 2, and ((9 + 0) / 2 + (1 + 1) / 2) / 2.
    assert values.tolist() == [2.5, 2.75]
    assert is_valid.tolist() == [True, True]


def test_tokens_that_are_not_generated_do_not_count_even_if_not_finite():
    predicted = torch.full((1, 2, 3), math.nan)
    predicted[0, 0] = 1.0
    predicted.requires_grad_()
    mask = torch.tensor([[True, False]])
    values, _ = velocity_loss_per_event(predicted, torch.zeros(1, 2, 3), mask)
    assert values.tolist() == [1.0]


def test_an_event_without_tokens_is_not_valid_and_has_no_loss():
    values, is_valid = velocity_loss_per_event(
        torch.ones(1, 2, 3), torch.zeros(1, 2, 3), torch.zeros(1, 2, dtype=torch.bool)
    )
    assert values.tolist() == [0.0]
    assert is_valid.tolist() == [False]


def test_category_loss_averages_over_the_categories_that_are_asked():
    logits = torch.zeros(2, 3, 4)
    logits[0, 0, 1] = math.log(3.0)
    category = torch.tensor([[1, 0, -1], [-1, -1, -1]])
    values, is_valid = category_loss_per_event(logits, category)
    # p = 3 / 6 and 1 / 4.
    assert math.isclose(float(values[0]), (math.log(2) + math.log(4)) / 2, rel_tol=1e-6)
    assert float(values[1]) == 0.0
    assert is_valid.tolist() == [True, False]
