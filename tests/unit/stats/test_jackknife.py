"""The jackknife error of a mean is the standard error of the group means."""

from __future__ import annotations

import math

import numpy as np
import pytest

from colliderfm.stats.jackknife import jackknife_error


def test_a_mean_of_three_groups_by_hand():
    # Groups 0, 3, 6: without one of them the means are 4.5, 3, 1.5; standard error 3 / sqrt(3).
    assert jackknife_error(np.array([4.5, 3.0, 1.5])) == pytest.approx(math.sqrt(3.0))


def test_nothing_is_claimed_without_two_groups_or_with_a_number_missing():
    assert math.isnan(jackknife_error(np.array([1.0])))
    assert math.isnan(jackknife_error(np.array([1.0, np.nan, 2.0])))
