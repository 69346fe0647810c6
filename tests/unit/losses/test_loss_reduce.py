"""Reduction of per-event losses."""

from __future__ import annotations

import pytest
import torch

from colliderfm.losses.reduce import spread_over_batch, weighted_total


def test_plain_mean_of_spread_values_is_the_mean_over_valid_events():
    values = torch.tensor([1.0, 100.0, 3.0, 100.0])
    spread = spread_over_batch(values, torch.tensor([True, False, True, False]))
    assert spread.tolist() == [2.0, 0.0, 6.0, 0.0]
    assert spread.mean() == 2.0


def test_a_batch_without_valid_events_gives_zero():
    spread = spread_over_batch(torch.tensor([5.0, 7.0]), torch.zeros(2, dtype=torch.bool))
    assert spread.tolist() == [0.0, 0.0]


def test_total_is_the_weighted_sum_of_the_means():
    losses = {"classify": torch.tensor([1.0, 3.0]), "assign": torch.tensor([4.0, 0.0])}
    total, means = weighted_total(losses, {"assign": 0.5})
    assert total == 3.0
    assert {name: float(mean) for name, mean in means.items()} == {"classify": 2.0, "assign": 2.0}


def test_event_weights_may_be_negative_and_their_scale_does_not_matter():
    losses = {"classify": torch.tensor([2.0, 4.0, 1.0])}
    weights = torch.tensor([3.0, 2.0, -1.0])
    total, _ = weighted_total(losses, event_weights_B=weights)
    assert total == pytest.approx((6 + 8 - 1) / 6)
    assert weighted_total(losses, event_weights_B=10 * weights)[0] == pytest.approx(float(total))
