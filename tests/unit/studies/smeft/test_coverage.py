from __future__ import annotations

import numpy as np
import pytest

from colliderfm.errors import PhysicsError
from colliderfm.studies.smeft.coverage import captured_counts, coverage, recall_at


def test_recall_by_hand() -> None:
    true = np.array([[0.0, 1.0, 2.0, 3.0]])
    assert recall_at(true, true, 2) == 1.0
    assert recall_at(-true, true, 2) == 0.0
    assert recall_at(np.array([[0.0, 9.0, 1.0, 8.0]]), true, 2) == 0.5
    with pytest.raises(PhysicsError, match="neighbors"):
        recall_at(true, true, 5)


def test_counts_of_captured_universes() -> None:
    significance = np.array([[0.5, 2.0, 5.0, 7.0], [3.5, 3.5, 9.0, 0.1]])
    assert captured_counts(significance).tolist() == [[1, 2, 3], [1, 1, 3]]


def test_coverage_counts_against_its_binomial_error() -> None:
    significance = np.concatenate([np.full(680, 0.5), np.full(310, 2.0), np.full(10, 4.0)])
    one, three, six = coverage(significance)
    assert one.covered == 0.68
    assert one.error == pytest.approx(np.sqrt(0.6827 * 0.3173 / 1000), rel=1e-3)
    assert one.is_within
    # 0.99 against 0.9973 with an error of 0.0016.
    assert not three.is_within
    assert six.covered == 1.0
    assert six.is_within
