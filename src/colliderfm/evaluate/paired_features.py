"""Features of generated and of true particles side by side, as functions of weights.

A bootstrap asks for the same number under many weights. Read next: ``generation.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from colliderfm.evaluate.wasserstein import SampleDistance
from colliderfm.physics.fourvector import to_angles


@dataclass(frozen=True)
class PairedFeature:
    """Generated and true values of one feature for the same particles or events.

    Parameters
    ----------
    name : str
        Feature.
    generated, true : ndarray, shape (n,)
        Values in equal units; an angle in radians.
    event : ndarray, shape (n,), int
        Event of each value.
    is_angle : bool
        The values are periodic.
    """

    name: str
    generated: np.ndarray
    true: np.ndarray
    event: np.ndarray
    is_angle: bool = False

    def spread(self, weight: np.ndarray) -> float:
        """Return what distances are scaled by: the true values' standard deviation, pi for an angle."""
        if self.is_angle:
            return float(np.pi)
        true = self.true.astype(np.float64)
        mean = np.average(true, weights=weight)
        return float(np.sqrt(np.average((true - mean) ** 2, weights=weight)))

    def distance(self) -> Callable[[np.ndarray], float]:
        """Return the function from weights of the values to their scaled Wasserstein distance."""
        distance = SampleDistance.of(self.generated, self.true, is_angle=self.is_angle)

        def scaled(weight: np.ndarray) -> float:
            spread = self.spread(weight)
            return distance(weight, weight) / spread if spread > 0 else float("nan")

        return scaled

    def agreement(self, weight: np.ndarray) -> float:
        """Return the correlation, or mean cosine of the difference, for weights of the values."""
        return agreement(self.generated, self.true, weight, is_angle=self.is_angle)


def invisible_features(
    generated: np.ndarray, true: np.ndarray, mask: np.ndarray
) -> tuple[PairedFeature, ...]:
    """Return what generated and true invisible particles are compared in.

    Parameters
    ----------
    generated, true : ndarray, shape (B, K, 4), GeV
        Energy, px, py, pz, both by falling pT.
    mask : ndarray, shape (B, K), bool
        True = real particle.

    Returns
    -------
    tuple of PairedFeature
        ``pt_gev``, ``eta``, ``phi`` and ``energy_gev`` of the particles, rank by rank in pT;
        ``sum_px_gev``, ``sum_py_gev`` and ``sum_pz_gev`` of the events that have any.
    """
    event, _ = np.nonzero(mask)
    made, real = generated[mask].astype(float), true[mask].astype(float)
    made_angles, real_angles = to_angles(*made[:, 1:].T), to_angles(*real[:, 1:].T)
    names = ("pt_gev", "eta", "phi")
    results = [
        PairedFeature(name, m, r, event, is_angle=name == "phi")
        for name, m, r in zip(names, made_angles, real_angles, strict=True)
    ]
    results.append(PairedFeature("energy_gev", made[:, 0], real[:, 0], event))
    has_any = np.flatnonzero(mask.any(axis=1))
    sums = [(part * mask[..., None]).sum(axis=1)[has_any] for part in (generated, true)]
    results += [
        PairedFeature(f"sum_p{axis}_gev", sums[0][:, i + 1], sums[1][:, i + 1], has_any)
        for i, axis in enumerate("xyz")
    ]
    return tuple(results)


def agreement(
    generated: np.ndarray, true: np.ndarray, weight: np.ndarray, *, is_angle: bool = False
) -> float:
    """Return the correlation of generated with true values, for angles the mean cosine of the difference.

    Parameters
    ----------
    generated, true : ndarray, shape (n,)
        Values; angles in radians.
    weight : ndarray, shape (n,)
        Weights, not negative, not all zero.
    is_angle : bool
        The values are periodic.

    Returns
    -------
    float
        In [-1, 1]; NaN if either is constant.
    """
    if is_angle:
        return float(np.average(np.cos(generated - true), weights=weight))
    return correlation(generated, true, weight)


def correlation(first: np.ndarray, second: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Return the weighted Pearson correlation of two features.

    Parameters
    ----------
    first, second : ndarray, shape (n,)
        Values.
    weight : ndarray, shape (n,), optional
        Weights, not negative.

    Returns
    -------
    float
        In [-1, 1]; NaN if either is constant.

    Examples
    --------
    >>> correlation(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0]))
    1.0
    """
    x = first - np.average(first, weights=weight)
    y = second - np.average(second, weights=weight)
    variances = np.average(x**2, weights=weight) * np.average(y**2, weights=weight)
    if not variances > 0:
        return float("nan")
    return float(np.average(x * y, weights=weight) / np.sqrt(variances))
