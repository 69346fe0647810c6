"""Study smeft: what retrieval is judged by, i.e. recall of neighbors, captured universes, coverage.

Read next: ``inference.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from colliderfm.errors import PhysicsError
from colliderfm.studies.smeft.retrieval import LEVELS_SIGMA


def recall_at(found: np.ndarray, true: np.ndarray, neighbors: int) -> float:
    """Share of the true nearest universes among the nearest ones that were found.

    Parameters
    ----------
    found, true : ndarray, shape (N, U)
        Distances of N spectra to U universes by a method, and the true ones.
    neighbors : int
        How many neighbors k are asked for.

    Returns
    -------
    float
        Mean over spectra, in [0, 1]; chance is ``k / U``.

    Raises
    ------
    PhysicsError
        If there are fewer universes than neighbors.
    """
    if neighbors > found.shape[1]:
        raise PhysicsError("neighbors", got=neighbors, need=f"at most {found.shape[1]} universes")
    nearest = [
        np.argsort(distance, axis=1, kind="stable")[:, :neighbors] for distance in (found, true)
    ]
    is_common = nearest[0][:, :, None] == nearest[1][:, None, :]
    return float(is_common.any(axis=2).mean())


@dataclass(frozen=True)
class Coverage:
    """How often a contour contained the truth.

    Parameters
    ----------
    level_sigma : float
        Nominal standard deviations.
    nominal, covered : float
        Nominal and found probability.
    error : float
        Binomial standard deviation at the nominal probability.
    n_experiments : int
        Pseudo-experiments.
    """

    level_sigma: float
    nominal: float
    covered: float
    error: float
    n_experiments: int

    @property
    def is_within(self) -> bool:
        """Whether it is within 3 binomial errors; at least one count, where less is expected."""
        return abs(self.covered - self.nominal) <= 3.0 * max(
            self.error, 1.0 / 3.0 / self.n_experiments
        )


def coverage(
    significance: np.ndarray, levels_sigma: Sequence[float] = LEVELS_SIGMA
) -> list[Coverage]:
    """Count how often the truth lies inside its contours.

    Parameters
    ----------
    significance : ndarray, shape (N,)
        Standard deviations between each pseudo-experiment and its own universe.
    levels_sigma : sequence of float
        Contours.

    Returns
    -------
    list of Coverage
        One per contour.
    """
    found = []
    for level in levels_sigma:
        nominal = float(stats.chi2.cdf(level**2, 1))
        error = float(np.sqrt(nominal * (1.0 - nominal) / len(significance)))
        covered = float((significance <= level).mean())
        found.append(Coverage(level, nominal, covered, error, len(significance)))
    return found


def captured_counts(
    significance: np.ndarray, levels_sigma: Sequence[float] = LEVELS_SIGMA
) -> np.ndarray:
    """Count the universes inside each contour.

    Parameters
    ----------
    significance : ndarray, shape (N, U)
        Standard deviations between spectra and universes.
    levels_sigma : sequence of float
        Contours.

    Returns
    -------
    ndarray, shape (N, L), int
        Universes captured.
    """
    return np.stack([(significance <= level).sum(axis=1) for level in levels_sigma], axis=1)
