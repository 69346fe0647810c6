from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from colliderfm.errors import PhysicsError
from colliderfm.physics.identifiability import mahalanobis_distances, noise_whitener
from colliderfm.studies.smeft.coverage import coverage
from colliderfm.studies.smeft.data import SmeftData
from colliderfm.studies.smeft.retrieval import (
    exact_clouds,
    latent_clouds,
    latent_noise_whitener,
    sigmas_of,
    summarize_clouds,
)


@pytest.fixture
def clouds_and_draws() -> tuple[np.ndarray, np.ndarray]:
    """Replicas (U, R, D) of two correlated Gaussians, and new draws of the first."""
    rng = np.random.default_rng(3)
    factor = np.array([[2.0, 0.0, 0.0], [1.0, 0.5, 0.0], [-3.0, 0.1, 0.01]])
    mean = np.array([[0.0, 0.0, 0.0], [50.0, -20.0, 10.0]])
    latent = mean[:, None] + rng.standard_normal((2, 60, 3)) @ factor.T
    return latent, rng.standard_normal((4000, 3)) @ factor.T


def test_a_latent_that_bends_is_calibrated_on_further_replicas() -> None:
    """Cubed Gaussians have long tails: without calibration 3 sigma contain far too little."""
    rng = np.random.default_rng(5)
    universe = np.repeat(np.arange(4), 5000)
    clouds = summarize_clouds(rng.standard_normal((4, 400, 3)) ** 3)
    draws = rng.standard_normal((len(universe), 3)) ** 3
    calibrated = clouds.calibrated(rng.standard_normal((len(universe), 3)) ** 3, universe)
    shares = [
        [(some.significance(draws)[:, 0] <= level).mean() for level in (1.0, 3.0)]
        for some in (clouds, calibrated)
    ]
    assert shares[0][1] < 0.97
    assert shares[1] == pytest.approx([0.6827, 0.9973], abs=0.015)


def test_one_sigma_of_a_known_gaussian_is_its_chi_square_quantile() -> None:
    quantile = stats.chi2.ppf(stats.chi2.cdf(1.0, 1), 8)
    assert sigmas_of(np.array([quantile]), 8, 10**7)[0] == pytest.approx(1.0, abs=1e-4)
    assert sigmas_of(np.array([9.0]), 1, 10**7)[0] == pytest.approx(3.0, abs=1e-4)


def test_few_replicas_make_contours_wider() -> None:
    wide, narrow = (sigmas_of(np.array([20.0]), 4, n)[0] for n in (10, 1000))
    assert wide < narrow
    with pytest.raises(PhysicsError, match="cloud"):
        sigmas_of(np.array([1.0]), 4, 5)


def test_contours_of_gaussian_clouds_cover(
    clouds_and_draws: tuple[np.ndarray, np.ndarray],
) -> None:
    """Over many clouds of 60 replicas: the F distribution, not chi-square, gives 68.27%."""
    rng = np.random.default_rng(1)
    clouds = summarize_clouds(rng.standard_normal((500, 20, 4)))
    found = coverage(clouds.significance(rng.standard_normal((500, 4)))[np.arange(500), range(500)])
    assert [one.level_sigma for one in found] == [1.0, 3.0, 6.0]
    assert all(one.is_within for one in found)
    latent, draws = clouds_and_draws
    significance = summarize_clouds(latent).significance(draws)
    assert (significance[:, 0] <= 3.0).mean() > 0.98
    assert (significance[:, 1] > 6.0).all()


def test_latent_likelihood_is_the_gaussian_density(
    clouds_and_draws: tuple[np.ndarray, np.ndarray],
) -> None:
    latent, draws = clouds_and_draws
    found = summarize_clouds(latent).log_likelihood(draws[:5])
    for universe in range(2):
        density = stats.multivariate_normal(
            latent[universe].mean(axis=0), np.cov(latent[universe], rowvar=False)
        )
        assert found[:, universe] == pytest.approx(density.logpdf(draws[:5]), rel=1e-3)


def test_a_latent_axis_without_spread_does_not_divide_by_zero() -> None:
    latent = np.random.default_rng(0).standard_normal((3, 30, 2))
    latent[..., 1] = 0.0
    assert np.isfinite(summarize_clouds(latent).significance(latent[0])).all()


def test_whitened_bins_have_exact_clouds(data: SmeftData) -> None:
    whitener = noise_whitener(data.covariance)
    clouds = exact_clouds(whitener, data.sm, data.seen)
    values = data.test.values[:20]
    found = np.sqrt(clouds.squared_distances((values - data.sm) @ whitener))
    true = mahalanobis_distances(values, data.seen.mean, data.covariance)
    assert found == pytest.approx(true, rel=1e-3)


def test_replicas_reproduce_the_noise_of_a_linear_latent(data: SmeftData) -> None:
    matrix = np.diag(1.0 / data.sigma)[:, :5]

    def embed(values: np.ndarray) -> np.ndarray:
        return (values - data.sm) @ matrix

    clouds = latent_clouds(embed, data.seen, np.random.default_rng(0), 400)
    exact = exact_clouds(matrix, data.sm, data.seen)
    assert np.abs(clouds.mean - exact.mean).max() < 0.3
    whitener = latent_noise_whitener(embed, data.seen, np.random.default_rng(1), 100)
    covariance = np.linalg.inv(whitener @ whitener.T)
    assert covariance == pytest.approx(np.eye(5), abs=0.2)
