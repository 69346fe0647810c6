"""What the theory asks of parton densities, and a toy that needs no file.

Real sets are read in ``colliderfm.data.parton_densities``; they are used in ``luminosity``.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from colliderfm.errors import PhysicsError

Array = NDArray[np.float64]


class Densities(Protocol):
    """Anything that knows x f(x, Q) of the proton."""

    def x_density(self, pdg_id: int, x: Array, q_gev: Array) -> Array:
        """Return x f(x, Q) of one parton; ``x`` and ``q_gev`` have equal shapes."""
        ...


# pdg id -> normalization, power of x, power of (1 - x): u and d differ in all three.
_TOY_SHAPES: dict[int, tuple[float, float, float]] = {
    2: (3.0, 0.5, 3.0),
    1: (2.2, 0.6, 4.5),
    3: (0.25, -0.10, 7.0),
    4: (0.15, -0.12, 7.5),
    5: (0.10, -0.14, 8.0),
    -1: (0.35, -0.05, 6.5),
    -2: (0.30, -0.08, 6.0),
    -3: (0.25, -0.10, 7.0),
    -4: (0.15, -0.12, 7.5),
    -5: (0.10, -0.14, 8.0),
    21: (3.0, -0.20, 5.0),
}


class ToyDensities:
    """Densities x f = N x^a (1 - x)^b per flavor, with an optional slope in the scale.

    Parameters
    ----------
    slope : float
        The power ``a`` of quarks and gluons falls by ``slope * ln(Q / 91 GeV)``; 0 gives exact scaling.
    """

    def __init__(self, slope: float = 0.02) -> None:
        self.slope = slope

    def x_density(self, pdg_id: int, x: Array, q_gev: Array) -> Array:
        """Evaluate x f(x, Q) of one parton.

        Parameters
        ----------
        pdg_id : int
            PDG code of the parton: -5 to 5 without 0, or 21.
        x, q_gev : ndarray, equal shapes, dimensionless and GeV
            Momentum fraction in (0, 1] and factorization scale.

        Returns
        -------
        ndarray, same shape

        Raises
        ------
        PhysicsError
            If an ``x`` lies outside (0, 1] or a scale is not positive.
        """
        x, q_gev = np.asarray(x, dtype=np.float64), np.asarray(q_gev, dtype=np.float64)
        if not ((x > 0.0) & (x <= 1.0)).all() or not (q_gev > 0.0).all():
            raise PhysicsError(
                "toy densities: x or Q outside their range", need="0 < x <= 1, Q > 0"
            )
        if pdg_id not in _TOY_SHAPES:
            return np.zeros_like(x)
        norm, power, fall = _TOY_SHAPES[pdg_id]
        result: Array = norm * x ** (power - self.slope * np.log(q_gev / 91.0)) * (1.0 - x) ** fall
        return result
