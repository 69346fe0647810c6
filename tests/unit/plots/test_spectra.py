"""Spectra with ratios, violins, radial plots, planes, reliability: numbers and what panels show."""

from __future__ import annotations

import numpy as np
import pytest

from colliderfm.errors import PhysicsError
from colliderfm.plots.curves import Band
from colliderfm.plots.latent_maps import (
    draw_clusters,
    draw_colored_points,
    draw_ellipses,
    draw_trajectories,
    frame_points,
    label_plane,
)
from colliderfm.plots.method_curves import MethodStyle, draw_method_bars, draw_method_curves
from colliderfm.plots.planes import Plane
from colliderfm.plots.radial import draw_radial
from colliderfm.plots.reliability import draw_reliability, reliability
from colliderfm.plots.spectra import (
    Steps,
    clip_ratio_axis,
    draw_ratios,
    draw_spectra,
    ordered_colors,
)
from colliderfm.plots.style import new_figure
from colliderfm.plots.violins import draw_violins, violin_outline

EDGES_GEV = np.array([50.0, 60.0, 80.0])
SPECTRA = {
    "SM": Steps(np.array([2.0, 1.0]), "black"),
    "one": Steps(np.array([4.0, -1.0]), "red", line="--"),
}
STYLES = {
    "first": MethodStyle("First", "red", "-", "o"),
    "second": MethodStyle("Second", "blue", "--", "s"),
}


def test_a_spectrum_is_logarithmic_and_negative_bins_are_left_out() -> None:
    _, axes = new_figure()
    draw_spectra(axes[0], EDGES_GEV, SPECTRA, "density [pb/GeV]")
    assert axes[0].get_yscale() == "log"
    assert axes[0].get_xlim() == (50.0, 80.0)
    assert [line.get_label() for line in axes[0].patches] == ["SM", "one"]
    assert np.isnan(axes[0].patches[1].get_data().values[1])


def test_ratios_are_values_over_the_reference_with_their_sign() -> None:
    _, axes = new_figure()
    ratios = draw_ratios(axes[0], EDGES_GEV, SPECTRA, SPECTRA["SM"].values, "ratio")
    np.testing.assert_allclose(ratios["one"], [2.0, -1.0])
    np.testing.assert_allclose(ratios["SM"], 1.0)


def test_a_ratio_axis_shows_one_and_stops_at_its_limits() -> None:
    _, axes = new_figure()
    clip_ratio_axis(axes[0], [np.array([0.99, 40.0])], (0.4, 2.2))
    assert axes[0].get_ylim() == (pytest.approx(0.893, abs=0.01), 2.2)
    clip_ratio_axis(axes[0], [np.array([1.0, 1.01])], (0.4, 2.2))
    assert axes[0].get_ylim() == (0.9, 1.1)


def test_ordered_colors_run_from_blue_to_red() -> None:
    colors, mappable = ordered_colors(np.array([0.0, 1.0, 5.0]), (0.0, 1.0))
    assert colors[0, 2] > colors[0, 0]
    assert colors[1, 0] > colors[1, 2]
    np.testing.assert_allclose(colors[1], colors[2])
    assert mappable.get_clim() == (0.0, 1.0)


def test_a_two_dimensional_latent_is_shown_as_it_is() -> None:
    points = np.array([[0.0, 0.0], [1.0, 5.0], [2.0, -3.0]])
    plane = Plane.of_points(points)
    np.testing.assert_array_equal(plane.project(points), points)
    assert plane.labels == ("latent $z_1$", "latent $z_2$")


def test_a_wide_latent_is_shown_by_its_principal_components() -> None:
    steps = np.array([[3.0, 0, 0], [-3.0, 0, 0], [0, 0, 1.0], [0, 0, -1.0]])
    plane = Plane.of_points(steps + 7.0)
    assert plane.share == (pytest.approx(0.9), pytest.approx(0.1))
    assert "(90%)" in plane.labels[0]
    np.testing.assert_allclose(plane.project(steps + 7.0), steps[:, [0, 2]], atol=1e-12)


def test_a_plane_needs_two_dimensions_and_three_points() -> None:
    with pytest.raises(PhysicsError, match="plane"):
        Plane.of_points(np.zeros((5, 1)))
    with pytest.raises(PhysicsError, match="plane"):
        Plane.of_points(np.zeros((2, 3)))


def test_latent_maps_name_their_classes_and_axes() -> None:
    rng = np.random.default_rng(0)
    points, classes = rng.normal(size=(60, 2)), np.repeat([0, 1, 2], 20)
    figure, axes = new_figure(2)
    centers = draw_clusters(axes[0], points, classes, {1: "#1: 3.0"})
    np.testing.assert_allclose(centers["#1: 3.0"], points[20:40].mean(axis=0))
    draw_colored_points(figure, axes[1], points, points[:, 0], "ratio")
    label_plane(axes[1], Plane.of_points(points))
    assert axes[1].get_xlabel() == "latent $z_1$"
    assert figure.axes[-1].get_ylabel() == "ratio"


