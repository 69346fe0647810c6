"""Replica counts and the spreads made from them."""

from __future__ import annotations

import numpy as np
import pytest

from colliderfm.errors import PhysicsError
from colliderfm.stats.bootstrap import replica_counts, summarize


def test_counts_are_poisson_with_unit_mean() -> None:
    counts = replica_counts(2000, 100, seed=1)
    assert counts.shape == (100, 2000)
    assert counts.mean() == pytest.approx(1.0, abs=0.01)
    assert counts.var() == pytest.approx(1.0, abs=0.02)
    assert (counts == 0).mean() == pytest.approx(np.exp(-1), abs=0.005)
    assert (counts == 3).mean() == pytest.approx(np.exp(-1) / 6, abs=0.003)


def test_equal_seeds_give_equal_counts() -> None:
    np.testing.assert_array_equal(replica_counts(50, 7, 3), replica_counts(50, 7, 3))
    assert (replica_counts(50, 7, 3) != replica_counts(50, 7, 4)).any()


def test_no_events_are_refused() -> None:
    with pytest.raises(PhysicsError, match="bootstrap"):
        replica_counts(0, 10, 0)


def test_error_of_a_sum_of_weights_is_the_root_of_the_sum_of_squares() -> None:
    weights = np.array([1.0, 2.0, 3.0] * 100)
    result = summarize(replica_counts(len(weights), 2000, 0) @ weights)
    assert result.error == pytest.approx(np.sqrt((weights**2).sum()), rel=0.05)
    assert result.low < weights.sum() < result.high


def test_summary_ignores_what_is_not_finite() -> None:
    result = summarize(np.array([1.0, 3.0, np.inf, np.nan]))
    assert result.error == pytest.approx(np.sqrt(2.0))
    assert np.isnan(summarize(np.array([1.0])).error)


def test_counts_are_independent_of_data_drawn_with_the_same_seed() -> None:
    # Data and replicas commonly share seed 0: the streams must differ all the same.
    data = np.random.default_rng(0).random(100_000, dtype=np.float32).reshape(10, 10_000)
    counts = replica_counts(10_000, 10, 0)
    assert abs(np.corrcoef(data.ravel(), counts.ravel())[0, 1]) < 0.02
