"""Densities with errors from a bootstrap over events, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from colliderfm.errors import PhysicsError
from colliderfm.evaluate.event_bands import banded_histogram, event_errors

EDGES = (0.0, 1.0, 3.0)


def test_densities_and_ratio_by_hand() -> None:
    true = np.array([0.5, 0.5, 2.0, 9.0])
    made = np.array([0.5, 1.5, 3.0, 2.0])
    found = banded_histogram(made, true, np.array([0, 0, 1, 2]), EDGES)
    # What lies outside counts in the norm: 2 of 4 per 1, 1 of 4 per 2; the last edge belongs to its bin.
    np.testing.assert_allclose(found.true, [0.5, 0.125])
    np.testing.assert_allclose(found.generated, [0.25, 0.375])
    np.testing.assert_allclose(found.ratio, [0.5, 3.0])


def test_error_of_independent_values_is_binomial() -> None:
    rng = np.random.default_rng(0)
    true, made = rng.uniform(0.0, 3.0, (2, 4000))
    found = banded_histogram(made, true, np.arange(4000), EDGES)
    expected = np.sqrt(1 / 3 * 2 / 3 / 4000) / np.diff(EDGES)
    np.testing.assert_allclose(found.true_error, expected, rtol=0.25)
    np.testing.assert_allclose(found.generated_error, expected, rtol=0.25)
    # Generated and true are independent here: their relative errors add in squares.
    relative = np.sqrt(2.0) * expected / found.true
    np.testing.assert_allclose(found.ratio_error, relative, rtol=0.25)


def test_values_of_one_event_are_not_independent() -> None:
    true = np.repeat(np.random.default_rng(0).uniform(0.0, 3.0, 500), 8)
    alone = banded_histogram(true, true, np.arange(4000), EDGES)
    joint = banded_histogram(true, true, np.arange(4000) // 8, EDGES)
    np.testing.assert_allclose(joint.true_error / alone.true_error, np.sqrt(8.0), rtol=0.25)


def test_the_ratio_of_a_sample_to_itself_has_no_error() -> None:
    true = np.random.default_rng(0).uniform(0.0, 1.0, 100)
    found = banded_histogram(true, true, np.arange(100), (0.0, 0.5, 1.0, 2.0))
    np.testing.assert_allclose(found.ratio[:2], 1.0)
    np.testing.assert_allclose(found.ratio_error[:2], 0.0, atol=1e-12)
    assert np.isnan([found.ratio[2], found.ratio_error[2]]).all()


def test_errors_of_several_numbers_of_the_same_events() -> None:
    values = np.random.default_rng(0).normal(size=2000)

    def mean(counts: np.ndarray) -> float:
        return float(np.average(values, weights=counts))

    errors = event_errors({"mean": mean, "twice": lambda counts: 2.0 * mean(counts)}, 2000)
    assert errors["mean"] == pytest.approx(1 / np.sqrt(2000), rel=0.25)
    assert errors["twice"] == pytest.approx(2.0 * errors["mean"])


def test_replicas_without_a_number_are_left_out() -> None:
    def value(counts: np.ndarray) -> float:
        return float(counts[0]) if counts[0] else float("nan")

    errors = event_errors({"value": value, "never": lambda _: float("nan")}, 3)
    # A Poisson count of mean one that is not zero: variance m (2 - m) with m = 1 / (1 - 1/e).
    mean = 1.0 / (1.0 - np.exp(-1.0))
    assert errors["value"] == pytest.approx(np.sqrt(mean * (2.0 - mean)), rel=0.25)
    assert np.isnan(errors["never"])


def test_shapes_that_differ_are_refused() -> None:
    with pytest.raises(PhysicsError, match="generated and true values"):
        banded_histogram(np.zeros(3), np.zeros(2), np.arange(2), EDGES)
