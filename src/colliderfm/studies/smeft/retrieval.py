"""Study smeft: which universes are compatible with a spectrum, and whether the answer covers.

Every candidate universe is a cloud of replicas in the latent. A spectrum lies inside the k-sigma
contour of a universe if Hotelling's T^2 between them is as probable as k standard deviations, with
the finite number of replicas taken into account; inverting the test over the candidates gives the
captured universes. Coverage is then a statement that pseudo-experiments can refute.
Read next: ``coverage.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from colliderfm.errors import PhysicsError
from colliderfm.physics.identifiability import noise_whitener
from colliderfm.physics.noise_model import NoiseModel

LEVELS_SIGMA = (1.0, 3.0, 6.0)
REPLICAS_PER_CLOUD = 200
CALIBRATION_REPLICAS = 100
_FLOOR = 1e-9
_SMALLEST_VARIANCE = 1e-2

Embed = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class LatentClouds:
    """Replicas of U universes in a latent, summarized.

    Parameters
    ----------
    mean : ndarray, shape (U, D)
        Center of each cloud.
    whitener : ndarray, shape (U, D, D)
        ``(z - mean) @ whitener`` has unit covariance.
    log_volume : ndarray, shape (U,)
        Half the logarithm of the determinant of each covariance.
    n_replicas : int
        Replicas per cloud.
    n_directions : ndarray, shape (U,), int
        Directions with noise; T^2 leaves out the others.
    one_sigma, three_sigma : float
        What a Gaussian cloud calls them although 68.27% and 99.73% of further replicas lie inside;
        1 and 3 for a Gaussian latent.
    """

    mean: np.ndarray
    whitener: np.ndarray
    log_volume: np.ndarray
    n_replicas: int
    n_directions: np.ndarray
    one_sigma: float = 1.0
    three_sigma: float = 3.0

    def squared_distances(self, latent: np.ndarray) -> np.ndarray:
        """Return T^2 of each latent (N, D) to each cloud, shape (N, U)."""
        columns = [
            (((latent - mean) @ whitener) ** 2).sum(axis=1)
            for mean, whitener in zip(self.mean, self.whitener, strict=True)
        ]
        return np.stack(columns, axis=1)

    def significance(self, latent: np.ndarray) -> np.ndarray:
        """Return how many standard deviations each latent is from each cloud, shape (N, U).

        Notes
        -----
        ``T^2 n (n - D) / (D (n - 1) (n + 1))`` follows F(D, n - D) for a new Gaussian draw; its
        survival probability is turned into standard deviations of one Gaussian, two-sided. A latent
        that bends is not Gaussian: the measured 1 and 3 sigma correct for it, and beyond 3 sigma the
        line through both goes on.
        """
        raw = sigmas_of(self.squared_distances(latent), self.n_directions, self.n_replicas)
        slope = 2.0 / (self.three_sigma - self.one_sigma)
        beyond = 1.0 + slope * (raw - self.one_sigma)
        return np.where(raw < self.one_sigma, raw / self.one_sigma, beyond)

    def calibrated(self, latent: np.ndarray, universe: np.ndarray) -> LatentClouds:
        """Return the same clouds with 1 and 3 sigma measured on further replicas.

        Parameters
        ----------
        latent : ndarray, shape (N, D)
            Replicas that the clouds were not made from.
        universe : ndarray, shape (N,), int
            Cloud of each.

        Returns
        -------
        LatentClouds
        """
        own = np.empty(len(latent))
        for index in np.unique(universe):
            rows = universe == index
            away = (latent[rows] - self.mean[index]) @ self.whitener[index]
            squared = (away**2).sum(axis=1)
            own[rows] = sigmas_of(squared, self.n_directions[index], self.n_replicas)
        levels = stats.chi2.cdf(np.square(LEVELS_SIGMA[:2]), 1)
        one, three = (float(value) for value in np.quantile(own, levels))
        return replace(self, one_sigma=one, three_sigma=max(three, one + 1e-6))

    def log_likelihood(self, latent: np.ndarray) -> np.ndarray:
        """Return the Gaussian log likelihood of each universe, shape (N, U): eq. 2.4."""
        constant = 0.5 * self.n_directions * np.log(2.0 * np.pi)
        return np.asarray(-0.5 * self.squared_distances(latent) - self.log_volume - constant)


def sigmas_of(
    squared_distance: np.ndarray, latent: int | np.ndarray, n_replicas: int
) -> np.ndarray:
    """Turn Hotelling's T^2 of a new draw into standard deviations.

    Parameters
    ----------
    squared_distance : ndarray
        T^2 with mean and covariance from ``n_replicas`` draws.
    latent : int or ndarray
        Dimensions D, broadcast against the distances.
    n_replicas : int
        Draws n, more than D + 1.

    Returns
    -------
    ndarray, same shape
        Two-sided standard deviations, finite.

    References
    ----------
    H. Hotelling, Ann. Math. Stat. 2 (1931) 360.
    """
    n, width = n_replicas, latent
    if n <= np.max(width) + 1:
        need = f"more than {np.max(width) + 1}"
        raise PhysicsError("replicas of a latent cloud", got=n, need=need)
    statistic = squared_distance * n * (n - width) / (width * (n - 1) * (n + 1))
    probability = np.maximum(stats.f.sf(statistic, width, n - width), 1e-300)
    return np.asarray(stats.norm.isf(0.5 * probability))


def latent_clouds(
    embed: Embed,
    noise: NoiseModel,
    rng: np.random.Generator,
    n_replicas: int = REPLICAS_PER_CLOUD,
) -> LatentClouds:
    """Draw replicas of every universe and summarize them in the latent.

    Parameters
    ----------
    embed : callable
        Spectra (N, B) to latents (N, D).
    noise : NoiseModel
        Universes with their noise.
    rng : numpy.random.Generator
        Advanced by the draw.
    n_replicas : int
        Replicas of each universe.

    Returns
    -------
    LatentClouds
    """
    universe = np.repeat(np.arange(noise.n_universes), n_replicas)
    latent = np.asarray(embed(noise.draw(rng, universe)), dtype=np.float64)
    clouds = summarize_clouds(latent.reshape(noise.n_universes, n_replicas, -1))
    further = np.repeat(np.arange(noise.n_universes), CALIBRATION_REPLICAS)
    return clouds.calibrated(np.asarray(embed(noise.draw(rng, further)), dtype=np.float64), further)


def latent_noise_whitener(
    embed: Embed, noise: NoiseModel, rng: np.random.Generator, n_replicas: int = 30
) -> np.ndarray:
    """Measure the noise in a latent, averaged over universes.

    Parameters
    ----------
    embed : callable
        Spectra (N, B) to latents (N, D).
    noise : NoiseModel
        Universes with their noise; no labels of a cell are used.
    rng : numpy.random.Generator
        Advanced by the draw.
    n_replicas : int
        Replicas of each universe.

    Returns
    -------
    ndarray, shape (D, D)
        ``latent @ whitener`` has unit noise on average.
    """
    universe = np.repeat(np.arange(noise.n_universes), n_replicas)
    latent = np.asarray(embed(noise.draw(rng, universe)), dtype=np.float64)
    clouds = latent.reshape(noise.n_universes, n_replicas, -1)
    residual = (clouds - clouds.mean(axis=1, keepdims=True)).reshape(len(latent), -1)
    covariance = residual.T @ residual / (noise.n_universes * (n_replicas - 1))
    scale = max(float(np.diagonal(covariance).max()), 1e-30)
    return noise_whitener(covariance + _FLOOR * scale * np.eye(len(covariance)), floor=_FLOOR)


def exact_clouds(matrix: np.ndarray, center: np.ndarray, noise: NoiseModel) -> LatentClouds:
    """Clouds of a linear latent, without replicas.

    Parameters
    ----------
    matrix : ndarray, shape (B, D)
        Projection.
    center : ndarray, shape (B,), pb/GeV
        Spectrum at the origin.
    noise : NoiseModel
        Universes with their noise.

    Returns
    -------
    LatentClouds
        As from a million replicas; directions almost without noise are left out.
    """
    n_universes, width = noise.n_universes, matrix.shape[1]
    whitener = np.zeros((n_universes, width, width))
    log_volume, n_directions = np.zeros(n_universes), np.zeros(n_universes, dtype=np.int64)
    for index in range(n_universes):
        if index and len(noise.sigma) == 1:
            whitener[index], log_volume[index] = whitener[0], log_volume[0]
            n_directions[index] = n_directions[0]
            continue
        variance, axes = np.linalg.eigh(matrix.T @ noise.covariance(index) @ matrix)
        # Below it rounding of single-precision replicas is as large as their noise.
        has_noise = variance > _SMALLEST_VARIANCE * variance[-1]
        whitener[index] = np.where(has_noise, axes / np.sqrt(np.where(has_noise, variance, 1.0)), 0)
        log_volume[index] = 0.5 * np.log(variance[has_noise]).sum()
        n_directions[index] = has_noise.sum()
    mean = (noise.mean - center) @ matrix
    return LatentClouds(mean, whitener, log_volume, 1_000_000, n_directions)


def summarize_clouds(latent: np.ndarray) -> LatentClouds:
    """Mean and covariance of the latents of each universe.

    Parameters
    ----------
    latent : ndarray, shape (U, R, D)
        Replicas.

    Returns
    -------
    LatentClouds
        Latent directions without any spread get a tiny one, so that they do not divide by zero.
    """
    mean = latent.mean(axis=1)
    whitener = np.empty((len(latent), latent.shape[2], latent.shape[2]))
    log_volume = np.empty(len(latent))
    floor = _FLOOR * latent.var(axis=1).mean(axis=0) + 1e-30
    for index, cloud in enumerate(latent):
        covariance = np.atleast_2d(np.cov(cloud, rowvar=False)) + np.diag(floor)
        whitener[index] = noise_whitener(covariance, floor=_FLOOR)
        log_volume[index] = 0.5 * np.linalg.slogdet(covariance)[1]
    n_directions = np.full(len(latent), latent.shape[2])
    return LatentClouds(mean, whitener, log_volume, latent.shape[1], n_directions)
