"""The best possible classifiers of spectra whose means and covariances are known, and neighbors.

No method that sees replicas alone can beat the first; every learned accuracy is quoted beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.neighbors import KNeighborsClassifier

from colliderfm.errors import PhysicsError
from colliderfm.physics.identifiability import noise_whitener
from colliderfm.physics.replicas import NoiseModel

_ROWS = 8192


@dataclass(frozen=True)
class GaussianClassifier:
    """Maximum likelihood over Gaussian classes with equal prior.

    Parameters
    ----------
    mean : ndarray, shape (U, B), pb/GeV
        Spectra of the universes.
    whitener : ndarray, shape (U or 1, B, R)
        Of each covariance, or of the one that all share.
    log_volume : ndarray, shape (U or 1,)
        Half the log determinant of each covariance, up to a common constant.
    """

    mean: np.ndarray
    whitener: np.ndarray
    log_volume: np.ndarray

    def log_likelihood(self, values: np.ndarray) -> np.ndarray:
        """Log likelihood of every universe.

        Parameters
        ----------
        values : ndarray, shape (N, B), pb/GeV
            Spectra.

        Returns
        -------
        ndarray, shape (N, U)
            Up to a constant that all universes share.
        """
        result = np.empty((len(values), len(self.mean)))
        # Relative to one mean: the distance from zero is thousands of sigmas.
        shifted = np.asarray(values, dtype=np.float64) - self.mean[:1]
        mean = self.mean - self.mean[:1]
        for first in range(0, len(values), _ROWS):
            part = shifted[first : first + _ROWS]
            result[first : first + _ROWS] = self._part(part, mean)
        return result

    def _part(self, values: np.ndarray, mean: np.ndarray) -> np.ndarray:
        if len(self.whitener) == 1:
            white, center = values @ self.whitener[0], mean @ self.whitener[0]
            squared = (white**2).sum(axis=1)[:, None] + (center**2).sum(axis=1)
            return np.asarray(-0.5 * (squared - 2.0 * white @ center.T))
        result = np.empty((len(values), len(mean)))
        for universe, (center, whitener) in enumerate(zip(mean, self.whitener, strict=True)):
            squared = (((values - center) @ whitener) ** 2).sum(axis=1)
            result[:, universe] = -0.5 * squared - self.log_volume[universe]
        return result

    def probability(self, values: np.ndarray) -> np.ndarray:
        """Posterior probability of every universe.

        Parameters
        ----------
        values : ndarray, shape (N, B), pb/GeV
            Spectra.

        Returns
        -------
        ndarray, shape (N, U)
            Rows that add up to one.
        """
        likelihood = self.log_likelihood(values)
        weight = np.exp(likelihood - likelihood.max(axis=1, keepdims=True))
        return np.asarray(weight / weight.sum(axis=1, keepdims=True))

    def predict(self, values: np.ndarray) -> np.ndarray:
        """Most likely universe.

        Parameters
        ----------
        values : ndarray, shape (N, B), pb/GeV
            Spectra.

        Returns
        -------
        ndarray, shape (N,), int
            Index of the universe.
        """
        return np.asarray(self.log_likelihood(values).argmax(axis=1))

    def accuracy(self, values: np.ndarray, universe: np.ndarray) -> float:
        """Share of spectra whose universe is found.

        Parameters
        ----------
        values : ndarray, shape (N, B), pb/GeV
            Spectra.
        universe : ndarray, shape (N,), int
            The truth.

        Returns
        -------
        float
            In [0, 1].
        """
        return float((self.predict(values) == universe).mean())


def bayes_classifier(model: NoiseModel, floor: float = 1e-6) -> GaussianClassifier:
    """Classifier that knows mean and covariance of every universe: the optimum.

    Parameters
    ----------
    model : NoiseModel
        What draws the replicas.
    floor : float
        Smallest eigenvalue of a correlation matrix that counts; see ``noise_whitener``.

    Returns
    -------
    GaussianClassifier
        Bayes' decision for equal prior; uses per-universe covariances where the model has them.
    """
    covariances = [model.covariance(universe) for universe in range(len(model.sigma))]
    return _classifier(model.mean, covariances, floor)


def mahalanobis_classifier(
    mean: np.ndarray, covariance: np.ndarray, floor: float = 1e-6
) -> GaussianClassifier:
    """Classifier by the distance to each mean in units of one covariance.

    Parameters
    ----------
    mean : ndarray, shape (U, B), pb/GeV
        Spectra of the universes.
    covariance : ndarray, shape (B, B), (pb/GeV)^2
        Of all of them, e.g. that of the Standard Model.
    floor : float
        As for ``bayes_classifier``.

    Returns
    -------
    GaussianClassifier
        Optimal where all universes share the covariance.
    """
    return _classifier(mean, [covariance], floor)


def _classifier(
    mean: np.ndarray, covariances: list[np.ndarray], floor: float
) -> GaussianClassifier:
    log_volume = []
    for covariance in covariances:
        sigma = np.sqrt(np.diagonal(covariance))
        eigenvalue = np.linalg.eigvalsh(covariance / (sigma[:, None] * sigma))
        log_volume.append(np.log(sigma).sum() + 0.5 * np.log(np.maximum(eigenvalue, floor)).sum())
    whitener = np.stack([noise_whitener(covariance, floor) for covariance in covariances])
    return GaussianClassifier(mean, whitener, np.array(log_volume))


def neighbor_accuracy(
    train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray], n_neighbors: int = 15
) -> float:
    """Accuracy of the vote of nearest neighbors in an embedding.

    Parameters
    ----------
    train, test : tuple of (ndarray (N, D), ndarray (N,))
        Embedded spectra and their universes.
    n_neighbors : int
        Voters.

    Returns
    -------
    float
        Share of test spectra whose universe wins the vote.

    Raises
    ------
    PhysicsError
        If there are fewer training spectra than voters.
    """
    if len(train[1]) < n_neighbors:
        raise PhysicsError("nearest neighbors", got=f"{len(train[1])} spectra", need=n_neighbors)
    return float(KNeighborsClassifier(n_neighbors).fit(*train).score(*test))
