"""Points in the space of Wilson coefficients: priors, sparsity, and widths from the sensitivity.

All 31 coefficients of the source study are drawn, although 14 of them change no spectrum: what a
method claims to know about those is a test of the method. Read next: ``universes``.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from colliderfm.errors import ConfigError, PhysicsError
from colliderfm.physics.identifiability import noise_whitener, response
from colliderfm.physics.operators import CONTRIBUTING, INERT
from colliderfm.physics.replicas import poisson_sigma
from colliderfm.physics.spectrum_table import Array, SpectrumTable

Order = Literal["sm", "linear", "quadratic"]
Sampling = Literal["log_uniform", "gaussian", "informed"]
Sparsity = Literal["coefficient", "universe", "none"]

COEFFICIENTS: tuple[str, ...] = (*CONTRIBUTING, *INERT)
N_CONTRIBUTING = len(CONTRIBUTING)
# Eqs. 3.2 and 3.3 of the source study, at Lambda = 1 TeV.
SMALLEST_COEFFICIENT, LARGEST_COEFFICIENT = 1e-4, 2.0
LARGEST_ZERO_PROBABILITY = 0.4
GAUSSIAN_WIDTH = 0.5


def sample_wilson(
    n: int,
    seed: int,
    sampling: Sampling = "log_uniform",
    sparsity: Sparsity = "coefficient",
    width: Array | float = GAUSSIAN_WIDTH,
) -> Array:
    """Draw Wilson coefficients of n universes.

    Parameters
    ----------
    n : int
        Number of universes.
    seed : int
        Seed; equal arguments give equal numbers.
    sampling : {"log_uniform", "gaussian", "informed"}
        ``|C|`` log-uniform in [1e-4, 2] with either sign (eq. 3.2), or Gaussian around zero.
    sparsity : {"coefficient", "universe", "none"}
        Each coefficient is zero with probability p, p uniform in [0, 0.4] and drawn for each
        coefficient or once per universe (eq. 3.3), or none is.
    width : float or ndarray, shape (31,)
        Standard deviation of the Gaussians; ``informed`` needs those of ``informed_widths``.

    Returns
    -------
    ndarray, shape (n, 31)
        Columns ``COEFFICIENTS``.

    Raises
    ------
    ConfigError
        For an unknown sampling or sparsity, or fewer than one universe.
    """
    check_choice("sampling", sampling, ("log_uniform", "gaussian", "informed"))
    check_choice("sparsity", sparsity, ("coefficient", "universe", "none"))
    if n < 1:
        raise ConfigError("number of universes", got=n, need=">= 1")
    rng = np.random.default_rng(seed)
    shape = (n, len(COEFFICIENTS))
    if sampling == "log_uniform":
        low, high = np.log(SMALLEST_COEFFICIENT), np.log(LARGEST_COEFFICIENT)
        wilson = np.exp(rng.uniform(low, high, shape)) * rng.choice([-1, 1], shape)
    else:
        wilson = rng.standard_normal(shape) * width
    p_shape = (n, 1) if sparsity == "universe" else shape
    p_zero = rng.uniform(0.0, LARGEST_ZERO_PROBABILITY, p_shape)
    is_zero = (rng.uniform(size=shape) < p_zero) & (sparsity != "none")
    return np.asarray(np.where(is_zero, 0.0, wilson))


def informed_widths(
    table: SpectrumTable,
    delta_sigma_rel: float = 0.01,
    n_sigma: float = 5.0,
    order: Order = "quadratic",
    covariance: Array | None = None,
) -> Array:
    """Widths at which every operator shifts the spectrum by the same number of sigmas.

    Parameters
    ----------
    table : SpectrumTable
        Response of the spectra.
    delta_sigma_rel : float
        Noise of independent bins, used without ``covariance``.
    n_sigma : float
        Length of the shift of the whole spectrum, root mean square of both signs, by one operator
        alone at one width.
    order : {"linear", "quadratic"}
        Whether the square of the coefficient shifts the spectrum as well.
    covariance : ndarray, shape (B, B), (pb/GeV)^2, optional
        Other noise.

    Returns
    -------
    ndarray, shape (31,)
        At most 2, the largest coefficient of the source study, where an operator hardly shifts
        anything; inert operators get the geometric mean of the others, so that they cannot be told
        by their size.

    Raises
    ------
    PhysicsError
        If ``n_sigma`` is not positive or quadratic terms are asked of a table that has none.
    """
    if n_sigma <= 0.0:
        raise PhysicsError("informed sampling: n_sigma", got=n_sigma, need="> 0")
    if covariance is None:
        covariance = np.diag(poisson_sigma(table, delta_sigma_rel) ** 2)
    whitener = noise_whitener(covariance)
    unit = np.eye(N_CONTRIBUTING)
    slope = response(table, order="linear")
    # sigma(C) - SM - C slope = C^2 curvature
    curvature = (table.predict_pb(unit, order) - table.sm_pb) / table.width_gev - slope
    first = ((slope @ whitener) ** 2).sum(axis=1)
    second = ((curvature @ whitener) ** 2).sum(axis=1)
    # Solves w^2 first + w^4 second = n_sigma^2; the mixed term cancels between the signs.
    root = np.sqrt(first**2 + 4.0 * second * n_sigma**2)
    widths = np.sqrt(2.0 * n_sigma**2 / np.maximum(first + root, 1e-300))
    widths = np.minimum(widths, LARGEST_COEFFICIENT)
    inert = np.full(len(INERT), np.exp(np.log(widths).mean()))
    return np.concatenate([widths, inert])


def check_choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    """Refuse a word that is not among the allowed ones.

    Parameters
    ----------
    name : str
        Of the option.
    value : str
        Its value.
    allowed : tuple of str
        All of them.

    Raises
    ------
    ConfigError
        If the value is another.
    """
    if value not in allowed:
        raise ConfigError(name, got=value, need=f"one of {', '.join(allowed)}")
