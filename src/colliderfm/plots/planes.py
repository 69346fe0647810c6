"""Planes through spaces of more than two dimensions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from colliderfm.errors import PhysicsError


@dataclass(frozen=True)
class Plane:
    """Two axes through a latent space.

    Parameters
    ----------
    origin : ndarray, shape (Z,)
        Point at (0, 0).
    axes : ndarray, shape (Z, 2)
        Orthonormal directions.
    labels : tuple of str
        What the two axes are.
    share : tuple of float
        Share of the variance along each axis.
    """

    origin: np.ndarray
    axes: np.ndarray
    labels: tuple[str, str]
    share: tuple[float, float]

    @classmethod
    def of_points(cls, points: np.ndarray, name: str = "latent") -> Plane:
        """Choose the plane: the latent itself if it is 2-D, else two principal components.

        Parameters
        ----------
        points : ndarray, shape (N, Z)
            Points that decide, e.g. one center per class so that every class counts equally.
        name : str
            What the axis labels call the space.

        Returns
        -------
        Plane
            The sign of a component is such that its largest loading is positive.

        Raises
        ------
        PhysicsError
            If the space has fewer than two dimensions or fewer than three points are given.
        """
        points = np.asarray(points, dtype=float)
        n_points, width = points.shape
        if width < 2 or n_points < 3:
            raise PhysicsError(
                "plane through a latent space",
                got=f"{n_points} points of width {width}",
                need="at least 3 points of width 2",
            )
        variance = points.var(axis=0)
        if width == 2:
            part = variance / max(variance.sum(), 1e-300)
            labels = (f"{name} $z_1$", f"{name} $z_2$")
            return cls(np.zeros(2), np.eye(2), labels, (float(part[0]), float(part[1])))
        origin = points.mean(axis=0)
        _, size, rows = np.linalg.svd(points - origin, full_matrices=False)
        largest = np.abs(rows[:2]).argmax(axis=1)
        signs = np.where(rows[[0, 1], largest] < 0, -1.0, 1.0)
        part = size[:2] ** 2 / max(float((size**2).sum()), 1e-300)
        labels = tuple(  # type: ignore[assignment]
            f"Principal component {i + 1} of {name} ({part[i]:.0%})" for i in range(2)
        )
        shares = (float(part[0]), float(part[1]))
        return cls(origin, (rows[:2] * signs[:, None]).T, labels, shares)

    def project(self, points: np.ndarray) -> np.ndarray:
        """Project points onto the plane.

        Parameters
        ----------
        points : ndarray, shape (N, Z)
            Points of the latent space.

        Returns
        -------
        ndarray, shape (N, 2)
            Coordinates.
        """
        return np.asarray((points - self.origin) @ self.axes)
