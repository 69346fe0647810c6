"""Simple heads and rank correlation on latents with known answers."""

from __future__ import annotations

import numpy as np
import pytest

from colliderfm.errors import PhysicsError
from colliderfm.evaluate.latent_space import (
    head_accuracies,
    rank_correlation,
    rank_correlation_value,
)


def test_heads_reach_the_optimum_of_two_gaussians():
    rng = np.random.default_rng(0)

    def drawn(n):
        label = np.arange(n) % 2
        return rng.normal(size=(n, 3)) + 2.0 * label[:, None] * [1.0, 0.0, 0.0], label

    found = head_accuracies(drawn(4000), drawn(4000))
    # Phi(1) = 0.8413, the accuracy of the best cut between means two sigmas apart.
    assert found.linear == pytest.approx(0.8413, abs=0.02)
    assert found.neighbors == pytest.approx(0.8413, abs=0.03)


def test_the_scale_of_a_latent_does_not_matter():
    rng = np.random.default_rng(1)
    label = np.arange(300) % 3
    latent = rng.normal(size=(300, 2)) + label[:, None]
    first = head_accuracies((latent, label), (latent, label))
    tiny = head_accuracies((1e-9 * latent, label), (1e-9 * latent, label))
    assert first == tiny


def test_equal_distances_correlate_perfectly_and_reversed_ones_do_not():
    points = np.random.default_rng(2).normal(size=(20, 2))
    distance = np.linalg.norm(points[:, None] - points, axis=2)
    found = rank_correlation(3.0 * points + 5.0, distance)
    assert found.value == pytest.approx(1.0)
    assert found.error == pytest.approx(0.0, abs=1e-12)
    assert rank_correlation(points, -distance).value == pytest.approx(-1.0)


def test_the_value_alone_is_the_same_number():
    points = np.random.default_rng(4).normal(size=(30, 4))
    distance = np.linalg.norm(points[:, None] - points, axis=2)
    value = rank_correlation_value(points[:, :2], distance)
    assert value == rank_correlation(points[:, :2], distance).value
    assert 0.5 < value < 1.0
    with pytest.raises(PhysicsError, match="rank correlation"):
        rank_correlation_value(points, distance[:3])


def test_the_error_shrinks_with_the_number_of_points():
    rng = np.random.default_rng(3)
    errors = []
    for n in (12, 100):
        points = rng.normal(size=(n, 4))
        distance = np.linalg.norm(points[:, None] - points, axis=2)
        errors.append(rank_correlation(points[:, :2], distance).error)
    assert 0.0 < errors[1] < 0.6 * errors[0]


def test_a_latent_without_spread_has_no_correlation():
    assert rank_correlation(np.zeros((5, 2)), np.ones((5, 5))).value == 0.0


def test_bad_input_is_named():
    with pytest.raises(PhysicsError, match="rank correlation"):
        rank_correlation(np.zeros((4, 2)), np.ones((3, 3)))
    label = np.arange(30) % 2
    with pytest.raises(PhysicsError, match="latents"):
        head_accuracies((np.full((30, 2), np.nan), label), (np.zeros((30, 2)), label))
    with pytest.raises(PhysicsError, match="labeled latents"):
        head_accuracies((np.zeros((4, 2)), label[:4]), (np.zeros((4, 2)), label[:4]))
