"""How close generated numbers are to true ones: as a distribution, and event by event.

A marginal distribution can be perfect without any relation to the event it was generated for, and a
perfect guess of the mean can miss the distribution; so both are always stated: the Wasserstein
distance of the distributions and the correlation of generated with true values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import wasserstein_distance

from colliderfm.errors import PhysicsError
from colliderfm.physics.fourvector import delta_phi, to_angles


@dataclass(frozen=True)
class FeatureComparison:
    """Generated and true values of one feature.

    Parameters
    ----------
    name : str
        Feature.
    n : int
        Number of values compared.
    distance : float
        1-D Wasserstein distance, in the unit of the feature.
    scaled_distance : float
        The same, divided by the standard deviation of the true values (by pi for an angle); NaN if
        these are all equal.
    floor : float
        Distance expected from the two samples' finite size alone, scaled likewise: the mean distance
        of two halves of the true values, divided by sqrt(2).
    correlation : float
        Pearson correlation of generated with true value; for an angle the mean cosine of their
        difference. NaN where undefined.
    """

    name: str
    n: int
    distance: float
    scaled_distance: float
    floor: float
    correlation: float


@dataclass(frozen=True)
class PairedHistogram:
    """Generated and true values in equal bins.

    Parameters
    ----------
    edges : ndarray, shape (K + 1,)
        Bin edges; values outside count in the outermost bins.
    generated, true : ndarray, shape (K,)
        Sums of weights.
    generated_error, true_error : ndarray, shape (K,)
        Square roots of the sums of squared weights.
    response : ndarray, shape (K, K)
        ``response[i, j]`` = weight with the true value in bin i and the generated one in bin j.
    """

    edges: np.ndarray
    generated: np.ndarray
    true: np.ndarray
    generated_error: np.ndarray
    true_error: np.ndarray
    response: np.ndarray


def compare_feature(
    name: str,
    generated: np.ndarray,
    true: np.ndarray,
    weight: np.ndarray | None = None,
    *,
    is_angle: bool = False,
) -> FeatureComparison:
    """Compare a feature over matched pairs of generated and true values.

    Parameters
    ----------
    name : str
        Feature.
    generated, true : ndarray, shape (n,)
        Values in equal units; an angle in radians.
    weight : ndarray, shape (n,), optional
        Weights, not negative.
    is_angle : bool
        The values are periodic: distances are taken on the circle, and the mean cosine of the
        difference stands in for the correlation.

    Returns
    -------
    FeatureComparison

    Raises
    ------
    PhysicsError
        If there is no value, the shapes differ, a weight is negative, or a value is not finite.

    Notes
    -----
    On a circle the distance is the smallest over all cuts: the mean absolute deviation of the
    difference of the cumulative distributions from its median.

    References
    ----------
    J. Rabin, J. Delon, Y. Gousseau, J. Math. Imaging Vis. 41 (2011) 147, eq. 6 (circle).
    """
    weight = np.ones(len(true)) if weight is None else np.asarray(weight, dtype=float)
    _check(name, generated, true, weight)
    distance_of = _circular_distance if is_angle else _line_distance
    distance = distance_of(generated, true, weight, weight)
    spread = np.pi if is_angle else float(np.std(true))
    scale = 1.0 / spread if spread > 0 else float("nan")
    order = np.random.default_rng(0).permutation(len(true))
    first, second = order[::2], order[1::2]
    halves = float("nan")
    if len(second):
        parts = (true[first], true[second], weight[first], weight[second])
        halves = distance_of(*parts) / np.sqrt(2.0)
    if is_angle:
        agreement = float(np.average(np.cos(generated - true), weights=weight))
    else:
        agreement = correlation(generated, true, weight)
    return FeatureComparison(name, len(true), distance, distance * scale, halves * scale, agreement)


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


def compare_invisible(
    generated: np.ndarray, true: np.ndarray, mask: np.ndarray, weight: np.ndarray | None = None
) -> tuple[FeatureComparison, ...]:
    """Compare generated with true invisible particles, rank by rank in pT.

    Parameters
    ----------
    generated, true : ndarray, shape (B, K, 4), GeV
        Energy, px, py, pz, both by falling pT.
    mask : ndarray, shape (B, K), bool
        True = real particle.
    weight : ndarray, shape (B,), optional
        Event weights, not negative.

    Returns
    -------
    tuple of FeatureComparison
        ``pt_gev``, ``eta``, ``phi`` and ``energy_gev`` of the particles; ``sum_px_gev``,
        ``sum_py_gev`` and ``sum_pz_gev`` of the events that have any.
    """
    event_weight = np.ones(len(true)) if weight is None else np.asarray(weight, dtype=float)
    of_particle = np.broadcast_to(event_weight[:, None], mask.shape)[mask]
    made, real = generated[mask].astype(float), true[mask].astype(float)
    made_angles, real_angles = to_angles(*made[:, 1:].T), to_angles(*real[:, 1:].T)
    names = ("pt_gev", "eta", "phi")
    results = [
        compare_feature(name, m, r, of_particle, is_angle=name == "phi")
        for name, m, r in zip(names, made_angles, real_angles, strict=True)
    ]
    results.append(compare_feature("energy_gev", made[:, 0], real[:, 0], of_particle))
    has_any = mask.any(axis=1)
    sums = [(part * mask[..., None]).sum(axis=1)[has_any] for part in (generated, true)]
    results += [
        compare_feature(
            f"sum_p{axis}_gev", sums[0][:, i + 1], sums[1][:, i + 1], event_weight[has_any]
        )
        for i, axis in enumerate("xyz")
    ]
    return tuple(results)


def paired_histogram(
    generated: np.ndarray,
    true: np.ndarray,
    edges: Sequence[float] | np.ndarray,
    weight: np.ndarray | None = None,
) -> PairedHistogram:
    """Count generated and true values in equal bins, each alone and against each other.

    Parameters
    ----------
    generated, true : ndarray, shape (n,)
        Values of the same feature for the same events.
    edges : sequence of float, length K + 1
        Rising bin edges.
    weight : ndarray, shape (n,), optional
        Weights.

    Returns
    -------
    PairedHistogram
    """
    bins = np.asarray(edges, dtype=float)
    inside = (bins[0], np.nextafter(bins[-1], bins[0]))
    made, real = np.clip(generated, *inside), np.clip(true, *inside)
    weight = np.ones(len(true)) if weight is None else np.asarray(weight, dtype=float)
    counts = [np.histogram(values, bins, weights=weight)[0] for values in (made, real)]
    squares = [np.histogram(values, bins, weights=weight**2)[0] for values in (made, real)]
    response, _, _ = np.histogram2d(real, made, bins=(bins, bins), weights=weight)
    return PairedHistogram(
        bins, counts[0], counts[1], np.sqrt(squares[0]), np.sqrt(squares[1]), response
    )


def _line_distance(
    first: np.ndarray, second: np.ndarray, first_weight: np.ndarray, second_weight: np.ndarray
) -> float:
    return float(wasserstein_distance(first, second, first_weight, second_weight))


def _circular_distance(
    first: np.ndarray, second: np.ndarray, first_weight: np.ndarray, second_weight: np.ndarray
) -> float:
    """Return the Wasserstein distance on the circle, radians."""
    values = delta_phi(np.concatenate([first, second]), np.zeros(1))
    steps = np.concatenate(
        [first_weight / first_weight.sum(), -second_weight / second_weight.sum()]
    )
    order = np.argsort(values)
    difference = np.cumsum(steps[order])
    points = values[order]
    gaps = np.diff(np.append(points, points[0] + 2.0 * np.pi))
    by_height = np.argsort(difference)
    median = difference[by_height][np.searchsorted(np.cumsum(gaps[by_height]), np.pi)]
    return float(np.sum(gaps * np.abs(difference - median)))


def _check(name: str, generated: np.ndarray, true: np.ndarray, weight: np.ndarray) -> None:
    """Refuse what has no distance."""
    if generated.shape != true.shape or weight.shape != true.shape or not len(true):
        raise PhysicsError(
            f"generated and true {name}",
            got=f"shapes {generated.shape}, {true.shape}, weights {weight.shape}",
            need="equal shapes and at least one value",
        )
    if not (np.isfinite(generated).all() and np.isfinite(true).all()):
        raise PhysicsError(f"generated and true {name}", got="values that are not finite")
    if (weight < 0).any() or not weight.sum() > 0:
        raise PhysicsError(f"weights of {name}", got="negative or all zero", need="not negative")
