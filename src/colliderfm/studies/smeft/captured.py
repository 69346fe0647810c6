"""Study smeft: which universes the contours of a query capture, in the latent and by the spectra.

The contour of k sigma holds a replica of the query with the probability of k standard deviations
(Hotelling's T^2, see ``retrieval``); in the latent it is an ellipsoid of some radius in units of the
query's noise. A universe is captured if its center lies inside. The same radius applied to the
Mahalanobis distance of the spectra says which universes a latent without loss would capture.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from colliderfm.studies.smeft.latent_view import LatentView
from colliderfm.studies.smeft.retrieval import LEVELS_SIGMA


@dataclass(frozen=True)
class Capture:
    """Universes near a query, by latent distance and by the distance of the spectra.

    Parameters
    ----------
    query : int
        Universe that is asked about.
    radius : ndarray, shape (L,)
        Radius of each contour in units of the query's noise.
    latent_distance : ndarray, shape (U,)
        Distance of each universe from the query in the latent, in units of the query's noise.
    spectrum_distance : ndarray, shape (U,)
        The same from the spectra: the Mahalanobis distance.
    """

    query: int
    radius: np.ndarray
    latent_distance: np.ndarray
    spectrum_distance: np.ndarray

    def counts(self) -> list[dict[str, float]]:
        """Count captured universes at each level, the query itself left out.

        Returns
        -------
        list of dict
            ``sigma, radius``, captured in the ``latent``, by ``spectrum``, and in ``both``.
        """
        others = np.arange(len(self.latent_distance)) != self.query
        rows = []
        for level, radius in zip(LEVELS_SIGMA, self.radius, strict=True):
            near = self.latent_distance[others] <= radius
            true = self.spectrum_distance[others] <= radius
            numbers = {"latent": near.sum(), "spectrum": true.sum(), "both": (near & true).sum()}
            rows.append({"sigma": level, "radius": float(radius)} | _integers(numbers))
        return rows


def contour_radius(level_sigma: float, width: int, n_replicas: int) -> float:
    """Radius of a contour in units of the noise.

    Parameters
    ----------
    level_sigma : float
        Standard deviations of a Gaussian with the same probability.
    width : int
        Dimensions D of the latent.
    n_replicas : int
        Replicas n that mean and covariance come from.

    Returns
    -------
    float
        Square root of Hotelling's ``T^2 = D (n - 1) (n + 1) F / (n (n - D))``.
    """
    quantile = stats.f.isf(2.0 * stats.norm.sf(level_sigma), width, n_replicas - width)
    scale = width * (n_replicas - 1) * (n_replicas + 1) / (n_replicas * (n_replicas - width))
    return float(np.sqrt(scale * quantile))


def capture(view: LatentView, distances: np.ndarray, query: int) -> Capture | None:
    """Find the universes near a query in the latent.

    Parameters
    ----------
    view : LatentView
        Test replicas of all universes.
    distances : ndarray, shape (U, U)
        Mahalanobis distances between the universes' spectra.
    query : int
        Universe that is asked about.

    Returns
    -------
    Capture or None
        None if the query has too few replicas for a covariance.
    """
    cloud = view.latent[view.universe == query]
    n_replicas, width = cloud.shape
    if n_replicas <= width + 1:
        return None
    centers = np.full((len(distances), width), np.nan)
    for index in np.unique(view.universe):
        centers[index] = view.latent[view.universe == index].mean(axis=0)
    step = centers - centers[query]
    inverse = np.linalg.pinv(cloud_covariance(cloud), hermitian=True)
    squared = np.einsum("ui,ij,uj->u", step, inverse, step)
    radius = np.array([contour_radius(level, width, n_replicas) for level in LEVELS_SIGMA])
    return Capture(query, radius, np.sqrt(np.maximum(squared, 0.0)), distances[query])


def nearest_to_sm(distance: np.ndarray) -> int:
    """Universe that is asked about: the one nearest to the Standard Model.

    Parameters
    ----------
    distance : ndarray, shape (U,)
        Mahalanobis distances from the Standard Model.

    Returns
    -------
    int
        Its index.
    """
    return int(np.argmin(distance))


def cloud_covariance(points: np.ndarray) -> np.ndarray:
    """Covariance of the replicas of one universe in a latent.

    Parameters
    ----------
    points : ndarray, shape (N, Z)
        Replicas.

    Returns
    -------
    ndarray, shape (Z, Z)
        With a tiny ridge, so that flat directions do not divide by zero.
    """
    covariance = np.atleast_2d(np.cov(points, rowvar=False))
    ridge = 1e-9 * max(float(np.trace(covariance)), 1e-30) / len(covariance)
    return np.asarray(covariance + ridge * np.eye(len(covariance)))


def _integers(numbers: Mapping[str, Any]) -> dict[str, float]:
    """Turn counts into plain integers."""
    return {name: int(number) for name, number in numbers.items()}
