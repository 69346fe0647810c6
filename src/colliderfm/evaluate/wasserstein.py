"""1-D Wasserstein distance of two fixed samples as a function of their weights.

A bootstrap asks for the distance of the same values under many weights, so the values are sorted once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from colliderfm.physics.fourvector import delta_phi


@dataclass(frozen=True)
class SampleDistance:
    """Distance of two samples on a line, or on the circle.

    Parameters
    ----------
    order : ndarray, shape (n + m,), int
        Positions of both samples, one after the other, by rising value.
    gaps : ndarray, shape (n + m,)
        Distance of each of these values to the next; on a line the last one is 0.
    is_angle : bool
        The values are angles in radians.
    """

    order: np.ndarray
    gaps: np.ndarray
    is_angle: bool

    @classmethod
    def of(cls, first: np.ndarray, second: np.ndarray, *, is_angle: bool = False) -> SampleDistance:
        """Sort two samples, shapes (n,) and (m,)."""
        values = np.concatenate([first, second]).astype(np.float64)
        if is_angle:
            values = np.asarray(delta_phi(values, np.zeros(1)))
        order = np.argsort(values)
        points = values[order]
        last = points[:1] + 2.0 * np.pi if is_angle else points[-1:]
        return cls(order, np.diff(points, append=last), is_angle)

    def __call__(self, first_weight: np.ndarray, second_weight: np.ndarray) -> float:
        """Return the distance for some weights.

        Parameters
        ----------
        first_weight, second_weight : ndarray, shapes (n,) and (m,)
            Not negative, not all zero.

        Returns
        -------
        float
            In the unit of the values.

        Notes
        -----
        The area between the cumulative distributions. On a circle it is the smallest over all cuts:
        the mean absolute deviation of their difference from its median.

        References
        ----------
        J. Rabin, J. Delon, Y. Gousseau, J. Math. Imaging Vis. 41 (2011) 147, eq. 6 (circle).
        """
        steps = np.concatenate(
            [first_weight / first_weight.sum(), -second_weight / second_weight.sum()]
        )
        difference = np.cumsum(steps[self.order])
        if self.is_angle:
            by_height = np.argsort(difference)
            middle = np.searchsorted(np.cumsum(self.gaps[by_height]), np.pi)
            difference = difference - difference[by_height][middle]
        return float(self.gaps @ np.abs(difference))
