from __future__ import annotations

import math

import pytest

from colliderfm.train.schedule import schedule_factor


def test_warm_up_rises_linearly_to_the_peak() -> None:
    assert [schedule_factor(update, 4, 10) for update in (1, 2, 3, 4, 5)] == [0.25, 0.5, 0.75, 1, 1]


def test_cosine_passes_one_half_in_the_middle_and_nears_zero_at_the_end() -> None:
    assert schedule_factor(6, 0, 10) == pytest.approx(0.5)
    assert schedule_factor(10, 0, 10) == pytest.approx(0.5 * (1 + math.cos(0.9 * math.pi)))


def test_every_update_of_a_run_has_a_positive_rate() -> None:
    for warmup in (0, 1, 5, 10, 20):
        assert all(schedule_factor(update, warmup, 10) > 0 for update in range(1, 11))


def test_factor_stays_zero_beyond_the_end() -> None:
    assert schedule_factor(11, 0, 10) == pytest.approx(0)
    assert schedule_factor(50, 0, 10) == pytest.approx(0)
