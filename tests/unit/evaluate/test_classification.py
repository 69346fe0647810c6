"""Bootstrapped ROC numbers, confusion matrix, one-vs-rest AUC."""

from __future__ import annotations

import numpy as np
import pytest

from colliderfm.errors import PhysicsError
from colliderfm.evaluate.classification import (
    confusion_matrix,
    macro_auc_replicas,
    one_vs_rest_auc,
    roc_replicas,
)
from colliderfm.evaluate.roc import max_sic, rejection_at, roc_curve
from colliderfm.stats.bootstrap import replica_counts


def sample(n: int = 1500) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    is_signal = rng.random(n) < 0.5
    return is_signal, np.round(rng.normal(size=n) + is_signal, 2), rng.uniform(0.5, 2.0, n)


def test_a_replica_of_ones_is_the_sample_itself() -> None:
    is_signal, score, weight = sample()
    ones = np.ones((2, len(score)), dtype=np.uint8)
    replicas = roc_replicas(is_signal, score, weight, ones, signal_efficiencies=(0.3,))
    curve = roc_curve(is_signal, score, weight)
    assert replicas.auc == pytest.approx([curve.auc] * 2)
    assert 1 / replicas.background_efficiency[0.3][0] == pytest.approx(
        rejection_at(curve, 0.3).value
    )
    assert replicas.max_sic[1] == pytest.approx(max_sic(curve).value)


def test_a_replica_is_the_sample_with_repeated_events() -> None:
    is_signal, score, weight = sample()
    counts = replica_counts(len(score), 3, 0)
    replicas = roc_replicas(is_signal, score, weight, counts)
    again = np.repeat(np.arange(len(score)), counts[2])
    expected = roc_curve(is_signal[again], score[again], weight[again]).auc
    assert replicas.auc[2] == pytest.approx(expected)


def test_fewer_points_leave_the_spread_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    is_signal, score, weight = sample()
    counts = replica_counts(len(score), 20, 0)
    fine = roc_replicas(is_signal, score, weight, counts, signal_efficiencies=(0.5,))
    monkeypatch.setattr("colliderfm.evaluate.classification.MAX_POINTS", 150)
    coarse = roc_replicas(is_signal, score, weight, counts, signal_efficiencies=(0.5,))
    assert np.abs(coarse.auc - fine.auc).max() < 0.1 * fine.auc.std()
    spread = [np.log(item.background_efficiency[0.5]).std() for item in (coarse, fine)]
    assert spread[0] == pytest.approx(spread[1], rel=0.15)


def test_confusion_rows_are_shares_of_the_true_class() -> None:
    matrix = confusion_matrix(
        np.array([0, 0, 1]), np.array([0, 1, 1]), 3, weight=np.array([3.0, 1.0, 5.0])
    )
    np.testing.assert_allclose(matrix[:2], [[0.75, 0.25, 0.0], [0.0, 1.0, 0.0]])
    assert np.isnan(matrix[2]).all()


def test_one_vs_rest_auc_of_a_perfect_and_an_absent_class() -> None:
    true = np.array([0, 0, 1, 1])
    probability = np.array([[0.9, 0.1, 0.0], [0.8, 0.2, 0.0], [0.2, 0.8, 0.0], [0.1, 0.9, 0.0]])
    auc = one_vs_rest_auc(true, probability)
    assert auc[0] == 1.0
    assert auc[1] == 1.0
    assert np.isnan(auc[2])


def test_macro_auc_averages_the_classes() -> None:
    rng = np.random.default_rng(0)
    true = rng.integers(0, 3, 300)
    probability = rng.random((300, 3)) + np.eye(3)[true]
    ones = np.ones((1, 300), dtype=np.uint8)
    expected = one_vs_rest_auc(true, probability).mean()
    assert macro_auc_replicas(true, probability, ones)[0] == pytest.approx(expected)


def test_macro_auc_needs_two_classes() -> None:
    with pytest.raises(PhysicsError, match="macro AUC"):
        macro_auc_replicas(np.zeros(4, dtype=int), np.ones((4, 2)), np.ones((1, 4)))


def test_a_replica_without_signal_has_no_auc() -> None:
    counts = np.array([[0, 1, 2], [1, 1, 1]])
    replicas = roc_replicas(
        np.array([True, False, False]),
        np.array([2.0, 1.0, 3.0]),
        None,
        counts,
        signal_efficiencies=(0.5,),
    )
    assert np.isnan(replicas.auc[0])
    assert np.isnan(replicas.background_efficiency[0.5][0])
    assert replicas.auc[1] == pytest.approx(0.5)
