"""Features of generated particles as functions of weights: weights act like repeated values."""

from __future__ import annotations

import math

import numpy as np
import pytest

from colliderfm.evaluate.generation import compare_invisible
from colliderfm.evaluate.paired_features import PairedFeature, correlation, invisible_features


def test_weights_act_like_repeated_values() -> None:
    rng = np.random.default_rng(0)
    made, true = rng.normal(size=(2, 40))
    counts = rng.poisson(1.0, 40)
    for is_angle in (False, True):
        one = PairedFeature("x", made, true, np.arange(40), is_angle=is_angle)
        drawn = PairedFeature(
            "x",
            made.repeat(counts),
            true.repeat(counts),
            np.arange(counts.sum()),
            is_angle=is_angle,
        )
        once = np.ones(counts.sum())
        assert one.distance()(counts) == pytest.approx(drawn.distance()(once))
        assert one.agreement(counts) == pytest.approx(drawn.agreement(once))


def test_correlation_of_what_is_constant_is_undefined() -> None:
    assert math.isnan(correlation(np.ones(3), np.arange(3.0)))
    assert math.isclose(correlation(np.arange(4.0), -np.arange(4.0)), -1.0)


def test_a_constant_truth_has_no_scaled_distance() -> None:
    one = PairedFeature("x", np.arange(3.0), np.ones(3), np.arange(3))
    assert math.isnan(one.distance()(np.ones(3)))


def test_features_are_those_that_are_compared_and_know_their_events() -> None:
    rng = np.random.default_rng(1)
    made, true = rng.normal(size=(2, 6, 2, 4)) * 20.0
    mask = np.array([[1, 1], [1, 0], [0, 0], [1, 0], [1, 1], [0, 0]], dtype=bool)
    features = {one.name: one for one in invisible_features(made, true, mask)}
    assert features["pt_gev"].event.tolist() == [0, 0, 1, 3, 4, 4]
    assert features["sum_px_gev"].event.tolist() == [0, 1, 3, 4]
    for compared in compare_invisible(made, true, mask):
        one = features[compared.name]
        once = np.ones(len(one.true))
        assert one.distance()(once) == pytest.approx(compared.scaled_distance)
        assert one.agreement(once) == pytest.approx(compared.correlation)
