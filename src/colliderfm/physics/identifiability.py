"""What spectra can tell about Wilson coefficients: whitening, distances, Fisher information.

Distances here are the truth that a learned distance is held against.
"""

from __future__ import annotations

import numpy as np

from colliderfm.errors import PhysicsError
from colliderfm.physics.spectrum_table import Array, SpectrumTable

# Relative to the largest singular value: tables carry nine digits.
_RANK_TOLERANCE = 1e-6


def noise_whitener(covariance: Array, floor: float = 1e-6) -> Array:
    """Matrix that turns noise into independent unit noise.

    Parameters
    ----------
    covariance : ndarray, shape (B, B)
        Symmetric, positive diagonal; singular ones are fine.
    floor : float
        Smallest eigenvalue of the correlation matrix that counts: smaller ones are raised to it.
        A smooth kernel leaves directions without noise, which would outweigh everything.

    Returns
    -------
    ndarray, shape (B, B)
        W with ``W^T covariance W = 1``, so that ``values @ W`` is white; in directions below the
        floor the variance of the result is below 1.

    Raises
    ------
    PhysicsError
        If a bin has no variance or an eigenvalue is negative beyond rounding.
    """
    variance = np.diagonal(covariance)
    if not (variance > 0.0).all():
        worst = int(np.argmin(variance))
        raise PhysicsError(f"covariance: bin {worst}", got=float(variance[worst]), need="> 0")
    sigma = np.sqrt(variance)
    # Bins span six decades: eigenvalues of the covariance itself would drown the small ones.
    eigenvalue, vector = np.linalg.eigh(covariance / (sigma[:, None] * sigma))
    if eigenvalue[0] < -1e-5 * eigenvalue[-1]:
        raise PhysicsError(
            "covariance is not positive semi-definite",
            got=f"an eigenvalue {eigenvalue[0]:.3g} of its correlation matrix",
        )
    whitener: Array = vector / np.sqrt(np.maximum(eigenvalue, floor)) / sigma[:, None]
    return whitener


def mahalanobis_distances(
    mean_a: Array, mean_b: Array, covariance: Array, floor: float = 1e-6
) -> Array:
    """Distances between spectra in units of the noise.

    Parameters
    ----------
    mean_a : ndarray, shape (A, B)
        Spectra.
    mean_b : ndarray, shape (C, B)
        Spectra.
    covariance : ndarray, shape (B, B)
        Noise that both share.
    floor : float
        As for ``noise_whitener``.

    Returns
    -------
    ndarray, shape (A, C)
        ``sqrt((a - b)^T covariance^-1 (a - b))``.
    """
    whitener = noise_whitener(covariance, floor)
    # Differences from one spectrum: the mean itself is thousands of sigmas long.
    white_a, white_b = (mean_a - mean_b[:1]) @ whitener, (mean_b - mean_b[:1]) @ whitener
    squared = (white_a**2).sum(axis=1)[:, None] + (white_b**2).sum(axis=1) - 2 * white_a @ white_b.T
    return np.asarray(np.sqrt(np.maximum(squared, 0.0)))


def fisher_information(
    table: SpectrumTable, covariance: Array, wilson: Array | None = None, order: str = "quadratic"
) -> Array:
    """Fisher information on the Wilson coefficients, the covariance held fixed.

    Parameters
    ----------
    table : SpectrumTable
        Response of the spectra.
    covariance : ndarray, shape (B, B), (pb/GeV)^2
        Noise.
    wilson : ndarray, shape (K,), optional
        Where to evaluate it; without it at the Standard Model.
    order : {"linear", "quadratic"}
        Where the series is cut.

    Returns
    -------
    ndarray, shape (K, K)
        ``J^T covariance^-1 J`` with the derivatives J of the spectrum.
    """
    white = response(table, wilson, order) @ noise_whitener(covariance)
    return np.asarray(white @ white.T)


def response(table: SpectrumTable, wilson: Array | None = None, order: str = "quadratic") -> Array:
    """Differentiate the spectrum with respect to the Wilson coefficients.

    Parameters
    ----------
    table : SpectrumTable
        Polynomials of all bins.
    wilson : ndarray, shape (K,), optional
        Where to evaluate them; without it at the Standard Model.
    order : {"sm", "linear", "quadratic"}
        Where the series is cut.

    Returns
    -------
    ndarray, shape (K, B), pb/GeV
        One row per operator.

    Raises
    ------
    PhysicsError
        If quadratic terms are asked of a table that has none.
    """
    slope_pb = table.linear_pb.copy() if order != "sm" else np.zeros_like(table.linear_pb)
    if order == "quadratic" and wilson is not None:
        if table.order != "quadratic":
            raise PhysicsError("this table has no quadratic terms", need="order linear")
        first, second = np.triu_indices(len(table.operators))
        # d(C_i C_j) gives one term to each row; for i = j both add up to 2 C_i.
        np.add.at(slope_pb, first, wilson[second, None] * table.quadratic_pb)
        np.add.at(slope_pb, second, wilson[first, None] * table.quadratic_pb)
    return np.asarray(slope_pb / table.width_gev)


def identifiable_directions(
    table: SpectrumTable, sigma: Array, tolerance: float = _RANK_TOLERANCE
) -> tuple[Array, Array, int]:
    """Find the combinations of Wilson coefficients that spectra see, at linear order.

    Parameters
    ----------
    table : SpectrumTable
        Linear response.
    sigma : ndarray, shape (B,), pb/GeV
        Noise per bin, e.g. from ``replicas.poisson_sigma``.
    tolerance : float
        Smallest singular value that counts, relative to the largest.

    Returns
    -------
    tuple of (ndarray (K,), ndarray (K, K), int)
        Singular values in units of the noise per unit coefficient, largest first; their directions
        in the space of coefficients as orthonormal rows, the component of largest size positive;
        and how many count.
    """
    left, singular, _ = np.linalg.svd(response(table, order="linear") / sigma, full_matrices=True)
    n_operators = len(table.operators)
    values = np.zeros(n_operators)
    values[: len(singular)] = singular
    largest = np.argmax(np.abs(left), axis=0)
    directions = (left * np.sign(left[largest, np.arange(n_operators)])).T
    rank = int((values > tolerance * values[0]).sum())
    return values, np.asarray(directions), rank
