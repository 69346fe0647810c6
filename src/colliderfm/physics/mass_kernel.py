"""Weights that turn helicity amplitudes at nodes of the mass into cross-sections of bins.

A bin is a range of the mass and of the transverse momentum. At fixed mass the latter is a range of y* (with
tanh y* = |cos theta|), so bins of both observables are the same integral. Mass nodes are Gauss-Legendre on
panels that halve towards the Z pole and end where the integrand has a kink or a square-root edge.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from colliderfm.physics.luminosity import Luminosity

Array = NDArray[np.float64]

_HC_SQUARED_PB_GEV2 = 0.3893793721e9
# Panels grow with their distance from a square-root edge at twice the transverse momentum.
_GRADING = (1.0, 1.1, 1.3, 1.7, 2.5, 4.0)


@dataclass(frozen=True)
class BinRange:
    """The phase space of one bin.

    Parameters
    ----------
    mass_low_gev, mass_high_gev : float, GeV
        Mass of the pair.
    pt_low_gev, pt_high_gev : float, GeV
        Transverse momentum of both muons; the upper one may be infinite.
    """

    mass_low_gev: float
    mass_high_gev: float
    pt_low_gev: float
    pt_high_gev: float


@dataclass(frozen=True)
class MassKernel:
    """Quadrature of one bin: sigma = sum_k weight_k |A(mass_k)|^2.

    Parameters
    ----------
    mass_gev : ndarray, shape (K,), GeV
        Nodes.
    weight : ndarray, shape (2, 2, K), pb GeV^4
        First axis: type of quark u, d; second axis: equal and opposite chiralities of quark and muon.
        These are weights of the forward half, cos theta* sign(Y) > 0. The backward half has the two
        exchanged; the whole bin has their sum in both places.
    """

    mass_gev: Array
    weight: Array


def bin_kernel(
    luminosity: Luminosity, bin_range: BinRange, pole: tuple[float, float], nodes: int
) -> MassKernel:
    """Compute nodes and weights of one bin.

    Parameters
    ----------
    luminosity : Luminosity
        Integrated over the rapidity of the pair.
    bin_range : BinRange
        Mass and transverse momentum.
    pole : tuple of float, GeV
        Mass and width of the resonance.
    nodes : int
        Gauss-Legendre nodes per panel of the mass; twice as many in y*.

    Returns
    -------
    MassKernel
        Without nodes where the bin has no phase space.

    Notes
    -----
    d sigma = s/(384 pi) (|A|^2 (1 + cos)^2 + ...) (2/M) x1 f x2 f dM dY dcos, and both signs of Y count.
    """
    eta_max = luminosity.grid.eta_max
    mass, mass_weight = _mass_nodes(bin_range, eta_max, pole, nodes)
    low = np.minimum(_rapidity_star(mass, bin_range.pt_high_gev), eta_max)
    high = np.minimum(_rapidity_star(mass, bin_range.pt_low_gev), eta_max)
    points, weights = _gauss_legendre(2 * nodes)
    y_star = low[:, None] + (high - low)[:, None] * 0.5 * (points + 1.0)
    cosine = np.tanh(y_star)
    angle_weight = (1.0 - cosine**2) * (high - low)[:, None] * 0.5 * weights
    along, against = np.moveaxis(
        luminosity(np.broadcast_to(mass[:, None], y_star.shape), y_star), 1, 0
    )
    plus, minus = (1.0 + cosine) ** 2 * angle_weight, (1.0 - cosine) ** 2 * angle_weight
    same = (along * plus + against * minus).sum(-1)
    opposite = (along * minus + against * plus).sum(-1)
    # Factor 2: negative rapidities give the same once more.
    flux = 2.0 * (2.0 / mass) * mass**2 / (384.0 * np.pi) * _HC_SQUARED_PB_GEV2 * mass_weight
    return MassKernel(mass, np.stack([same, opposite], axis=1) * flux)


@cache
def _gauss_legendre(nodes: int) -> tuple[Array, Array]:
    """Return points and weights on [-1, 1]; finding them takes longer than using them."""
    points, weights = np.polynomial.legendre.leggauss(nodes)
    return points, weights


def _mass_nodes(
    bin_range: BinRange, eta_max: float, pole: tuple[float, float], nodes: int
) -> tuple[Array, Array]:
    """Return nodes and weights, shapes (K,), of all panels of a bin."""
    start = max(bin_range.mass_low_gev, 2.0 * bin_range.pt_low_gev)
    end = bin_range.mass_high_gev
    if start >= end:
        return np.empty(0), np.empty(0)
    thresholds = [
        2.0 * pt * factor
        for pt in (bin_range.pt_low_gev, bin_range.pt_high_gev)
        for factor in (*_GRADING, np.cosh(eta_max))
    ]
    dyadic = 0.5 * pole[1] * 2.0 ** np.arange(17)
    breaks = np.array([start, end, *thresholds, pole[0], *(pole[0] + dyadic), *(pole[0] - dyadic)])
    edges = np.unique(breaks[(breaks >= start) & (breaks <= end)])
    points, weights = _gauss_legendre(nodes)
    u, u_weight = 0.5 * (points + 1.0), 0.5 * weights
    # u^2 (3 - 2u) makes square roots at both ends of a panel smooth.
    length = np.diff(edges)[:, None]
    mass = edges[:-1, None] + length * u**2 * (3.0 - 2.0 * u)
    return mass.ravel(), (length * 6.0 * u * (1.0 - u) * u_weight).ravel()


def _rapidity_star(mass: Array, pt: float) -> Array:
    """Return y* at which a pair of given mass has transverse momentum ``pt``; 0 where it cannot."""
    if not np.isfinite(pt):
        return np.zeros_like(mass)
    result: Array = np.arccosh(np.maximum(mass / (2.0 * pt), 1.0)) if pt > 0.0 else mass * np.inf
    return result
