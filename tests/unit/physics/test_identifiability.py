"""Whitening, distances, Fisher information and identifiable directions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from toy_spectra import toy_table

from colliderfm.errors import PhysicsError
from colliderfm.physics.identifiability import (
    fisher_information,
    identifiable_directions,
    mahalanobis_distances,
    noise_whitener,
    response,
)
from colliderfm.physics.replicas import HARD_NOISE, STUDY_NOISE, noise_model, poisson_sigma

TABLE = toy_table()
SM = (TABLE.sm_pb / TABLE.width_gev)[None]


def test_whitened_noise_is_white():
    random = np.random.default_rng(0).normal(size=(6, 6))
    # Six decades between bins, as in a spectrum.
    scale = 10.0 ** np.arange(-3, 3)
    covariance = scale[:, None] * (random @ random.T + np.eye(6)) * scale
    whitener = noise_whitener(covariance)
    assert whitener.T @ covariance @ whitener == pytest.approx(np.eye(6), abs=1e-9)


def test_directions_without_noise_are_raised_to_the_floor():
    covariance = np.ones((2, 2))
    whitener = noise_whitener(covariance, floor=0.01)
    along, across = np.array([1.0, 1.0]), np.array([1.0, -1.0])
    # Eigenvalue 2 along (1, 1), none across: |v|^2 / 2 = 1 and |v|^2 / floor = 200.
    assert ((along @ whitener) ** 2).sum() == pytest.approx(1.0)
    assert ((across @ whitener) ** 2).sum() == pytest.approx(200.0)


def test_broken_covariances_are_refused():
    with pytest.raises(PhysicsError, match="bin 1"):
        noise_whitener(np.diag([1.0, 0.0]))
    with pytest.raises(PhysicsError, match="positive semi-definite"):
        noise_whitener(np.array([[1.0, 2.0], [2.0, 1.0]]))


def test_distances_by_hand():
    a, b = np.array([[0.0, 0.0], [3.0, 8.0]]), np.array([[0.0, 0.0]])
    # sqrt((3/1)^2 + (8/2)^2) = 5
    distances = mahalanobis_distances(a, b, np.diag([1.0, 4.0]))
    assert distances == pytest.approx(np.array([[0.0], [5.0]]))


def test_distances_survive_a_large_common_mean():
    a = 1e6 + np.array([[0.0], [1.0], [2.0]])
    expected = np.abs(np.subtract.outer([0, 1, 2], [0, 1, 2]))
    assert mahalanobis_distances(a, a, np.eye(1)) == pytest.approx(expected)


@pytest.mark.parametrize("settings", [STUDY_NOISE, HARD_NOISE])
def test_fisher_information_is_the_squared_distance_of_a_small_step(settings):
    covariance = noise_model(TABLE, SM, settings).covariance()
    at = np.random.default_rng(2).normal(size=17) * 0.3
    step = np.random.default_rng(3).normal(size=17)
    small = 1e-4
    moved = TABLE.predict_pb(np.stack([at + small * step, at - small * step])) / TABLE.width_gev
    distance = mahalanobis_distances(moved[:1], moved[1:], covariance)[0, 0] / (2 * small)
    information = fisher_information(TABLE, covariance, at)
    assert distance**2 == pytest.approx(step @ information @ step, rel=1e-5)


def test_response_at_linear_order_is_the_table():
    at = np.full(17, 0.5)
    expected = TABLE.linear_pb / TABLE.width_gev
    assert response(TABLE, at, order="linear") == pytest.approx(expected)
    assert response(TABLE) == pytest.approx(expected)
    assert not response(TABLE, at, order="sm").any()
    linear_only = replace(TABLE, quadratic_pb=np.zeros((0, 92)))
    with pytest.raises(PhysicsError, match="no quadratic terms"):
        response(linear_only, at)


def test_identifiable_directions_of_the_toy():
    sigma = poisson_sigma(TABLE)
    values, directions, rank = identifiable_directions(TABLE, sigma)
    # Three shapes, each times the Standard Model: three directions, 14 flat ones.
    assert rank == 3
    assert (np.diff(values) <= 0).all()
    assert values[3:] == pytest.approx(0.0, abs=1e-9 * values[0])
    assert directions @ directions.T == pytest.approx(np.eye(17))
    white = TABLE.linear_pb / TABLE.width_gev / sigma
    assert np.linalg.norm(directions @ white, axis=1) == pytest.approx(values, abs=1e-9 * values[0])
    largest = np.abs(directions).argmax(axis=1)
    assert (directions[np.arange(17), largest] > 0).all()


def test_flat_directions_leave_the_spectrum_alone():
    _, directions, rank = identifiable_directions(TABLE, poisson_sigma(TABLE))
    moved = TABLE.predict_pb(directions[rank:], "linear")
    assert moved == pytest.approx(np.broadcast_to(TABLE.sm_pb, moved.shape), rel=1e-9)
