"""Holm's correction against hand-computed numbers."""

from __future__ import annotations

import numpy as np
import pytest

from colliderfm.errors import PhysicsError
from colliderfm.stats.intervals import paired_gain
from colliderfm.studies.multiple_tests import holm, p_value


def test_the_smallest_is_multiplied_most_and_none_overtakes() -> None:
    # Sorted 0.001, 0.02, 0.021, 0.5 with factors 4, 3, 2, 1; 0.042 is lifted to 0.06.
    np.testing.assert_allclose(holm([0.02, 0.5, 0.001, 0.021]), [0.06, 0.5, 0.004, 0.06])


def test_no_probability_exceeds_one() -> None:
    np.testing.assert_array_equal(holm([0.9, 0.6]), [1.0, 1.0])
    assert holm([]).size == 0


@pytest.mark.parametrize("values", [[-0.1], [1.1], [np.nan]])
def test_what_is_no_probability_is_refused(values: list[float]) -> None:
    with pytest.raises(PhysicsError, match="p-values"):
        holm(values)


def test_p_value_of_three_pairs() -> None:
    # t = 2 / (1 / sqrt 3); two degrees of freedom: p = 1 - t / sqrt(t^2 + 2) = 1 - sqrt(6 / 7).
    assert p_value(paired_gain([1.0, 2.0, 3.0], [0.0] * 3)) == pytest.approx(1 - np.sqrt(6 / 7))
    assert p_value(paired_gain([1.0, 1.0], [0.0, 0.0])) == 0.0
    assert np.isnan(p_value(paired_gain([1.0], [0.0])))
