"""Four-vector arithmetic on plain arrays: components, angles, distances and masses.

Units are GeV and radians, the beam runs along z, energies come first: (E, px, py, pz). Every
function works element by element on arrays of any equal shape. Event-level sums are in
``event_variables``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# |pseudorapidity| stays below 14 even for a momentum exactly along the beam.
_SMALLEST_SINE = 1e-6


def to_momentum(pt_gev: Array, eta: Array, phi: Array) -> tuple[Array, Array, Array]:
    """Turn transverse momentum and angles into Cartesian momentum.

    Parameters
    ----------
    pt_gev, eta, phi : ndarray, equal shapes, GeV and radians
        Transverse momentum, pseudorapidity and azimuth.

    Returns
    -------
    tuple of ndarray, GeV
        ``px, py, pz``.

    Examples
    --------
    >>> [float(part) for part in to_momentum(2.0, 0.0, 0.0)]
    [2.0, 0.0, 0.0]
    """
    return pt_gev * np.cos(phi), pt_gev * np.sin(phi), pt_gev * np.sinh(eta)


def to_angles(px_gev: Array, py_gev: Array, pz_gev: Array) -> tuple[Array, Array, Array]:
    """Turn Cartesian momentum into transverse momentum and angles.

    Parameters
    ----------
    px_gev, py_gev, pz_gev : ndarray, equal shapes, GeV
        Momentum components.

    Returns
    -------
    tuple of ndarray, GeV and radians
        ``pt, eta, phi`` with phi in (-pi, pi]. Momenta along the beam get a large but finite eta.
    """
    pt_gev = np.hypot(px_gev, py_gev)
    floor = np.maximum(pt_gev, _SMALLEST_SINE * np.abs(pz_gev) + 1e-30)
    return pt_gev, np.arcsinh(pz_gev / floor), np.arctan2(py_gev, px_gev)


def delta_phi(phi_a: Array, phi_b: Array) -> Array:
    """Subtract two azimuths and wrap the result.

    Parameters
    ----------
    phi_a, phi_b : ndarray, radians
        Azimuths.

    Returns
    -------
    ndarray, radians
        ``phi_a - phi_b`` in [-pi, pi).
    """
    return (phi_a - phi_b + np.pi) % (2.0 * np.pi) - np.pi


def delta_r(eta_a: Array, phi_a: Array, eta_b: Array, phi_b: Array) -> Array:
    """Compute the distance in the plane of pseudorapidity and azimuth.

    Parameters
    ----------
    eta_a, phi_a, eta_b, phi_b : ndarray, dimensionless and radians
        The two directions.

    Returns
    -------
    ndarray
        ``sqrt((eta_a - eta_b)^2 + delta_phi^2)``.
    """
    return np.hypot(eta_a - eta_b, delta_phi(phi_a, phi_b))


def invariant_mass(energy_gev: Array, px_gev: Array, py_gev: Array, pz_gev: Array) -> Array:
    """Compute the invariant mass of four-vectors.

    Parameters
    ----------
    energy_gev, px_gev, py_gev, pz_gev : ndarray, equal shapes, GeV
        Four-vector components.

    Returns
    -------
    ndarray, GeV
        ``sqrt(E^2 - p^2)``; spacelike vectors (rounding, smearing) give 0.

    Examples
    --------
    >>> float(invariant_mass(5.0, 3.0, 0.0, 0.0))
    4.0
    """
    squared = energy_gev**2 - px_gev**2 - py_gev**2 - pz_gev**2
    return np.sqrt(np.maximum(squared, 0.0))
