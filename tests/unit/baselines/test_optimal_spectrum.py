"""Classifiers that know means and covariances: closed forms, limits, and nothing above them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm
from toy_spectra import toy_table

from colliderfm.baselines.linear_embeddings import fit_lda
from colliderfm.baselines.optimal_spectrum import (
    bayes_classifier,
    mahalanobis_classifier,
    neighbor_accuracy,
)
from colliderfm.physics.replicas import HARD_NOISE, STUDY_NOISE, NoiseModel, noise_model
from colliderfm.physics.universes import make_universes

TABLE = toy_table()


def replicas(model: NoiseModel, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Replicas and universes in one array each."""
    chunks = list(model.stream(n, seed))
    return np.concatenate([values for _, values in chunks]), np.concatenate([u for u, _ in chunks])


def test_accuracy_of_two_universes_is_the_gaussian_integral():
    # Means 2 sigma apart: Bayes is right with probability Phi(1).
    model = NoiseModel(np.array([[10.0, 5.0], [12.0, 5.0]]), np.array([[1.0, 3.0]]))
    values, universe = replicas(model, 100_000, 0)
    assert bayes_classifier(model).accuracy(values, universe) == pytest.approx(
        norm.cdf(1.0), abs=5e-3
    )


def test_probabilities_are_those_of_the_densities():
    model = NoiseModel(np.array([[1.0, 5.0], [1.5, 5.0], [0.0, 4.0]]), np.ones((3, 2)))
    model = replace(model, sigma=np.array([[1.0, 3.0], [2.0, 1.0], [0.5, 4.0]]))
    values = np.random.default_rng(0).normal(size=(20, 2)) + [1.0, 5.0]
    density = np.stack(
        [multivariate_normal(model.mean[u], model.covariance(u)).pdf(values) for u in range(3)],
        axis=1,
    )
    expected = density / density.sum(axis=1, keepdims=True)
    assert bayes_classifier(model).probability(values) == pytest.approx(expected)


def test_both_classifiers_agree_where_the_covariance_is_shared():
    universes = make_universes(TABLE, 20, 0)
    model = noise_model(TABLE, universes.mean_pb_per_gev, HARD_NOISE)
    values, universe = replicas(model, 2000, 1)
    bayes = bayes_classifier(model)
    mahalanobis = mahalanobis_classifier(model.mean, model.covariance())
    assert bayes.log_likelihood(values) == pytest.approx(
        mahalanobis.log_likelihood(values), abs=1e-6
    )
    assert np.array_equal(bayes.predict(values), mahalanobis.predict(values))
    assert 0.2 < bayes.accuracy(values, universe) < 0.999


def test_the_study_task_is_trivial_for_the_optimum():
    universes = make_universes(TABLE, 30, 0)
    model = noise_model(TABLE, universes.mean_pb_per_gev, STUDY_NOISE)
    values, universe = replicas(model, 600, 1)
    assert bayes_classifier(model).accuracy(values, universe) == pytest.approx(1.0, abs=5e-3)


def test_no_linear_method_beats_the_optimum_on_the_hard_task():
    universes = make_universes(TABLE, 20, 0)
    model = noise_model(TABLE, universes.mean_pb_per_gev, HARD_NOISE)
    train, test = replicas(model, 8000, 1), replicas(model, 4000, 2)
    optimum = bayes_classifier(model).accuracy(*test)
    lda = fit_lda(*train, 3, model.sigma[0])
    accuracy = neighbor_accuracy(
        (lda.transform(train[0]), train[1]), (lda.transform(test[0]), test[1])
    )
    assert accuracy < optimum + 0.01
    assert accuracy > 0.3 * optimum


def test_variances_that_differ_give_the_universe_away():
    # Equal means: only the noise tells, so the optimum with shared noise guesses.
    mean = np.zeros((2, 30))
    leaking = NoiseModel(mean, np.stack([np.full(30, 1.0), np.full(30, 2.0)]))
    shared = NoiseModel(mean, np.ones((1, 30)))
    values, universe = replicas(leaking, 2000, 0)
    assert bayes_classifier(leaking).accuracy(values, universe) > 0.99
    values, universe = replicas(shared, 2000, 0)
    assert bayes_classifier(shared).accuracy(values, universe) == pytest.approx(0.5, abs=0.05)
