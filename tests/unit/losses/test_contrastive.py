"""Pair losses: values by hand, and what they push where."""

from __future__ import annotations

import math

import pytest
import torch

from colliderfm.losses.contrastive import (
    distance_stress,
    pair_loss,
    same_universe_loss,
    squared_distances,
)

ORIGIN = torch.zeros(4, 2)
POINTS = torch.tensor([[0.3, 0.4], [0.3, 0.4], [3.0, 4.0], [0.0, 0.0]])
IS_SAME = torch.tensor([True, False, False, True])


def test_the_pair_loss_is_that_of_the_study():
    values = pair_loss(ORIGIN, POINTS, IS_SAME, margin=1.0)
    # D = 0.5: D^2 = 0.25 for equal, (1 - 0.5)^2 for different universes; beyond the margin nothing.
    torch.testing.assert_close(values, torch.tensor([0.25, 0.25, 0.0, 0.0]), atol=1e-6, rtol=0)


def test_gradients_stay_finite_for_coinciding_points():
    first = torch.zeros(2, 3, requires_grad=True)
    pair_loss(first, torch.zeros(2, 3), torch.tensor([True, False]), 1.0).sum().backward()
    same_universe_loss(first, torch.zeros(2, 3)).sum().backward()
    distance_stress(first, torch.zeros(2, 3), torch.ones(2, 2)).sum().backward()
    assert torch.isfinite(first.grad).all()


def test_the_right_partner_is_found_with_the_likelihood_of_unit_noise():
    first = torch.tensor([[0.0], [2.0]])
    # Distances 0 and 2: scores 0 and -1.
    expected = math.log(1.0 + math.exp(-1.0))
    torch.testing.assert_close(same_universe_loss(first, first), torch.full((2,), expected))


def test_another_pair_of_the_same_universe_is_no_wrong_answer():
    latent = torch.tensor([[0.0], [0.0], [50.0]])
    alone = same_universe_loss(latent, latent, torch.tensor([7, 7, 9]))
    torch.testing.assert_close(alone, torch.zeros(3), atol=1e-6, rtol=0)
    assert same_universe_loss(latent, latent)[0] == pytest.approx(math.log(2.0))


def test_the_best_scale_of_the_latent_is_the_unit_of_the_noise():
    generator = torch.Generator().manual_seed(0)
    means = 4.0 * torch.randn(400, 2, generator=generator)
    first, second = (means + torch.randn(400, 2, generator=generator) for _ in range(2))
    losses = {
        scale: float(same_universe_loss(scale * first, scale * second).mean())
        for scale in (0.5, 0.8, 1.0, 1.25, 2.0)
    }
    assert min(losses, key=losses.__getitem__) == 1.0


def test_stress_is_relative_to_the_distance():
    first, second = torch.zeros(1, 1), torch.tensor([[3.0], [0.0]])
    target = torch.tensor([[1.0, 3.0]])
    # (3 - 1)^2 / 2 and (0 - 3)^2 / 4.
    expected = 0.5 * (4.0 / 2.0 + 9.0 / 4.0)
    assert float(distance_stress(first, second, target)[0]) == pytest.approx(expected, abs=0.01)


def test_squared_distances_of_far_away_points_keep_their_digits():
    first = torch.tensor([[1e4, 0.0], [1e4, 1.0]])
    torch.testing.assert_close(
        squared_distances(first, first), torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    )