def test_an_ellipse_has_the_radius_of_its_mahalanobis_distance() -> None:
    _, axes = new_figure()
    draw_ellipses(axes[0], np.array([1.0, 2.0]), np.diag([4.0, 9.0]), {"2 sigma": 2.0})
    (ellipse,) = axes[0].patches
    assert (ellipse.width, ellipse.height) == (pytest.approx(12.0), pytest.approx(8.0))
    assert abs(ellipse.angle) == pytest.approx(90.0)


def test_trajectories_pass_the_start_and_stay_in_sight() -> None:
    _, axes = new_figure()
    path = np.array([[-1.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
    draw_trajectories(axes[0], {"clq3": path}, np.zeros(2))
    frame_points(axes[0], path, cut=0.0)
    assert axes[0].get_xlim()[0] < -1.0
    assert axes[0].get_xlim()[1] > 1.0
    assert axes[0].lines[0].get_label() == "clq3"


def test_a_violin_of_a_flat_sample_is_flat_and_of_a_narrow_one_narrow() -> None:
    grid = np.linspace(-1.0, 1.0, 81)
    flat = violin_outline(np.linspace(-1.0, 1.0, 4001), grid)
    assert flat.min() > 0.9
    narrow = violin_outline(np.linspace(-0.1, 0.1, 401), grid)
    assert narrow[40] == pytest.approx(1.0, abs=0.05)
    assert narrow[0] == narrow[-1] == 0.0
    assert not violin_outline(np.array([0.3, 0.3]), grid).any()


def test_violins_list_the_quantiles_without_missing_values() -> None:
    _, axes = new_figure()
    values = np.column_stack([np.arange(101.0), np.full(101, np.nan)])
    values[:, 1] = np.where(np.arange(101) < 51, np.arange(101.0), np.nan)
    drawn = draw_violins(axes[0], ["a", "b"], {"all": (values, "gray")}, "C", (0.0, 100.0))
    np.testing.assert_allclose(drawn["all"]["median"], [50.0, 25.0])
    assert [tick.get_text() for tick in axes[0].get_xticklabels()] == ["a", "b"]


def test_a_radial_line_is_closed_and_controls_are_gray() -> None:
    _, axes = new_figure(subplot_kw={"projection": "polar"})
    values = np.array([0.2, 0.4, 1.0])
    draw_radial(axes[0], ["a", "b", "c"], {"six": (values, "red")}, top=1.2, quiet=["c"])
    radius = axes[0].lines[0].get_ydata()
    np.testing.assert_allclose(radius, [0.2, 0.4, 1.0, 0.2])
    colors = [text.get_color() for text in axes[0].get_xticklabels()]
    assert colors == ["black", "black", "0.6"]


def test_reliability_of_a_calibrated_classifier_lies_on_the_diagonal() -> None:
    confidence = np.repeat([0.25, 0.75], 400)
    is_right = np.concatenate([np.arange(400) < 100, np.arange(400) < 300])
    curve = reliability(confidence, is_right, 10)
    assert curve.n.sum() == 800
    np.testing.assert_allclose(curve.accuracy[[2, 7]], [0.25, 0.75])
    assert curve.expected_error == pytest.approx(0.0)
    assert np.isnan(curve.accuracy[0])
    # Wilson: sqrt(p (1 - p) / n + 1 / (4 n^2)) / (1 + 1 / n)
    assert curve.error[2] == pytest.approx(np.sqrt(0.1875 / 400 + 0.25 / 400**2) / 1.0025)
    _, axes = new_figure()
    draw_reliability(axes[0], {"head": (curve, "red")})
    assert axes[0].get_legend().get_texts()[-1].get_text() == "head"


def test_an_overconfident_classifier_has_its_gap_as_error() -> None:
    curve = reliability(np.full(100, 0.95), np.arange(100) < 60, 10)
    assert curve.expected_error == pytest.approx(0.35)


def test_method_curves_and_bars_have_the_given_styles() -> None:
    _, axes = new_figure(2)
    band = Band.of_seeds(np.array([500.0, 1000.0]), np.array([[0.5, 0.6], [0.7, 0.8]]))
    draw_method_curves(axes[0], {"first": band}, STYLES, ("Replicas", "Accuracy"))
    assert axes[0].lines[0].get_label() == "First"
    assert [tick.get_text() for tick in axes[0].get_xticklabels()] == ["500", "1,000"]
    groups = {"one": {"first": (0.5, 0.1), "second": (0.7, np.nan)}, "two": {"first": (0.9, 0.0)}}
    draw_method_bars(axes[1], groups, STYLES, "AUROC")
    assert [bar.get_height() for bar in axes[1].patches] == pytest.approx([0.5, 0.9, 0.7])
