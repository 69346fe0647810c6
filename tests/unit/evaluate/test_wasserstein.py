"""Wasserstein distances under changing weights, against scipy and against hand-made answers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from colliderfm.evaluate.wasserstein import SampleDistance


def test_on_a_line_it_is_that_of_scipy_for_any_weights() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=50), rng.exponential(size=30)
    # Equal values in both samples, too.
    second[:5] = first[:5]
    distance = SampleDistance.of(first, second)
    for _ in range(5):
        a, b = rng.poisson(1.0, 50), rng.poisson(1.0, 30)
        assert distance(a, b) == pytest.approx(wasserstein_distance(first, second, a, b))


def test_on_a_circle_by_hand() -> None:
    distance = SampleDistance.of(np.array([3.1]), np.array([-3.1]), is_angle=True)
    assert distance(np.ones(1), np.ones(1)) == pytest.approx(2 * np.pi - 6.2)
    # Half of the weight stays, half goes 0.4 to the right.
    moved = SampleDistance.of(np.array([0.0, 1.0]), np.array([0.0, 1.4]), is_angle=True)
    assert moved(np.ones(2), np.ones(2)) == pytest.approx(0.2)
    assert moved(np.array([1, 3]), np.array([1, 3])) == pytest.approx(0.3)
