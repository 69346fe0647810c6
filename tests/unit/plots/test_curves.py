"""Bands over seeds and what the curve panels show."""

from __future__ import annotations

import numpy as np
import pytest

from colliderfm.plots.curves import (
    Band,
    draw_bars,
    draw_inverse_roc,
    draw_learning_curves,
    draw_loss_curves,
    set_log_with_plain_ticks,
)
from colliderfm.plots.style import hep_style, new_figure

X = np.array([100.0, 1000.0])


def test_band_is_mean_and_standard_deviation_over_seeds() -> None:
    band = Band.of_seeds(X, np.array([[1.0, 2.0], [3.0, 2.0]]))
    np.testing.assert_allclose(band.center, [2.0, 2.0])
    np.testing.assert_allclose(band.high - band.center, [np.sqrt(2.0), 0.0])
    assert band.n_seeds == 2


def test_geometric_band_averages_logarithms() -> None:
    band = Band.of_seeds(X, np.array([[10.0, 5.0], [1000.0, 5.0]]), geometric=True)
    np.testing.assert_allclose(band.center, [100.0, 5.0])
    np.testing.assert_allclose(band.low * band.high, band.center**2)


def test_missing_values_are_left_out_of_a_band() -> None:
    band = Band.of_seeds(X, np.array([[1.0, np.nan], [3.0, np.nan]]))
    assert band.center[0] == 2.0
    assert np.isnan(band.center[1])


def test_one_seed_has_no_band() -> None:
    band = Band.of_seeds(X, np.array([[1.0, 2.0]]))
    np.testing.assert_array_equal(band.low, band.high)
    assert band.numbers()["seeds"] == 1


def test_inverse_roc_is_logarithmic_with_a_random_line() -> None:
    efficiency = np.linspace(0.1, 1.0, 10)
    band = Band.of_seeds(efficiency, (1 / efficiency**2)[None])
    with hep_style():
        _, axes = new_figure()
        draw_inverse_roc(axes[0], {"scratch": band}, points=(0.25,))
    labels = [text.get_text() for text in axes[0].get_legend().get_texts()]
    assert labels == ["from scratch (1 seed)", "random"]
    assert axes[0].get_yscale() == "log"
    assert axes[0].get_ylim()[0] == 1.0


def test_learning_curve_ticks_are_the_training_sizes() -> None:
    with hep_style():
        _, axes = new_figure()
        bands = {"pretrained": Band.of_seeds(X, np.array([[0.8, 0.9], [0.8, 0.88]]))}
        draw_learning_curves(axes[0], bands, "Test AUC")
        set_log_with_plain_ticks(axes[0])
    assert [tick.get_text() for tick in axes[0].get_xticklabels()] == ["100", "1,000"]
    assert axes[0].get_xlabel().startswith("Training events")
    assert axes[0].get_legend().get_texts()[0].get_text() == "pretrained (2 seeds)"


def test_loss_curves_and_bars_are_labelled() -> None:
    with hep_style():
        _, axes = new_figure(2)
        draw_loss_curves(axes[0], {"scratch": Band.of_seeds(X, np.ones((1, 2)))}, "Loss", log=True)
        draw_bars(
            axes[1],
            ["30 GeV"],
            {"scratch": ([50.0], [2.0]), "rule": ([40.0], [1.0])},
            "Efficiency [%]",
        )
    assert axes[0].get_xlabel() == "Updates"
    assert axes[0].get_xscale() == "log"
    assert [bar.get_height() for bar in axes[1].patches] == pytest.approx([50.0, 40.0])
    assert axes[1].get_ylabel() == "Efficiency [%]"
