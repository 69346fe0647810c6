"""Means, paired gains and verdicts against hand-computed Student-t numbers."""

from __future__ import annotations

import numpy as np
import pytest

from colliderfm.errors import PhysicsError
from colliderfm.stats.intervals import (
    NO_DIFFERENCE,
    mean_interval,
    paired_gain,
    paired_ratio,
    verdict,
)

T_95_2 = 4.302653  # 97.5% quantile of Student's t with two degrees of freedom


def test_mean_and_interval_of_three_seeds() -> None:
    result = mean_interval([1.0, 2.0, 3.0])
    assert result.mean == 2.0
    assert result.sd == 1.0
    assert result.high - 2.0 == pytest.approx(T_95_2 / np.sqrt(3.0), rel=1e-6)
    assert 2.0 - result.low == pytest.approx(result.high - 2.0)
    assert result.n == 3


def test_one_seed_has_no_spread() -> None:
    result = mean_interval([0.8])
    assert result.mean == 0.8
    assert np.isnan([result.sd, result.low, result.high]).all()


@pytest.mark.parametrize("values", [[], [1.0, np.nan], [np.inf]])
def test_missing_and_infinite_values_are_refused(values: list[float]) -> None:
    with pytest.raises(PhysicsError, match="finite"):
        mean_interval(values)


def test_the_gain_is_paired_by_seed() -> None:
    # Both arms vary by 0.1 from seed to seed, their difference by 0.01 only.
    scratch = np.array([0.70, 0.80, 0.90])
    gain = paired_gain(scratch + [0.02, 0.03, 0.04], scratch)
    assert gain.gain == pytest.approx(0.03)
    assert gain.sd == pytest.approx(0.01)
    assert gain.t == pytest.approx(0.03 / (0.01 / np.sqrt(3)))
    assert gain.low == pytest.approx(0.03 - T_95_2 * 0.01 / np.sqrt(3), rel=1e-6)
    assert not gain.is_ratio


def test_the_ratio_is_a_geometric_mean() -> None:
    gain = paired_ratio([20.0, 40.0], [10.0, 10.0])
    assert gain.gain == pytest.approx(np.sqrt(8.0))
    assert gain.low < gain.gain < gain.high
    assert np.sqrt(gain.low * gain.high) == pytest.approx(gain.gain)
    assert gain.is_ratio


def test_a_ratio_of_zero_is_refused() -> None:
    with pytest.raises(PhysicsError, match="positive"):
        paired_ratio([1.0, 0.0], [1.0, 1.0])


def test_unequal_seeds_are_refused() -> None:
    with pytest.raises(PhysicsError, match="same seeds"):
        paired_gain([1.0, 2.0], [1.0])


def test_significance_is_the_gaussian_equivalent_of_the_t_test() -> None:
    # t = 4.3027 with three pairs is p = 0.05 two-sided, hence 1.96 sigma.
    error = 1.0 / np.sqrt(3.0)
    gain = paired_gain(np.array([-1.0, 0.0, 1.0]) + T_95_2 * error, np.zeros(3))
    assert gain.t == pytest.approx(T_95_2, rel=1e-6)
    assert gain.significance == pytest.approx(1.95996, rel=1e-4)
    assert verdict(gain) == NO_DIFFERENCE


def test_verdict_needs_two_sigma_in_either_direction() -> None:
    noise = np.array([-1.0, 0.0, 1.0]) * 0.001
    assert verdict(paired_gain(0.1 + noise, np.zeros(3))) == "pretraining helps"
    assert verdict(paired_gain(-0.1 + noise, np.zeros(3))) == "pretraining hurts"
    assert verdict(paired_gain(0.0001 + noise, np.zeros(3))) == NO_DIFFERENCE
    assert (
        verdict(paired_ratio([2.0, 2.01, 2.02], [1.0, 1.0, 1.0]), "more data") == "more data helps"
    )


def test_one_seed_is_not_tested() -> None:
    assert "one seed" in verdict(paired_gain([0.9], [0.8]))


def test_identical_arms_differ_by_nothing() -> None:
    gain = paired_gain([0.8, 0.9], [0.8, 0.9])
    assert gain.significance == 0.0
    assert verdict(gain) == NO_DIFFERENCE
