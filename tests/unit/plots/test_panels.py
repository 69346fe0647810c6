"""Histograms, confusion matrix and the picture of event tokens."""

from __future__ import annotations

import numpy as np
import pytest

from colliderfm.errors import PhysicsError
from colliderfm.evaluate.event_bands import banded_histogram
from colliderfm.plots.comparisons import (
    draw_comparison,
    label_comparison,
    new_comparison_figure,
)
from colliderfm.plots.histograms import Sample, density, draw_densities
from colliderfm.plots.latent import draw_class, project_tokens, view_limits
from colliderfm.plots.matrices import binomial_errors, draw_confusion
from colliderfm.plots.responses import draw_profiles, draw_response
from colliderfm.plots.style import hep_style, new_figure

EDGES = np.array([0.0, 1.0, 3.0])


def blobs(n: int = 300) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 3, n)
    return rng.normal(size=(n, 5)) + 6.0 * np.eye(3, 5)[classes], classes


def test_density_counts_overflow_in_the_norm() -> None:
    values, weights = np.array([0.5, 2.0, 9.0, np.nan]), np.array([1.0, 2.0, 1.0, 5.0])
    found = density(Sample([values], [weights], "k"), EDGES)
    np.testing.assert_allclose(found.mean, [1 / 4, 2 / 4 / 2])
    np.testing.assert_allclose(found.error, [1 / 4, 2 / 4 / 2])


def test_density_has_the_errors_of_trainings_and_of_events_in_quadrature() -> None:
    """Shares of the first bin: 1/4 and 3/4; of the second, per unit: 3/8 and 1/8."""
    weights = np.ones(4)
    rows = [np.array([0.5, 2.0, 2.0, 2.0]), np.array([0.5, 0.5, 0.5, 2.0])]
    found = density(Sample(rows, [weights] * 2, "k"), EDGES)
    np.testing.assert_allclose(found.mean, [1 / 2, 1 / 4])
    of_events = (1 / 16 + 3 / 16) / 2
    np.testing.assert_allclose(found.error[0] ** 2, (1 / 4) ** 2 * 2 + of_events)
    np.testing.assert_allclose(found.error[1] ** 2, (1 / 8) ** 2 * 2 + of_events / 4)


def test_an_empty_sample_has_zero_density() -> None:
    found = density(Sample([np.array([])], [np.array([])], "k"), EDGES)
    assert (found.mean == 0).all()
    assert (found.error == 0).all()


def test_histogram_axes_carry_units() -> None:
    sample = Sample([np.array([0.5])], [np.array([1.0])], "k", is_filled=True)
    with hep_style():
        _, axes = new_figure()
        drawn = draw_densities(axes[0], {"background": sample}, EDGES, "Mass", unit="GeV")
    assert axes[0].get_xlabel() == "Mass [GeV]"
    np.testing.assert_allclose(drawn["background"].mean, [1.0, 0.0])


def test_confusion_cells_are_percent() -> None:
    with hep_style():
        _, axes = new_figure()
        draw_confusion(axes[0], np.array([[0.75, 0.25], [np.nan, np.nan]]), ["tt", "ww"])
    assert [text.get_text() for text in axes[0].texts] == ["75", "25"]


def test_confusion_cells_carry_their_errors() -> None:
    matrix = np.array([[0.75, 0.25], [0.0, 1.0]])
    errors = binomial_errors(matrix, np.array([100, 10]))
    np.testing.assert_allclose(errors, [[0.0433, 0.0433], [0.0, 0.0]], atol=1e-4)
    with hep_style():
        _, axes = new_figure()
        draw_confusion(axes[0], matrix, ["tt", "ww"], errors)
    assert [text.get_text() for text in axes[0].texts] == ["75±4", "25±4", "0", "100"]
    assert axes[0].get_title() == "Percent of the true process; statistical error at most 4.3"


def test_generated_beside_true_has_a_ratio_panel_with_names_and_units() -> None:
    rng = np.random.default_rng(0)
    made, true = rng.uniform(0.0, 2.5, (2, 200))
    bands = banded_histogram(made, true, np.arange(200), EDGES)
    with hep_style():
        figure, upper, lower = new_comparison_figure(1)
        draw_comparison(upper[0], lower[0], bands, ("simulated", "generated"), log=True)
        label_comparison(upper[0], lower[0], "Energy", "GeV", "objects")
        figure.canvas.draw()
    assert lower[0].get_xlabel() == "Energy [GeV]"
    assert upper[0].get_ylabel() == "Fraction of objects / GeV"
    assert [text.get_text() for text in upper[0].get_legend().get_texts()] == [
        "simulated",
        "generated",
    ]
    assert lower[0].get_xlim() == (0.0, 3.0)


