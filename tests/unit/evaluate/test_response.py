"""Response in bins of the truth, with errors over events."""

from __future__ import annotations

import numpy as np
import pytest

from colliderfm.evaluate.response import response


def test_response_in_bins_of_the_truth() -> None:
    true = np.array([10.0, 10.0, 10.0, 25.0, 0.0])
    found = response(
        np.array([5.0, 10.0, 15.0, 50.0, 3.0]),
        true,
        np.arange(5),
        np.array([0.0, 20.0, 30.0, 40.0]),
    )
    assert found.n.tolist() == [3, 1, 0]
    assert found.median[:2].tolist() == [1.0, 2.0]
    assert found.low[0] == pytest.approx(0.5 + 0.32 * 0.5)
    assert found.high[0] == pytest.approx(1.5 - 0.32 * 0.5)
    assert np.isnan(found.median[2])
    assert np.isnan(found.median_error[1:]).all()


def test_error_of_the_median_counts_events_not_resonances() -> None:
    predicted = np.repeat(np.random.default_rng(0).normal(10.0, 1.0, 400), 4)
    edges = np.array([0.0, 20.0])
    true = np.full(1600, 10.0)
    alone = response(predicted[::4], true[::4], np.arange(400), edges).median_error[0]
    joint = response(predicted, true, np.arange(1600) // 4, edges).median_error[0]
    assert joint == pytest.approx(alone, rel=0.05)
    # Of a Gaussian: sqrt(pi / 2) times the error of the mean.
    assert alone == pytest.approx(np.sqrt(np.pi / 2) * 0.1 / 20.0, rel=0.3)
