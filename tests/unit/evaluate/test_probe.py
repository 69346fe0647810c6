"""The linear probe and the promotion gate."""

from __future__ import annotations

import numpy as np
import pytest

from colliderfm.errors import PhysicsError
from colliderfm.evaluate.probe import decide_gate, linear_probe


def tokens(separation: float, n: int = 600, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, 3, n)
    centers = separation * np.eye(3, 8)
    return rng.normal(size=(n, 8)) + centers[classes], classes


def probe(separation: float, seed: int = 0):
    train, train_class = tokens(separation, seed=1)
    test, test_class = tokens(separation, seed=2)
    return linear_probe(train, train_class, test, test_class, n_replicas=50, seed=seed)


def test_separated_classes_are_found_and_equal_ones_are_not() -> None:
    assert probe(5.0).macro_auc > 0.99
    nothing = probe(0.0)
    assert abs(nothing.macro_auc - 0.5) < 4 * nothing.error
    assert 0.005 < nothing.error < 0.05
    assert nothing.class_auc.shape == (3,)


def test_the_probe_is_deterministic() -> None:
    first, second = probe(1.0), probe(1.0)
    assert first.macro_auc == second.macro_auc
    np.testing.assert_array_equal(first.replicas, second.replicas)


def test_the_gate_wants_more_than_twice_the_error_of_the_paired_gain() -> None:
    decision = decide_gate(probe(2.0), probe(1.0))
    assert decision.passed
    assert decision.gain > 2 * decision.error > 0
    assert "more than twice" in decision.reason


def test_an_encoder_does_not_beat_itself() -> None:
    decision = decide_gate(probe(1.0), probe(1.0))
    assert decision.gain == 0.0
    assert not decision.passed
    assert "not more" in decision.reason


def test_the_gate_refuses_unpaired_probes() -> None:
    train, train_class = tokens(1.0, seed=1)
    other = linear_probe(train, train_class, train[:100], train_class[:100], n_replicas=50)
    with pytest.raises(PhysicsError, match="different events"):
        decide_gate(probe(1.0), other)


def test_a_class_unknown_to_the_training_split_is_refused() -> None:
    values, classes = tokens(1.0)
    with pytest.raises(PhysicsError, match=r"class \[2\]"):
        linear_probe(values[classes < 2], classes[classes < 2], values, classes)


def test_tokens_that_are_not_finite_are_refused() -> None:
    values, classes = tokens(1.0)
    broken = values.copy()
    broken[3, 2] = np.nan
    with pytest.raises(PhysicsError, match="validation tokens"):
        linear_probe(values, classes, broken, classes)
