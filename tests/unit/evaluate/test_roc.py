"""The weighted ROC curve against numbers worked out by hand and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from colliderfm.errors import PhysicsError
from colliderfm.evaluate.roc import background_efficiency_at, max_sic, rejection_at, roc_curve

SIGNAL = np.array([True, True, True, True])


def sample(n: int = 4000, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    is_signal = rng.random(n) < 0.4
    score = np.round(rng.normal(size=n) + is_signal, 1)  # many equal scores
    return is_signal, score, rng.uniform(0.2, 3.0, n)


def test_curve_of_four_events() -> None:
    # falling score: signal (weight 3), background, signal (weight 1), background
    curve = roc_curve(
        np.array([False, True, True, False]),
        np.array([0.7, 0.9, 0.4, 0.1]),
        np.array([1.0, 3.0, 1.0, 1.0]),
    )
    np.testing.assert_allclose(curve.signal_efficiency, [0, 0.75, 0.75, 1, 1])
    np.testing.assert_allclose(curve.background_efficiency, [0, 0, 0.5, 0.5, 1])
    np.testing.assert_array_equal(curve.n_background, [0, 0, 1, 1, 2])
    assert curve.auc == pytest.approx(0.875)
    assert curve.threshold[1] == 0.9


def test_equal_scores_count_half() -> None:
    assert roc_curve(np.array([True, False]), np.array([0.5, 0.5])).auc == 0.5


def test_auc_with_weights_and_ties_agrees_with_scikit_learn() -> None:
    is_signal, score, weight = sample()
    expected = roc_auc_score(is_signal, score, sample_weight=weight)
    assert roc_curve(is_signal, score, weight).auc == pytest.approx(expected, abs=1e-12)


def test_scale_of_the_weights_of_either_class_does_not_matter() -> None:
    is_signal, score, weight = sample(500)
    scaled = np.where(is_signal, 7.0, 0.01) * weight
    first, second = roc_curve(is_signal, score, weight), roc_curve(is_signal, score, scaled)
    assert first.auc == pytest.approx(second.auc)
    assert max_sic(first, 5).value == pytest.approx(max_sic(second, 5).value)


def test_background_efficiency_is_interpolated() -> None:
    signal, background = np.array([[0.0, 0.2, 0.6, 1.0]]), np.array([[0.0, 0.0, 0.1, 1.0]])
    for at, expected in ((0.2, 0.0), (0.4, 0.05), (0.6, 0.1), (0.8, 0.55), (1.0, 1.0)):
        assert background_efficiency_at(signal, background, at)[0] == pytest.approx(expected)


def test_a_vertical_step_takes_the_lowest_background() -> None:
    signal, background = np.array([[0.0, 0.5, 0.5, 1.0]]), np.array([[0.0, 0.1, 0.4, 1.0]])
    assert background_efficiency_at(signal, background, 0.5)[0] == pytest.approx(0.1)
    assert background_efficiency_at(signal, background, 0.75)[0] == pytest.approx(0.7)


def test_rejection_counts_the_background_that_passes() -> None:
    # 100 background events, of which 10 lie above all signal
    is_signal = np.array([False] * 100 + [True] * 4)
    score = np.array([2.0] * 10 + [0.0] * 90 + [1.0] * 4)
    result = rejection_at(roc_curve(is_signal, score), 0.5, min_background_events=10)
    assert result.n_background == 10
    assert result.value == pytest.approx(10.0)
    assert not result.is_limit
    assert rejection_at(roc_curve(is_signal, score), 0.5, min_background_events=11).is_limit
    # Poisson upper limit on 10 observed events at 95%: 16.96
    assert result.limit == pytest.approx(100 / 16.96, rel=1e-3)


def test_rejection_without_background_is_a_finite_limit() -> None:
    is_signal = np.array([False] * 300 + [True] * 10)
    result = rejection_at(roc_curve(is_signal, is_signal.astype(float)), 0.5)
    assert result.is_limit
    assert result.n_background == 0
    assert result.value == result.limit == pytest.approx(300 / 2.9957, rel=1e-4)


def test_limit_uses_the_effective_number_of_weighted_events() -> None:
    # two passing events of weight 3 and 1: effective number 16 / 10 = 1.6
    is_signal = np.array([False, False, True, False])
    curve = roc_curve(is_signal, np.array([3.0, 3.0, 2.0, 1.0]), np.array([3.0, 1.0, 1.0, 4.0]))
    result = rejection_at(curve, 1.0, min_background_events=1.7)
    assert result.is_limit
    assert not rejection_at(curve, 1.0, min_background_events=1.5).is_limit
    assert result.value == pytest.approx(2.0)


@pytest.mark.parametrize("at", [0.0, -0.1, 1.1])
def test_impossible_working_points_are_refused(at: float) -> None:
    with pytest.raises(PhysicsError, match="signal efficiency"):
        rejection_at(roc_curve(*sample(100)[:2]), at)


def test_largest_significance_improvement_respects_the_floor() -> None:
    # one background event above 60% of the signal: SIC = 0.6 / sqrt(0.01) = 6 without a floor
    is_signal = np.array([False] + [True] * 6 + [False] * 99 + [True] * 4)
    score = np.concatenate([[3.0], np.full(6, 2.0), np.full(99, 1.0), np.full(4, 0.0)])
    curve = roc_curve(is_signal, score)
    free = max_sic(curve, min_background_events=1)
    assert free.value == pytest.approx(6.0)
    assert (free.signal_efficiency, free.n_background) == (pytest.approx(0.6), 1)
    assert max_sic(curve, min_background_events=50).value == pytest.approx(1.0)
    assert np.isfinite(max_sic(curve, min_background_events=0).value)


def test_a_score_that_is_not_finite_is_refused_by_event() -> None:
    with pytest.raises(PhysicsError, match="event 1"):
        roc_curve(np.array([True, False]), np.array([0.1, np.nan]))


def test_a_missing_class_is_refused() -> None:
    with pytest.raises(PhysicsError, match="background of a ROC curve"):
        roc_curve(SIGNAL, np.arange(4.0))
