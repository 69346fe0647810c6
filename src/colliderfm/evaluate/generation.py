"""How close generated numbers are to true ones: as a distribution, and event by event.

A marginal distribution can be perfect without any relation to the event it was generated for, and a
perfect guess of the mean can miss the distribution; so both are always stated: the Wasserstein
distance of the distributions and the correlation of generated with true values. Read first:
``paired_features.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from colliderfm.errors import PhysicsError
from colliderfm.evaluate.paired_features import PairedFeature, invisible_features
from colliderfm.evaluate.wasserstein import SampleDistance


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


def compare_feature(feature: PairedFeature, weight: np.ndarray | None = None) -> FeatureComparison:
    """Compare a feature over matched pairs of generated and true values.

    Parameters
    ----------
    feature : PairedFeature
        Values in equal units. Distances of angles are taken on the circle, and the mean cosine of the
        difference stands in for the correlation.
    weight : ndarray, shape (n,), optional
        Weights of the values, not negative.

    Returns
    -------
    FeatureComparison

    Raises
    ------
    PhysicsError
        If there is no value, the shapes differ, a weight is negative, or a value is not finite.
    """
    true, is_angle = feature.true, feature.is_angle
    weight = np.ones(len(true)) if weight is None else np.asarray(weight, dtype=float)
    _check(feature.name, feature.generated, true, weight)
    distance = SampleDistance.of(feature.generated, true, is_angle=is_angle)(weight, weight)
    spread = feature.spread(weight)
    scale = 1.0 / spread if spread > 0 else float("nan")
    order = np.random.default_rng(0).permutation(len(true))
    first, second = order[::2], order[1::2]
    halves = float("nan")
    if len(second):
        of_halves = SampleDistance.of(true[first], true[second], is_angle=is_angle)
        halves = of_halves(weight[first], weight[second]) / np.sqrt(2.0)
    follows = feature.agreement(weight)
    return FeatureComparison(
        feature.name, len(true), distance, distance * scale, halves * scale, follows
    )


def compare_invisible(
    generated: np.ndarray, true: np.ndarray, mask: np.ndarray, weight: np.ndarray | None = None
) -> tuple[FeatureComparison, ...]:
    """Compare generated with true invisible particles, rank by rank in pT.

    Parameters
    ----------
    generated, true, mask : ndarray
        As for ``paired_features.invisible_features``.
    weight : ndarray, shape (B,), optional
        Event weights, not negative.

    Returns
    -------
    tuple of FeatureComparison
        One per feature.
    """
    event_weight = np.ones(len(true)) if weight is None else np.asarray(weight, dtype=float)
    return tuple(
        compare_feature(one, event_weight[one.event])
        for one in invisible_features(generated, true, mask)
    )


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