def test_response_hides_bins_with_few_values() -> None:
    counts = np.array([[20.0, 0.0], [3.0, 3.0]])
    with hep_style():
        _, axes = new_figure()
        draw_response(axes[0], EDGES, counts, ("True", "Generated"))
    drawn = axes[0].collections[0].get_array()
    assert drawn.filled(np.nan)[0, 0] == pytest.approx(100.0)
    assert drawn.mask[:, 1].all()


def test_profiles_leave_out_empty_bins() -> None:
    nan = np.nan
    profile = (EDGES, *(np.array([value, nan]) for value in (1.1, 0.1, 0.8, 1.4)))
    with hep_style():
        figure, axes = new_figure()
        draw_profiles(axes[0], {"top": profile}, ("k",))
        figure.canvas.draw()
    assert axes[0].get_xlim() == (0.0, 3.0)
    low, high = axes[0].get_ylim()
    assert low < 0.8
    assert high > 1.4


@pytest.mark.parametrize("method", ["pca", "lda"])
def test_classes_stay_apart_in_two_dimensions(method: str) -> None:
    tokens, classes = blobs()
    points = project_tokens(tokens, classes, method)
    np.testing.assert_allclose(points.mean(axis=0), 0.0, atol=1e-9)
    np.testing.assert_allclose(points.std(axis=0), 1.0)
    assert (points[classes == 0].mean(axis=0) >= 0).all()
    means = np.array([points[classes == c].mean(axis=0) for c in range(3)])
    spread = max(points[classes == c].std(axis=0).max() for c in range(3))
    gaps = [np.linalg.norm(means[a] - means[b]) for a, b in ((0, 1), (0, 2), (1, 2))]
    assert min(gaps) > 3 * spread


def test_two_classes_have_no_plane_of_discriminants() -> None:
    tokens, classes = blobs()
    with pytest.raises(PhysicsError, match="picture"):
        project_tokens(tokens[classes < 2], classes[classes < 2], "lda")


def test_a_class_is_drawn_over_the_others_with_its_regions() -> None:
    points = np.random.default_rng(0).normal(size=(20000, 2)) * 0.5
    is_class = np.arange(20000) % 2 == 0
    limits = np.array([[-3.0, 3.0], [-3.0, 3.0]])
    with hep_style():
        figure, axes = new_figure()
        region = draw_class(axes[0], points, is_class, limits)
        figure.canvas.draw()
    assert region is not None
    assert (axes[0].get_xlim(), axes[0].get_ylim()) == ((-3.0, 3.0), (-3.0, 3.0))
    np.testing.assert_allclose(region.mean, points[is_class].mean(axis=0))
    # Of a Gaussian the region with share p has the area 2 pi s^2 ln(1 / (1 - p)); smoothing with two
    # bins of 6 / 80 widens s^2 from 0.25 to 0.2725.
    for share in (0.5, 0.9):
        expected = 2 * np.pi * 0.2725 * np.log(1 / (1 - share))
        assert region.areas[share] == pytest.approx(expected, rel=0.05)
    assert region.numbers()["points"] == 10000
    assert region.numbers()["share_in_view"] == 1.0


def test_a_class_without_points_shows_the_others_alone() -> None:
    with hep_style():
        _, axes = new_figure()
        points = np.zeros((5, 2))
        limits = view_limits(points)
        assert draw_class(axes[0], points, np.zeros(5, dtype=bool), limits) is None
    np.testing.assert_allclose(limits, [[-0.3, 0.3], [-0.3, 0.3]])


def test_points_out_of_view_are_counted_as_such() -> None:
    points = np.array([[0.0, 0.0], [9.0, 0.0], [0.5, 0.5], [0.2, 0.1]])
    with hep_style():
        _, axes = new_figure()
        region = draw_class(axes[0], points, np.ones(4, dtype=bool), np.array([[-1.0, 1.0]] * 2))
    assert region is not None
    assert region.n == 4
    assert region.share_in_view == 0.75
