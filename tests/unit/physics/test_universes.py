"""Sampling of Wilson coefficients and the spectra of universes."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from toy_spectra import toy_table

from colliderfm.errors import ConfigError, PhysicsError
from colliderfm.physics.operators import CONTRIBUTING, INERT
from colliderfm.physics.replicas import poisson_sigma
from colliderfm.physics.universes import (
    COEFFICIENTS,
    N_CONTRIBUTING,
    informed_widths,
    make_universes,
    sample_wilson,
    universes_at,
)

TABLE = toy_table()


def test_columns_are_the_contributing_then_the_inert_operators():
    assert COEFFICIENTS == CONTRIBUTING + INERT
    assert (len(COEFFICIENTS), N_CONTRIBUTING) == (31, 17)


def test_log_uniform_coefficients_follow_equations_3_2_and_3_3():
    wilson = sample_wilson(4000, seed=0)
    size = np.abs(wilson[wilson != 0])
    assert wilson.shape == (4000, 31)
    assert size.min() >= 1e-4
    assert size.max() <= 2.0
    # Mean of p ~ U(0, 0.4) is 0.2; the error of the share is 0.4 / sqrt(124000).
    assert np.mean(wilson == 0) == pytest.approx(0.2, abs=5e-3)
    # ln(2 / 0.1) / ln(2 / 1e-4) of the non-zero ones are above 0.1.
    assert np.mean(size > 0.1) == pytest.approx(np.log(20) / np.log(2e4), abs=5e-3)
    assert np.mean(np.log(size)) == pytest.approx(0.5 * np.log(2e-4), abs=0.05)
    assert np.mean(wilson > 0) == pytest.approx(0.4, abs=5e-3)


def test_coefficients_have_the_quoted_statistics():
    wilson = sample_wilson(100_000, seed=0)
    assert np.mean(wilson == 0) == pytest.approx(0.200, abs=1e-3)
    assert np.mean(np.abs(wilson) > 0.1) == pytest.approx(0.242, abs=1e-3)
    assert np.mean(np.abs(wilson) > 1) == pytest.approx(0.056, abs=1e-3)


def test_sparsity_per_universe_spreads_the_number_of_zeros():
    zeros = {
        sparsity: (sample_wilson(4000, 3, sparsity=sparsity) == 0).sum(axis=1)
        for sparsity in ("coefficient", "universe", "none")
    }
    assert zeros["none"].max() == 0
    assert zeros["coefficient"].mean() == pytest.approx(zeros["universe"].mean(), rel=0.05)
    # Binomial(31, 0.2): 4.96; with p ~ U(0, 0.4) per universe: 4.55 + 31^2 0.4^2 / 12 = 17.4.
    assert zeros["coefficient"].var() == pytest.approx(4.96, rel=0.1)
    assert zeros["universe"].var() == pytest.approx(17.4, rel=0.1)


def test_gaussian_coefficients_have_their_width():
    wilson = sample_wilson(5000, 1, "gaussian", "none", width=0.3)
    assert wilson.std() == pytest.approx(0.3, rel=0.01)
    assert wilson.mean() == pytest.approx(0.0, abs=0.005)


@pytest.mark.parametrize("order", ["linear", "quadratic"])
def test_informed_widths_shift_the_spectrum_equally(order):
    widths = informed_widths(TABLE, delta_sigma_rel=0.01, n_sigma=5.0, order=order)
    sigma = poisson_sigma(TABLE, 0.01) * TABLE.width_gev
    shifts = [
        np.linalg.norm(
            (TABLE.predict_pb(sign * np.diag(widths[:17]), order) - TABLE.sm_pb) / sigma, axis=1
        )
        for sign in (1, -1)
    ]
    shift = np.sqrt(np.mean(np.square(shifts), axis=0))
    is_limited = widths[:17] == 2.0
    assert not is_limited.all()
    assert shift[~is_limited] == pytest.approx(5.0)
    assert (shift[is_limited] <= 5.0).all()
    assert widths[17:] == pytest.approx(np.exp(np.log(widths[:17]).mean()))


def test_informed_widths_of_another_covariance():
    covariance = np.diag(poisson_sigma(TABLE, 0.01) ** 2)
    assert informed_widths(TABLE, covariance=covariance) == pytest.approx(informed_widths(TABLE))


def test_quadratic_universes_are_positive_and_linear_ones_counted_not_clipped(caplog):
    quadratic = make_universes(TABLE, 300, 0)
    assert quadratic.n_with_negative_bins == 0
    with caplog.at_level(logging.WARNING):
        linear = make_universes(TABLE, 300, 0, order="linear")
    assert np.array_equal(linear.wilson, quadratic.wilson)
    negative = linear.mean_pb_per_gev < 0
    assert linear.n_with_negative_bins > 0
    assert np.array_equal(linear.n_negative_bins, negative.sum(axis=1))
    assert f"{linear.n_with_negative_bins} of 300 universes" in caplog.text


def test_inert_operators_change_no_spectrum():
    wilson = sample_wilson(5, 0)
    moved = wilson.copy()
    moved[:, N_CONTRIBUTING:] += 1.0
    before, after = universes_at(TABLE, wilson), universes_at(TABLE, moved)
    assert np.array_equal(before.mean_pb_per_gev, after.mean_pb_per_gev)


def test_means_are_densities_of_the_prediction():
    wilson = np.zeros((1, 31))
    wilson[0, 2] = 0.7
    universes = universes_at(TABLE, wilson, order="linear")
    expected = (TABLE.sm_pb + 0.7 * TABLE.linear_pb[2]) / TABLE.width_gev
    assert universes.mean_pb_per_gev[0] == pytest.approx(expected)


@pytest.mark.parametrize("sampling", ["log_uniform", "gaussian", "informed"])
def test_equal_seeds_give_equal_universes(sampling):
    first = make_universes(TABLE, 7, 5, sampling=sampling)
    again = make_universes(TABLE, 7, 5, sampling=sampling)
    other = make_universes(TABLE, 7, 6, sampling=sampling)
    assert np.array_equal(first.wilson, again.wilson)
    assert not np.array_equal(first.wilson, other.wilson)


def test_a_subset_keeps_its_rows():
    universes = make_universes(TABLE, 6, 0)
    part = universes.subset(np.array([4, 1]))
    assert len(part) == 2
    assert np.array_equal(part.wilson, universes.wilson[[4, 1]])
    assert np.array_equal(part.mean_pb_per_gev, universes.mean_pb_per_gev[[4, 1]])


def test_wrong_choices_are_refused():
    with pytest.raises(ConfigError, match="sampling"):
        sample_wilson(1, 0, sampling="uniform")
    with pytest.raises(ConfigError, match="sparsity"):
        sample_wilson(1, 0, sparsity="half")
    with pytest.raises(ConfigError, match="number of universes"):
        sample_wilson(0, 0)
    with pytest.raises(ConfigError, match="order"):
        make_universes(TABLE, 1, 0, order="cubic")
    with pytest.raises(PhysicsError, match="n_sigma"):
        informed_widths(TABLE, n_sigma=0.0)
