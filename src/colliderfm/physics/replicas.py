"""Noise of spectra: effective luminosity, variance per bin, correlation, alpha.

Spectra are densities dsigma/dX in pb/GeV. As in the source study each observable is a block of its own.
But the bins of m_ll and pT count the same events: ``NoiseSettings.joint`` correlates the blocks, with
the cross sections that two bins share (``joint_bins``). Read next: ``noise_model``, which draws.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from colliderfm.errors import PhysicsError
from colliderfm.physics.noise_model import IntArray, NoiseModel, chunk_generator
from colliderfm.physics.spectrum_table import Array, SpectrumTable

__all__ = [
    "HARD_NOISE",
    "STUDY_NOISE",
    "NoiseModel",
    "NoiseSettings",
    "alpha",
    "chunk_generator",
    "correlation_matrix",
    "effective_luminosity_per_pb",
    "noise_model",
    "poisson_sigma",
]

# Directions of the correlation with less variance than this are below float32 rounding of a value.
_SMALLEST_EIGENVALUE = 1e-9


@dataclass(frozen=True)
class NoiseSettings:
    """How replicas scatter about their mean.

    Parameters
    ----------
    kind : {"correlated", "independent"}
        Gaussian kernel between bins of one observable, or no correlation.
    delta_sigma_rel : float
        Relative error of the total cross section; fixes the effective luminosity.
    length_gev : float
        Length of the kernel.
    rescale : bool
        Scale each block so that its total has the Poisson variance (alpha). Independent bins have
        it already: alpha is 1.
    per_universe : bool
        Variances from each universe's own mean, or from the Standard Model for all. Shared ones
        leave nothing but the mean to tell universes apart.
    calibration : {"sm", "universe"}
        Luminosity and alpha of the Standard Model for all, or of each universe.
    uncorrelated_fraction : float
        Share of the variance that is moved to the diagonal of the correlation.
    joint : bool
        Whether observables fluctuate together because they count the same events.

    Raises
    ------
    PhysicsError
        For a value that is out of range.
    """

    kind: Literal["correlated", "independent"] = "correlated"
    delta_sigma_rel: float = 0.002
    length_gev: float = 35.0
    rescale: bool = True
    per_universe: bool = True
    calibration: Literal["sm", "universe"] = "sm"
    uncorrelated_fraction: float = 0.0
    joint: bool = False

    def __post_init__(self) -> None:
        for name in ("delta_sigma_rel", "length_gev"):
            if not 0.0 < getattr(self, name) < np.inf:
                raise PhysicsError(f"noise: {name}", got=getattr(self, name), need="> 0")
        if not 0.0 <= self.uncorrelated_fraction <= 1.0:
            got = self.uncorrelated_fraction
            raise PhysicsError("noise: uncorrelated_fraction", got=got, need="0 to 1")


# The noise of the source study, and the variant that is not nearly free of noise.
STUDY_NOISE = NoiseSettings()
HARD_NOISE = NoiseSettings(kind="independent", delta_sigma_rel=0.01, per_universe=False)


def effective_luminosity_per_pb(table: SpectrumTable, delta_sigma_rel: float) -> float:
    """Luminosity at which the total cross section has a given Poisson error.

    Parameters
    ----------
    table : SpectrumTable
        Its Standard-Model total counts: over m_ll, or both halves of it, or the only observable.
    delta_sigma_rel : float
        Relative error of the total.

    Returns
    -------
    float
        ``sigma / (delta sigma)^2`` in 1/pb.
    """
    return 1.0 / (delta_sigma_rel**2 * float(table.sm_pb[_bins_of_total(table)].sum()))


def poisson_sigma(table: SpectrumTable, delta_sigma_rel: float = 0.002) -> Array:
    """Poisson error per bin in the Standard Model, without correlation or rescaling.

    Parameters
    ----------
    table : SpectrumTable
        Spectrum and widths.
    delta_sigma_rel : float
        Relative error of the total cross section.

    Returns
    -------
    ndarray, shape (B,), pb/GeV
        ``sqrt(y / (L dX))`` with the density y: the scale of a network's inputs.
    """
    luminosity = effective_luminosity_per_pb(table, delta_sigma_rel)
    return np.sqrt(np.abs(table.sm_pb) / luminosity) / table.width_gev


def correlation_matrix(table: SpectrumTable, settings: NoiseSettings) -> Array:
    """Correlation between bins: of one observable by the kernel, of two by the events they share.

    Parameters
    ----------
    table : SpectrumTable
        Bins.
    settings : NoiseSettings
        Kind, length, uncorrelated share, and whether observables are joint.

    Returns
    -------
    ndarray, shape (B, B)
        Ones on the diagonal; zeros between observables unless they are joint.

    Raises
    ------
    PhysicsError
        If joint noise is asked of a table that does not know which events its bins share.

    Notes
    -----
    Counts of two bins of one Poisson sample have the covariance L sigma_ij of the events in both. So
    independent bins have the correlation R_ij = sigma_ij / sqrt(sigma_i sigma_j), that of the Standard
    Model for all universes. A kernel K within each observable smooths these fluctuations: with its
    symmetric root the correlation is sqrt(K) R sqrt(K), which leaves each block as it is.
    """
    kernel = _kernel(table, settings)
    if not settings.joint:
        return kernel
    if table.joint_pb is None:
        raise PhysicsError(
            "joint noise of a table without joint_pb",
            need="the cross-sections that two bins share",
            fix="compute the table with --set theory.joint_bins=true",
        )
    root_pb = np.sqrt(table.sm_pb)
    shared = table.joint_pb / (root_pb[:, None] * root_pb)
    np.fill_diagonal(shared, 1.0)
    if settings.kind == "independent":
        return np.asarray(shared)
    eigenvalue, vector = np.linalg.eigh(kernel)
    root = (vector * np.sqrt(np.maximum(eigenvalue, 0.0))) @ vector.T
    return np.asarray(root @ shared @ root)


def _kernel(table: SpectrumTable, settings: NoiseSettings) -> Array:
    """Correlation within each observable, zeros between them, shape (B, B)."""
    if settings.kind == "independent":
        return np.eye(table.n_bins)
    names = np.array(table.observable)
    distance = (table.center_gev[:, None] - table.center_gev) / settings.length_gev
    kernel = np.exp(-0.5 * distance**2) * (names[:, None] == names)
    share = settings.uncorrelated_fraction
    return np.asarray((1.0 - share) * kernel + share * np.eye(table.n_bins))


def alpha(table: SpectrumTable, settings: NoiseSettings) -> dict[str, float]:
    """Factor on the covariance of each observable that restores the Poisson error of its total.

    Parameters
    ----------
    table : SpectrumTable
        Standard-Model spectrum.
    settings : NoiseSettings
        Correlation; alpha does not depend on the luminosity.

    Returns
    -------
    dict of str to float
        ``Var(total) / (dX^T S dX)`` by observable (eq. 3.17), 1 for independent bins.
    """
    values = _alpha(table, table.sm_pb[None], settings)[0]
    return {name: float(values[table.observable.index(name)]) for name in table.observable}


def noise_model(table: SpectrumTable, mean: Array, settings: NoiseSettings) -> NoiseModel:
    """Put noise on spectra.

    Parameters
    ----------
    table : SpectrumTable
        Bins and Standard Model.
    mean : ndarray, shape (U, B), pb/GeV
        Spectra; bins below zero get the variance of their absolute value.
    settings : NoiseSettings
        Kind and size.

    Returns
    -------
    NoiseModel
        Ready to draw.

    Raises
    ------
    PhysicsError
        If the means do not have the table's bins or a total is not positive.
    """
    mean = np.atleast_2d(np.asarray(mean, dtype=np.float64))
    if mean.shape[1] != table.n_bins:
        raise PhysicsError("spectra to put noise on", got=mean.shape, need=f"{table.n_bins} bins")
    source_pb = mean * table.width_gev if settings.per_universe else table.sm_pb[None]
    calibrated_pb = source_pb if settings.calibration == "universe" else table.sm_pb[None]
    total_pb = calibrated_pb[:, _bins_of_total(table)].sum(axis=1, keepdims=True)
    if (total_pb <= 0.0).any():
        raise PhysicsError("total cross section", got=float(total_pb.min()), need="> 0 pb")
    luminosity_per_pb = 1.0 / (settings.delta_sigma_rel**2 * total_pb)
    variance_pb2 = np.abs(source_pb) / luminosity_per_pb
    if settings.rescale:
        variance_pb2 = variance_pb2 * _alpha(table, calibrated_pb, settings)
    sigma = np.sqrt(variance_pb2) / table.width_gev
    if settings.kind == "independent" and not settings.joint:
        return NoiseModel(mean, sigma)
    return NoiseModel(mean, sigma, _factor(correlation_matrix(table, settings)))


def _alpha(table: SpectrumTable, spectra_pb: Array, settings: NoiseSettings) -> Array:
    """Alpha of each universe and bin, shape (U, B)."""
    root = np.sqrt(np.abs(spectra_pb))
    spread = _kernel(table, settings)
    names = np.array(table.observable)
    values = np.empty_like(root)
    for name in dict.fromkeys(table.observable):
        bins = np.flatnonzero(names == name)
        correlated = np.einsum(
            "ui,ij,uj->u", root[:, bins], spread[np.ix_(bins, bins)], root[:, bins], optimize=True
        )
        values[:, bins] = ((root[:, bins] ** 2).sum(axis=1) / correlated)[:, None]
    return values


def _factor(correlation: Array) -> Array:
    """F with F F^T equal to the correlation up to directions below float32 rounding."""
    # Not Cholesky: rounding makes the smallest eigenvalues of a smooth kernel negative.
    eigenvalue, vector = np.linalg.eigh(correlation)
    is_kept = eigenvalue > _SMALLEST_EIGENVALUE
    return np.asarray(vector[:, is_kept] * np.sqrt(eigenvalue[is_kept]))


def _bins_of_total(table: SpectrumTable) -> IntArray:
    """Bins that add up to the total cross section, each event once."""
    names = np.array(table.observable)
    for group in (("mll",), ("mll_forward", "mll_backward")):
        if set(group) <= set(table.observable):
            return np.flatnonzero(np.isin(names, group))
    return np.flatnonzero(names == names[0])
