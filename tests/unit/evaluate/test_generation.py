"""Distances, correlations and histograms of generated against true values."""

from __future__ import annotations

import math

import numpy as np
import pytest

from colliderfm.errors import PhysicsError
from colliderfm.evaluate.generation import (
    FeatureComparison,
    compare_feature,
    compare_invisible,
    paired_histogram,
)
from colliderfm.evaluate.paired_features import PairedFeature


def compare(
    made: np.ndarray,
    true: np.ndarray,
    weight: np.ndarray | None = None,
    *,
    is_angle: bool = False,
) -> FeatureComparison:
    """Compare values of which each belongs to its own event."""
    feature = PairedFeature("x", made, true, np.arange(len(true)), is_angle=is_angle)
    return compare_feature(feature, weight)


def test_a_shift_is_its_own_distance_and_changes_no_correlation():
    true = np.array([0.0, 1.0, 3.0, 4.0])
    result = compare(true + 0.5, true)
    assert result.n == 4
    assert math.isclose(result.distance, 0.5)
    assert math.isclose(result.scaled_distance, 0.5 / math.sqrt(2.5))
    assert math.isclose(result.correlation, 1.0)


def test_a_permutation_has_no_distance_but_no_correlation_either():
    rng = np.random.default_rng(0)
    true = rng.normal(size=4000)
    result = compare(rng.permutation(true), true)
    assert result.distance < 1e-12
    assert abs(result.correlation) < 0.05


def test_the_floor_is_the_distance_of_two_samples_of_one_distribution():
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(2, 4000))
    result = compare(first, second)
    assert 0.3 * result.floor < result.scaled_distance < 3 * result.floor


def test_weights_act_like_repeated_values():
    true, made = np.array([0.0, 2.0, 5.0]), np.array([1.0, 2.0, 4.0])
    weight = np.array([1, 3, 2])
    weighted = compare(made, true, weight.astype(float))
    repeated = compare(made.repeat(weight), true.repeat(weight))
    assert math.isclose(weighted.distance, repeated.distance)
    assert math.isclose(weighted.scaled_distance, repeated.scaled_distance)
    assert math.isclose(weighted.correlation, repeated.correlation)


def test_an_angle_is_compared_on_the_circle():
    """3.1 and -3.1 are close; a line would put them 6.2 apart."""
    true = np.full(10, 3.1)
    result = compare(-true, true, is_angle=True)
    assert math.isclose(result.distance, 2 * math.pi - 6.2, rel_tol=1e-9)
    assert math.isclose(result.scaled_distance, (2 * math.pi - 6.2) / math.pi, rel_tol=1e-9)
    assert math.isclose(result.correlation, math.cos(6.2))


def test_distance_on_the_circle_does_not_depend_on_where_it_is_cut():
    rng = np.random.default_rng(2)
    made, true = rng.normal(0.0, 0.4, 200), rng.normal(0.3, 0.5, 200)
    line = compare(made, true).distance
    turned = [compare(made + a, true + a, is_angle=True) for a in (0.0, 1.0, 3.0)]
    assert all(math.isclose(result.distance, line, rel_tol=1e-9) for result in turned)


def test_the_scaled_distance_to_a_constant_is_undefined():
    result = compare(np.arange(3.0), np.ones(3))
    assert math.isnan(result.scaled_distance)
    assert math.isclose(result.distance, 2 / 3)


def test_invisible_particles_are_compared_where_they_exist():
    true = np.zeros((2, 2, 4))
    true[0] = [[50.0, 30.0, 40.0, 0.0], [5.0, 3.0, 0.0, 4.0]]
    true[1, 0] = [13.0, 5.0, 0.0, 12.0]
    mask = np.array([[True, True], [True, False]])
    generated = true + 0.0
    generated[1, 1] = 99.0
    results = {result.name: result for result in compare_invisible(generated, true, mask)}
    assert results["pt_gev"].n == 3
    assert results["sum_px_gev"].n == 2
    assert all(result.distance == 0.0 for result in results.values())
    assert math.isclose(results["phi"].correlation, 1.0)
    generated[1, 0] = [26.0, 10.0, 0.0, 24.0]
    results = {result.name: result for result in compare_invisible(generated, true, mask)}
    assert math.isclose(results["pt_gev"].distance, 5.0 / 3)
    assert math.isclose(results["energy_gev"].distance, 13.0 / 3)
    assert math.isclose(results["sum_pz_gev"].distance, 6.0)
    assert results["eta"].distance < 1e-12


def test_histograms_hold_all_values_with_their_errors():
    made, true = np.array([0.5, 1.5, 7.0]), np.array([0.5, 0.6, -1.0])
    histogram = paired_histogram(made, true, [0.0, 1.0, 2.0], np.array([1.0, 2.0, 3.0]))
    assert histogram.generated.tolist() == [1.0, 5.0]
    assert histogram.true.tolist() == [6.0, 0.0]
    assert np.allclose(histogram.generated_error, [1.0, math.sqrt(13.0)])
    assert histogram.response.tolist() == [[1.0, 5.0], [0.0, 0.0]]


@pytest.mark.parametrize(
    ("generated", "true", "weight"),
    [
        (np.zeros(2), np.zeros(3), None),
        (np.zeros(0), np.zeros(0), None),
        (np.array([np.nan]), np.zeros(1), None),
        (np.zeros(2), np.zeros(2), np.array([1.0, -1.0])),
        (np.zeros(2), np.zeros(2), np.zeros(2)),
    ],
)
def test_what_has_no_distance_is_refused(generated, true, weight):
    with pytest.raises(PhysicsError):
        compare(generated, true, weight)
