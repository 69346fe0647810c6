"""How good a latent space of labeled points is: simple classifiers on it, and its distances.

Classifiers are the same for learned and linear embeddings, so that the embedding alone differs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.neighbors import KNeighborsClassifier

from colliderfm.errors import PhysicsError

Labeled = tuple[np.ndarray, np.ndarray]

NEIGHBORS = 15
_BOOTSTRAP_REPLICAS = 200


@dataclass(frozen=True)
class HeadAccuracies:
    """Accuracy of two simple heads on frozen latents.

    Parameters
    ----------
    neighbors : float
        Vote of the 15 nearest labeled latents.
    linear : float
        Linear discriminant analysis: a linear head, fitted in closed form.
    """

    neighbors: float
    linear: float


@dataclass(frozen=True)
class RankCorrelation:
    """Spearman correlation of two sets of distances.

    Parameters
    ----------
    value : float
        Over all pairs of points.
    error : float
        Bootstrap error over points.
    replicas : ndarray, shape (R,)
        Bootstrap values; the same points and seed give paired ones.
    """

    value: float
    error: float
    replicas: np.ndarray


def head_accuracies(train: Labeled, test: Labeled) -> HeadAccuracies:
    """Fit two simple heads on labeled latents and score them on others.

    Parameters
    ----------
    train, test : tuple of (ndarray (N, D), ndarray (N,))
        Latents and classes.

    Returns
    -------
    HeadAccuracies

    Raises
    ------
    PhysicsError
        If latents are not finite or there are fewer training points than neighbors.
    """
    if len(train[1]) < NEIGHBORS:
        raise PhysicsError("labeled latents", got=len(train[1]), need=f">= {NEIGHBORS}")
    for latent, _ in (train, test):
        if not np.isfinite(latent).all():
            raise PhysicsError("latents", got="NaN or infinity", need="finite numbers")
    neighbors = KNeighborsClassifier(NEIGHBORS).fit(*train).score(*test)
    # One scale for all directions: a latent of tiny spread must not fall below a solver's tolerance.
    scale = max(float(train[0].std()), 1e-30)
    linear = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=1e-6)
    linear.fit(train[0] / scale, train[1])
    return HeadAccuracies(float(neighbors), float(linear.score(test[0] / scale, test[1])))


def rank_correlation(latent: np.ndarray, distance: np.ndarray, seed: int = 0) -> RankCorrelation:
    """Correlate the ranks of latent distances with those of given distances.

    Parameters
    ----------
    latent : ndarray, shape (U, D)
        One point per universe.
    distance : ndarray, shape (U, U)
        True distances, symmetric.
    seed : int
        Of the bootstrap.

    Returns
    -------
    RankCorrelation
        Over the pairs of different points.

    Raises
    ------
    PhysicsError
        For fewer than three points or shapes that do not fit.
    """
    learned = _distances(latent, distance)
    n = len(latent)
    first, second = np.triu_indices(n, 1)
    rng = np.random.default_rng(seed)
    replicas = np.empty(_BOOTSTRAP_REPLICAS)
    for k in range(_BOOTSTRAP_REPLICAS):
        drawn = rng.integers(0, n, n)
        i, j = drawn[first], drawn[second]
        is_pair = i != j
        replicas[k] = _spearman(learned[i, j][is_pair], distance[i, j][is_pair])
    value = _spearman(learned[first, second], distance[first, second])
    return RankCorrelation(value, float(replicas.std(ddof=1)), replicas)


def rank_correlation_value(latent: np.ndarray, distance: np.ndarray) -> float:
    """Return the value of ``rank_correlation`` without its bootstrap, which takes most of the time.

    Parameters
    ----------
    latent, distance : ndarray, shapes (U, D) and (U, U)
        As for ``rank_correlation``.

    Returns
    -------
    float
        Spearman's correlation over the pairs of different points.

    Raises
    ------
    PhysicsError
        As for ``rank_correlation``.
    """
    pairs = np.triu_indices(len(latent), 1)
    return _spearman(_distances(latent, distance)[pairs], distance[pairs])


def _distances(latent: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Return the distances of all points, shape (U, U), after a check of the given ones."""
    n = len(latent)
    if n < 3 or distance.shape != (n, n):
        raise PhysicsError(
            "rank correlation of distances",
            got=f"{n} points, distances {distance.shape}",
            need="three points, one row and column each",
        )
    centered = np.asarray(latent, dtype=np.float64) - np.mean(latent, axis=0)
    return np.asarray(np.linalg.norm(centered[:, None] - centered, axis=2))


def _spearman(first: np.ndarray, second: np.ndarray) -> float:
    a, b = (rankdata(values) for values in (first, second))
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / norm if norm > 0.0 else 0.0
