"""What the figures compute: contour radii, captured universes, spreads, paths, curves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from colliderfm.physics.identifiability import mahalanobis_distances
from colliderfm.studies.smeft.captured import (
    Capture,
    capture,
    cloud_covariance,
    contour_radius,
    nearest_to_sm,
)
from colliderfm.studies.smeft.data import SmeftData
from colliderfm.studies.smeft.figures_latent import representative
from colliderfm.studies.smeft.figures_retrieval import (
    constraint_radial,
    signed_decades,
    spread_ratio,
)
from colliderfm.studies.smeft.figures_spectra import block_edges, shown_observables
from colliderfm.studies.smeft.figures_training import history_band
from colliderfm.studies.smeft.figures_trajectories import operator_paths, path_length
from colliderfm.studies.smeft.latent_view import LatentView, latent_columns
from colliderfm.studies.smeft.retrieval import sigmas_of


def test_a_contour_radius_inverts_the_significance_of_retrieval() -> None:
    for sigma in (1.0, 3.0, 6.0):
        radius = contour_radius(sigma, 8, 200)
        found = sigmas_of(np.array([radius**2]), 8, 200)[0]
        assert found == pytest.approx(sigma, rel=1e-6)


def test_a_contour_radius_of_many_replicas_is_that_of_chi_squared() -> None:
    expected = np.sqrt(stats.chi2.isf(2 * stats.norm.sf(3.0), 2))
    assert contour_radius(3.0, 2, 10**7) == pytest.approx(expected, rel=1e-4)


def test_universes_are_captured_by_distance_in_units_of_the_querys_noise() -> None:
    rng = np.random.default_rng(0)
    centers = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 60.0]])
    universe = np.repeat(np.arange(3), 4000)
    latent = centers[universe] + rng.normal(size=(12000, 2)) * [1.0, 3.0]
    view = LatentView.of_latents("toy", latent, universe)
    distances = np.array([[0.0, 1.0, 20.0], [1.0, 0.0, 20.0], [20.0, 20.0, 0.0]])
    found = capture(view, distances, 0)
    assert found is not None
    np.testing.assert_allclose(found.latent_distance[1:], [1.0, 20.0], rtol=0.08)
    assert [row["latent"] for row in found.counts()] == [1, 1, 1]
    assert found.counts()[0]["both"] == 1


def test_a_query_with_too_few_replicas_captures_nothing() -> None:
    universe = np.repeat(np.arange(3), 3)
    latent = np.arange(27.0).reshape(9, 3) ** 1.5
    view = LatentView.of_latents("toy", latent, universe)
    assert capture(view, np.zeros((3, 3)), 0) is None


def test_counts_leave_the_query_out() -> None:
    found = Capture(1, np.array([1.0, 2.0, 3.0]), np.array([1.5, 0, 9]), np.array([0.5, 0, 2.5]))
    assert [(r["latent"], r["spectrum"], r["both"]) for r in found.counts()] == [
        *((0, 1, 0), (1, 1, 1), (1, 2, 1)),
    ]


def test_a_flat_direction_has_a_tiny_spread() -> None:
    points = np.column_stack([np.arange(10.0), np.zeros(10)])
    covariance = cloud_covariance(points)
    assert covariance[0, 0] == pytest.approx(np.var(np.arange(10), ddof=1))
    assert 0.0 < covariance[1, 1] < 1e-7


def test_the_query_is_the_universe_nearest_to_the_standard_model(data: SmeftData) -> None:
    mean = data.corpus.seen.mean_pb_per_gev
    distance = mahalanobis_distances(mean, data.sm[None], data.covariance)[:, 0]
    chosen = representative(distance, 4)
    assert chosen[0] == nearest_to_sm(distance)
    assert distance[chosen].tolist() == sorted(distance[chosen])
    assert distance[chosen[-1]] == distance.max()


def test_signed_decades_are_odd_and_leave_zeros_out() -> None:
    stretched = signed_decades(np.array([1e-4, 1.0, -0.01, 0.0]))
    np.testing.assert_allclose(stretched[:3], [0.0, 4.0, -2.0], atol=1e-12)
    assert np.isnan(stretched[3])


def test_a_spread_ratio_of_one_means_that_nothing_is_learned() -> None:
    prior = np.array([[1.0, 2.0], [-1.0, -2.0]])
    np.testing.assert_allclose(spread_ratio(prior, prior), 1.0)
    np.testing.assert_allclose(spread_ratio(0.5 * prior, prior), 0.5)


def test_no_radial_plot_is_drawn_from_a_handful_of_universes(tmp_path: Path) -> None:
    few = {"within 1 sigma": np.ones((3, 2))}
    assert constraint_radial(("clq3", "cHG"), np.ones((50, 2)), few, tmp_path) == []


def test_edges_of_an_observable_join_its_bins(data: SmeftData) -> None:
    assert shown_observables(data.table) == ["mll", "pt"]
    bins, edges = block_edges(data.table, "mll")
    assert (len(bins), edges[0], edges[-1]) == (60, 50.0, 650.0)
    _, edges = block_edges(data.table, "pt")
    assert edges[-2:].tolist() == [320.0, 325.0]


def test_a_linear_embedding_draws_straight_paths_at_linear_order(data: SmeftData) -> None:
    steps = np.linspace(-1.0, 1.0, 5)
    paths = operator_paths(
        data.table, lambda values: (values - data.sm) / data.sigma, "linear", steps
    )
    assert set(paths) == set(data.table.operators)
    path = paths["cll1"]
    np.testing.assert_allclose(path[2], 0.0, atol=1e-9)
    assert path_length(path) == pytest.approx(np.linalg.norm(path[-1] - path[0]))


def test_latent_columns_stop_at_a_gap_or_a_missing_value() -> None:
    frame = pd.DataFrame({"latent_0": [1.0], "latent_1": [2.0], "latent_3": [3.0]})
    assert latent_columns(frame) == ["latent_0", "latent_1"]
    assert latent_columns(frame.assign(latent_1=np.nan)) == []


def test_histories_are_averaged_where_half_of_the_seeds_still_train() -> None:
    band = history_band([[(1.0, 0.6), (2.0, 0.7)], [(1.0, 0.8)], [(1.0, 0.7)]])
    assert band.x.tolist() == [1.0]
    assert band.center[0] == pytest.approx(0.7)
