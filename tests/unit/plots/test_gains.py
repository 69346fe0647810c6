"""What the panel of gains shows."""

from __future__ import annotations

import numpy as np

from colliderfm.plots.gains import GainSeries, draw_gains
from colliderfm.plots.style import hep_style, new_figure

EVENTS = np.array([100, 1000])


def series(gain: list[float], half: list[float]) -> GainSeries:
    middle, width = np.array(gain), np.array(half)
    return GainSeries(EVENTS, middle, middle - width, middle + width, np.array([8, 3]))


def test_series_stand_side_by_side_around_the_training_size() -> None:
    with hep_style():
        _, axes = new_figure()
        one, two = series([0.1, 0.2], [0.05, 0.1]), series([0.0, 0.1], [0.05, 0.1])
        draw_gains(axes[0], {"one": one, "two": two}, "Gain in AUC")
    left, right = (np.asarray(bars.lines[0].get_xdata()) for bars in axes[0].containers)
    np.testing.assert_allclose(left * right, EVENTS.astype(float) ** 2)
    assert (left < right).all()
    assert axes[0].get_legend_handles_labels()[1] == ["one", "two"]
    assert [tick.get_text() for tick in axes[0].get_xticklabels()] == ["100", "1,000"]
    low, high = axes[0].get_ylim()
    assert low < -0.05
    assert high > 0.3


def test_a_gain_without_interval_is_a_point() -> None:
    with hep_style():
        _, axes = new_figure()
        draw_gains(axes[0], {"one": series([0.1, 0.2], [np.nan, 0.1])}, "Gain")
    segments = axes[0].containers[0].lines[2][0].get_segments()
    np.testing.assert_allclose(segments[0][:, 1], [0.1, 0.1])
    np.testing.assert_allclose(segments[1][:, 1], [0.1, 0.3])


def test_ratios_have_readable_ticks_on_a_logarithmic_axis() -> None:
    with hep_style():
        _, axes = new_figure()
        draw_gains(axes[0], {"one": series([1.0, 1.1], [0.1, 0.05])}, "Ratio", is_ratio=True)
    low, high = axes[0].get_ylim()
    shown = [tick for tick in axes[0].get_yticks() if low <= tick <= high]
    assert axes[0].get_yscale() == "log"
    assert {0.9, 1.0, 1.1} <= set(shown)
