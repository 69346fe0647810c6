"""Linear maps of spectra to few numbers: principal components and discriminants.

The rivals of a learned embedding: where one of these is as good, the network earns nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from colliderfm.errors import PhysicsError


@dataclass(frozen=True)
class LinearEmbedding:
    """An affine map ``(values - center) @ matrix``.

    Parameters
    ----------
    name : str
        Of the method.
    center : ndarray, shape (B,)
        Mean of the training spectra.
    matrix : ndarray, shape (B, D)
        Directions.
    explained : ndarray, shape (D,)
        Share of the variance (PCA) or of the separation of classes (LDA) along each.
    """

    name: str
    center: np.ndarray
    matrix: np.ndarray
    explained: np.ndarray

    def transform(self, values: np.ndarray) -> np.ndarray:
        """Embed spectra.

        Parameters
        ----------
        values : ndarray, shape (N, B), pb/GeV
            Spectra.

        Returns
        -------
        ndarray, shape (N, D)
            Their embedding.
        """
        return np.asarray((np.asarray(values, dtype=np.float64) - self.center) @ self.matrix)


def fit_pca(
    values: np.ndarray, n_dimensions: int, whitener: np.ndarray | None = None
) -> LinearEmbedding:
    """Principal components, of raw spectra or of spectra in units of their noise.

    Parameters
    ----------
    values : ndarray, shape (N, B), pb/GeV
        Training spectra; no labels are used.
    n_dimensions : int
        Components D to keep.
    whitener : ndarray, shape (B, R), optional
        From ``physics.identifiability.noise_whitener``, or a diagonal of inverse errors. Without
        it the components of the raw densities are taken, which the largest bins decide.

    Returns
    -------
    LinearEmbedding
        Onto the directions of largest variance.

    Raises
    ------
    PhysicsError
        If there are fewer spectra or bins than dimensions.
    """
    _check_dimensions(n_dimensions, min(values.shape), "spectra and bins")
    values = np.asarray(values, dtype=np.float64)
    center = values.mean(axis=0)
    inputs = values - center if whitener is None else (values - center) @ whitener
    fit = PCA(n_dimensions, svd_solver="full").fit(inputs)
    components = fit.components_.T
    matrix = components if whitener is None else whitener @ components
    name = "pca" if whitener is None else "pca-whitened"
    return LinearEmbedding(name, center, matrix, fit.explained_variance_ratio_)


def fit_lda(
    values: np.ndarray,
    label: np.ndarray,
    n_dimensions: int,
    sigma: np.ndarray,
    shrinkage: float = 1e-3,
) -> LinearEmbedding:
    """Fisher's linear discriminants: directions that separate universes best.

    Parameters
    ----------
    values : ndarray, shape (N, B), pb/GeV
        Training spectra.
    label : ndarray, shape (N,), int
        Their universes.
    n_dimensions : int
        Discriminants D to keep, fewer than universes.
    sigma : ndarray, shape (B,), pb/GeV
        Noise per bin: the unit in which the covariance shrinks towards the identity.
    shrinkage : float
        Share of the identity in the covariance within classes; correlated noise is singular.

    Returns
    -------
    LinearEmbedding
        With the covariance within classes as unit.

    Raises
    ------
    PhysicsError
        If there are too few universes or bins for the dimensions.
    """
    limit = min(len(np.unique(label)) - 1, values.shape[1])
    _check_dimensions(n_dimensions, limit, "bins, and universes less one")
    center = np.asarray(values, dtype=np.float64).mean(axis=0)
    inputs = (values - center) / sigma
    fit = LinearDiscriminantAnalysis(solver="eigen", shrinkage=shrinkage).fit(inputs, label)
    matrix = fit.scalings_[:, :n_dimensions] / sigma[:, None]
    return LinearEmbedding("lda", center, matrix, fit.explained_variance_ratio_[:n_dimensions])


def _check_dimensions(n_dimensions: int, limit: int, of_what: str) -> None:
    if not 1 <= n_dimensions <= limit:
        need = f"1 to {limit}, the number of {of_what}"
        raise PhysicsError("dimensions of a linear embedding", got=n_dimensions, need=need)
