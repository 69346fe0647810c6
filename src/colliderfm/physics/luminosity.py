"""Parton luminosity of quark and antiquark, integrated over the rapidity of the pair inside the acceptance.

Both muons lie inside |eta| < eta_max when |Y| < eta_max - y*, with tanh y* = |cos theta|. The integral over Y
is therefore a smooth function of the mass and y* alone, whatever the factorization scale (mass, transverse
momentum or fixed): it is tabulated once on a grid and interpolated. Everything that is not the proton
(couplings, width, order, bins) can then change for free.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RectBivariateSpline

from colliderfm.physics.densities import Densities

Array = NDArray[np.float64]

_UP, _DOWN = (2, 4), (1, 3)
_SPLINE_DEGREE = 5


@dataclass(frozen=True)
class LuminosityGrid:
    """Where the luminosity is tabulated.

    Parameters
    ----------
    mass_low_gev, mass_high_gev : float, GeV
        Range of the mass.
    star_max : float
        Largest y*.
    eta_max : float
        Acceptance in pseudorapidity.
    collision_energy_gev : float, GeV
        Energy of the collider.
    n_flavors : int
        4, or 5 with the bottom quark.
    nodes : int
        Resolution: twice as many knots per unit of log mass, 1.5 times as many per unit of y*, and
        twice as many Gauss-Legendre nodes in Y.
    """

    mass_low_gev: float
    mass_high_gev: float
    star_max: float
    eta_max: float
    collision_energy_gev: float
    n_flavors: int
    nodes: int


class Luminosity:
    """Interpolated luminosities; see ``tabulate_luminosity``.

    Parameters
    ----------
    grid : LuminosityGrid
        Where it was tabulated.
    splines : dict of (int, int) to RectBivariateSpline
        By type of quark (0 up, 1 down) and beam of the quark (0: along Y > 0, 1: against).
    """

    def __init__(
        self, grid: LuminosityGrid, splines: dict[tuple[int, int], RectBivariateSpline]
    ) -> None:
        self.grid, self._splines = grid, splines

    def __call__(self, mass_gev: Array, rapidity_star: Array) -> Array:
        """Interpolate.

        Parameters
        ----------
        mass_gev, rapidity_star : ndarray, equal shapes (...)
            Mass of the pair and y*.

        Returns
        -------
        ndarray, shape (2, 2, ...)
            Integral over 0 < Y < eta_max - y* of x1 f(x1) x2 f(x2). First axis: type of quark u, d;
            second axis: quark along the rapidity of the pair, against it.
        """
        result = np.empty((2, 2, *np.shape(mass_gev)))
        log_mass = np.log(mass_gev)
        for (quark, beam), spline in self._splines.items():
            result[quark, beam] = spline.ev(log_mass, rapidity_star)
        result *= np.maximum(self.grid.eta_max - rapidity_star, 0.0)
        return result


def tabulate_luminosity(
    densities: Densities, grid: LuminosityGrid, scale_gev: Callable[[Array, Array], Array]
) -> Luminosity:
    """Integrate the luminosity over the pair's rapidity on a grid of mass and y*.

    Parameters
    ----------
    densities : Densities
        Parton densities of the proton.
    grid : LuminosityGrid
        Range and resolution.
    scale_gev : callable
        Factorization scale from (mass, y*), arrays of equal shapes.

    Returns
    -------
    Luminosity
        Interpolation of fifth degree.

    Raises
    ------
    PhysicsError
        If the densities are asked outside their range.
    """
    span = np.log(grid.mass_high_gev / grid.mass_low_gev)
    n_mass = max(_SPLINE_DEGREE + 1, 1 + int(np.ceil(2 * grid.nodes * span)))
    n_star = max(_SPLINE_DEGREE + 1, 1 + int(np.ceil(1.5 * grid.nodes * grid.star_max)))
    log_mass = np.log(grid.mass_low_gev) + np.linspace(0.0, span, n_mass)
    star = np.linspace(0.0, grid.star_max, n_star)
    mass, y_star = np.meshgrid(np.exp(log_mass), star, indexing="ij")
    values = _mean_luminosity(densities, grid, mass, y_star, scale_gev(mass, y_star))
    splines = {
        (quark, beam): RectBivariateSpline(
            log_mass, star, values[quark, beam], kx=_SPLINE_DEGREE, ky=_SPLINE_DEGREE
        )
        for quark in (0, 1)
        for beam in (0, 1)
    }
    return Luminosity(grid, splines)


def _mean_luminosity(
    densities: Densities, grid: LuminosityGrid, mass: Array, y_star: Array, scale: Array
) -> Array:
    """Return the integral over Y divided by eta_max - y*, shape (2, 2, n_mass, n_star)."""
    points, weights = np.polynomial.legendre.leggauss(2 * grid.nodes)
    open_range = np.maximum(grid.eta_max - y_star, 0.0)
    reach = np.minimum(open_range, np.log(grid.collision_energy_gev / mass))
    share = np.divide(reach, open_range, out=np.ones_like(reach), where=open_range > 0.0)
    rapidity = reach[..., None] * 0.5 * (points + 1.0)
    fraction = (mass / grid.collision_energy_gev)[..., None]
    x_along = np.minimum(fraction * np.exp(rapidity), 1.0)
    x_against = fraction * np.exp(-rapidity)
    q = np.broadcast_to(scale[..., None], rapidity.shape)
    flavors = (_UP, _DOWN if grid.n_flavors == 4 else (*_DOWN, 5))
    result = np.zeros((2, 2, *mass.shape))
    for quark, ids in enumerate(flavors):
        for pdg_id in ids:
            for beam, first in enumerate((pdg_id, -pdg_id)):
                product = densities.x_density(first, x_along, q)
                product = product * densities.x_density(-first, x_against, q)
                result[quark, beam] += share * (product @ (0.5 * weights))
    return result
