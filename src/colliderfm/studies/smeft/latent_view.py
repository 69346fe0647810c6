"""Study smeft: latents of test replicas with the plane that shows them.

A latent of width two is shown as it is; wider ones by the two principal components of the universes'
centers, which the axes say with their share of the variance. Read next: ``figures_latent.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from colliderfm.plots.planes import Plane
from colliderfm.studies.smeft.arm_styles import arm_label


@dataclass(frozen=True)
class LatentView:
    """Latents of test replicas with the plane that shows them.

    Parameters
    ----------
    name : str
        Whose latent it is.
    latent : ndarray, shape (N, Z)
        Latents.
    universe : ndarray, shape (N,), int
        True universe of each replica.
    plane : Plane
        Two axes through the latent.
    """

    name: str
    latent: np.ndarray
    universe: np.ndarray
    plane: Plane

    @classmethod
    def of_latents(cls, name: str, latent: np.ndarray, universe: np.ndarray) -> LatentView:
        """Choose the plane from the centers of the universes.

        Parameters
        ----------
        name : str
            Whose latent it is.
        latent : ndarray, shape (N, Z)
            Latents.
        universe : ndarray, shape (N,), int
            True universe of each replica.

        Returns
        -------
        LatentView
            Ready to draw.
        """
        centers = [latent[universe == index].mean(axis=0) for index in np.unique(universe)]
        return cls(name, latent, universe, Plane.of_points(np.array(centers)))

    @classmethod
    def of_frame(cls, init: str, frame: pd.DataFrame) -> LatentView | None:
        """Read the latents of a cell's predictions.

        Parameters
        ----------
        init : str
            Arm.
        frame : DataFrame
            Predictions with ``universe`` and ``latent_0, latent_1, ...``.

        Returns
        -------
        LatentView or None
            None for fewer than two latent columns or three universes.
        """
        columns = latent_columns(frame)
        if len(columns) < 2 or frame["universe"].nunique() < 3:
            return None
        latent = frame[columns].to_numpy(dtype=float)
        return cls.of_latents(arm_label(init), latent, frame["universe"].to_numpy(dtype=int))

    @property
    def points(self) -> np.ndarray:
        """Replicas in the plane, shape (N, 2)."""
        return self.plane.project(self.latent)

    def numbers(self) -> dict[str, Any]:
        """List what stands behind a map, for the JSON beside it."""
        found = np.unique(self.universe)
        points = self.points
        centers = [points[self.universe == index].mean(axis=0) for index in found]
        return {
            "name": self.name,
            "latent_width": self.latent.shape[1],
            "axes": list(self.plane.labels),
            "share_of_variance": list(self.plane.share),
            "universe": found,
            "center": centers,
        }


def latent_columns(frame: pd.DataFrame) -> list[str]:
    """Latent columns of predictions in their order.

    Parameters
    ----------
    frame : DataFrame
        Predictions of a cell.

    Returns
    -------
    list of str
        ``latent_0, latent_1, ...`` as far as they go without a missing value.
    """
    found: list[str] = []
    while f"latent_{len(found)}" in frame.columns:
        found.append(f"latent_{len(found)}")
    return found if found and frame[found].notna().all(axis=None) else []
