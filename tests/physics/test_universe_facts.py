"""Numbers of the shipped theory table that were measured independently, and laws of the noise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from colliderfm.baselines.optimal_spectrum import bayes_classifier, mahalanobis_classifier
from colliderfm.data.table_files import read_table
from colliderfm.physics.identifiability import (
    fisher_information,
    identifiable_directions,
    mahalanobis_distances,
)
from colliderfm.physics.replicas import (
    HARD_NOISE,
    STUDY_NOISE,
    alpha,
    effective_luminosity_per_pb,
    noise_model,
    poisson_sigma,
)
from colliderfm.physics.spectrum_table import SpectrumTable
from colliderfm.physics.universes import COEFFICIENTS, make_universes, sample_wilson

STARTER = Path(__file__).resolve().parents[2] / "starter" / "smeft"


@pytest.fixture(scope="module")
def table() -> SpectrumTable:
    """NNPDF23, the densities that the independent numbers were measured with."""
    return read_table(STARTER / "table_nnpdf23.json")


def test_luminosity_and_alpha(table):
    # 250 thousand effective events; variances shrink to about a quarter.
    luminosity = effective_luminosity_per_pb(table, 0.002)
    assert luminosity == pytest.approx(384.0, abs=0.5)
    assert luminosity * table.sm_pb[:60].sum() == pytest.approx(2.5e5)
    values = alpha(table, STUDY_NOISE)
    assert values["mll"] == pytest.approx(0.270, abs=5e-4)
    assert values["pt"] == pytest.approx(0.256, abs=5e-4)


def test_seven_directions_with_the_quoted_singular_values(table):
    values, _, rank = identifiable_directions(table, poisson_sigma(table, 0.002))
    assert rank == 7
    quoted = [195.0, 54.0, 43.0, 6.0, 0.96, 0.57, 0.03]
    assert values[:7] == pytest.approx(quoted, rel=0.02)
    assert (values[7:] < 1e-6).all()


def test_noise_scales_singular_values(table):
    fine, _, _ = identifiable_directions(table, poisson_sigma(table, 0.002))
    coarse, _, _ = identifiable_directions(table, poisson_sigma(table, 0.010))
    assert fine[:7] == pytest.approx(5.0 * coarse[:7])


def test_universes_of_the_source_study(table, caplog):
    universes = make_universes(table, 100, 0, order="linear")
    pull = (universes.mean_pb_per_gev - table.sm_pb / table.width_gev) / poisson_sigma(table)
    reduced = (pull**2).sum(axis=1) / 92
    assert (reduced < 10).sum() == 38
    assert (reduced < 1).sum() == 9
    # Truncation at linear order gives negative spectra in a quarter of these: 26 in m_ll, 2 in pT only.
    is_negative = universes.mean_pb_per_gev < 0.0
    assert is_negative[:, :60].any(axis=1).sum() == 26
    assert universes.n_with_negative_bins == 28
    assert f"{universes.n_with_negative_bins} of 100 universes" in caplog.text


def test_the_number_of_negative_universes_is_a_matter_of_the_draw(table):
    counts = np.array(
        [
            (table.predict_pb(sample_wilson(100, seed)[:, :17], "linear")[:, :60] < 0.0).any(axis=1)
            for seed in range(200)
        ]
    ).sum(axis=1)
    # Independent universes: a binomial count, 4 of width.
    share = counts.mean() / 100
    assert share == pytest.approx(0.206, abs=0.01)
    assert counts.std() == pytest.approx(np.sqrt(100 * share * (1.0 - share)), rel=0.15)
    assert counts.min() < 22
    assert counts.max() > 26


def test_quadratic_terms_keep_spectra_positive(table):
    assert make_universes(table, 2000, 0).n_negative_bins.sum() == 0


def test_the_extreme_linear_universe_is_far_below_zero(table):
    wilson = np.zeros(17)
    wilson[table.operators.index("clq3")] = -2.0
    ratio = table.predict_pb(wilson, "linear")[59] / table.sm_pb[59]
    assert ratio == pytest.approx(1 - 2 * 4.9954, abs=5e-3)


def test_hard_task_has_no_leak_through_the_variance(table):
    universes = make_universes(table, 50, 0)
    model = noise_model(table, universes.mean_pb_per_gev, HARD_NOISE)
    universe, values = next(model.stream(4000, 2, 4000))
    bayes = bayes_classifier(model).accuracy(values, universe)
    shared = mahalanobis_classifier(model.mean, model.covariance()).accuracy(values, universe)
    assert bayes == shared
    leaking = noise_model(table, universes.mean_pb_per_gev, replace(HARD_NOISE, per_universe=True))
    universe, values = next(leaking.stream(4000, 2, 4000))
    gain = bayes_classifier(leaking).accuracy(values, universe) - mahalanobis_classifier(
        leaking.mean, model.covariance()
    ).accuracy(values, universe)
    assert gain > 0.02


def test_study_task_is_solved_by_the_optimum(table):
    universes = make_universes(table, 100, 0)
    model = noise_model(table, universes.mean_pb_per_gev, STUDY_NOISE)
    universe, values = next(model.stream(1000, 2, 1000))
    assert bayes_classifier(model).accuracy(values, universe) > 0.998


def test_fisher_information_has_the_rank_of_the_theory(table):
    covariance = np.diag(poisson_sigma(table, 0.01) ** 2)
    eigenvalue = np.linalg.eigvalsh(fisher_information(table, covariance))[::-1]
    values, _, _ = identifiable_directions(table, poisson_sigma(table, 0.01))
    assert np.sqrt(eigenvalue[:6]) == pytest.approx(values[:6], rel=1e-4)


def test_moving_along_a_flat_direction_changes_no_distance(table):
    sigma = poisson_sigma(table, 0.01)
    _, directions, rank = identifiable_directions(table, sigma)
    points = np.stack([np.zeros(17), *directions[rank:]])
    mean = table.predict_pb(points, "linear") / table.width_gev
    distance = mahalanobis_distances(mean[:1], mean[1:], np.diag(sigma**2))
    # The table carries nine digits; the smallest visible direction moves it by 6e-3.
    assert distance.max() < 1e-4


@pytest.mark.parametrize("order", ["linear", "quadratic"])
def test_inert_operators_are_drawn_but_carry_no_information(table, order):
    universes = make_universes(table, 2000, 1, order=order)
    inert = universes.wilson[:, len(COEFFICIENTS) - 14 :]
    peak = np.log(np.abs(universes.mean_pb_per_gev[:, 4]))
    correlation = [np.corrcoef(column, peak)[0, 1] for column in inert.T]
    assert np.abs(correlation).max() < 4.0 / np.sqrt(2000)
