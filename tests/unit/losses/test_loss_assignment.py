"""Losses of the assignment head."""

from __future__ import annotations

import math

import pytest
import torch

from colliderfm.losses.assignment import survival_loss_per_event, tuple_nll_per_event


def test_tuple_loss_averages_over_matchable_resonances():
    log_probability = torch.tensor([[-1.0, -3.0], [-2.0, -50.0], [-9.0, -9.0]])
    is_matchable = torch.tensor([[True, True], [True, False], [False, False]])
    values, is_valid = tuple_nll_per_event(log_probability, is_matchable)
    assert values.tolist() == [2.0, 2.0, 0.0]
    assert is_valid.tolist() == [True, True, False]


def test_survival_loss_of_even_odds_is_log_two():
    values = survival_loss_per_event(torch.zeros(2, 4), torch.tensor([0, 3]))
    assert values.tolist() == pytest.approx([math.log(2)] * 2)


def test_survival_loss_vanishes_for_certain_and_right_counts():
    logits = torch.tensor([[30.0, 30.0, -30.0, -30.0]])
    assert survival_loss_per_event(logits, torch.tensor([2]))[0] < 1e-6
    assert survival_loss_per_event(logits, torch.tensor([1]))[0] > 5.0
