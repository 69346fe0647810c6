"""Laws of the linear and quadratic terms, with toy densities of different u and d shapes."""

from functools import cache

import numpy as np
import pytest

from colliderfm.physics.drell_yan_spectrum import SpectrumSettings, ToyDensities, compute_table
from colliderfm.physics.electroweak import DEFAULT_INPUTS
from colliderfm.physics.operators import CONTRIBUTING


@cache
def toy_table(**changes):
    """All 92 bins (or changed settings) at a resolution that suffices here."""
    return compute_table(ToyDensities(), SpectrumSettings(**{"nodes": 8, **changes}))


def ratio(table, name):
    """Interference over the SM of one operator, shape (B,)."""
    return table.linear_pb[CONTRIBUTING.index(name)] / table.sm_pb


def algebraic_rank(table):
    """Rank of the linear terms up to rounding."""
    return np.linalg.matrix_rank(table.linear_pb / table.sm_pb, tol=1e-12)


@pytest.mark.parametrize("mu_f", ["mll", "pt", "fixed"])
def test_the_spectra_see_seven_directions(mu_f):
    assert algebraic_rank(toy_table(mu_f=mu_f)) == 7


def test_a_width_that_shifts_adds_no_more_than_one_direction():
    assert algebraic_rank(toy_table(width="linear")) in (7, 8)


def test_the_split_spectrum_sees_thirteen_directions():
    assert algebraic_rank(toy_table(forward_backward=True)) == 13


@pytest.mark.parametrize("mu_f", ["mll", "pt"])
def test_the_muon_lifetime_only_rescales(mu_f):
    """The cll1 term comes from e^4 and gZ^4: 2 v^2 / Lambda^2 in every bin."""
    flat = ratio(toy_table(mu_f=mu_f), "cll1")
    np.testing.assert_allclose(flat, 2.0 * DEFAULT_INPUTS.suppression, rtol=1e-12)
    assert flat[0] == pytest.approx(0.1212482, abs=1e-7)


def test_the_triplet_lepton_current_is_the_singlet_one_and_the_lifetime():
    table = toy_table(forward_backward=True)
    expected = ratio(table, "cHl1") - 2.0 * ratio(table, "cll1")
    np.testing.assert_allclose(ratio(table, "cHl3"), expected, atol=1e-13)


@pytest.mark.parametrize("mu_f", ["mll", "pt", "fixed"])
def test_both_spectra_have_the_same_total(mu_f):
    table = toy_table(mu_f=mu_f)
    is_mass = table.is_observable("mll")
    for rows in (table.sm_pb, table.linear_pb, table.quadratic_pb):
        mass, momentum = rows[..., is_mass].sum(-1), rows[..., ~is_mass].sum(-1)
        np.testing.assert_allclose(mass, momentum, rtol=1e-6, atol=1e-9)


def test_the_halves_add_up_to_the_mass_spectrum():
    table = toy_table(forward_backward=True)
    forward, backward, whole = (
        table.linear_pb[:, table.is_observable(name)]
        for name in ("mll_forward", "mll_backward", "mll")
    )
    np.testing.assert_allclose(forward + backward, whole, rtol=1e-12, atol=1e-14)


def test_the_asymmetry_changes_sign_across_the_pole():
    table = toy_table(forward_backward=True)
    forward, backward = (
        table.sm_pb[table.is_observable(name)] for name in ("mll_forward", "mll_backward")
    )
    asymmetry = (forward - backward) / (forward + backward)
    assert asymmetry[1] < 0.0 < asymmetry[10]


def test_no_cross_section_is_negative_with_quadratic_terms():
    """sigma is a sum of squares, so its symmetric 18 x 18 matrix has no negative eigenvalue."""
    table = toy_table(forward_backward=True)
    matrix = np.zeros((table.n_bins, 18, 18))
    matrix[:, 0, 0] = table.sm_pb
    matrix[:, 0, 1:] = matrix[:, 1:, 0] = 0.5 * table.linear_pb.T
    for (i, j), row in zip(table.pairs, table.quadratic_pb, strict=True):
        matrix[:, 1 + i, 1 + j] += 0.5 * row
        matrix[:, 1 + j, 1 + i] += 0.5 * row
    values = np.linalg.eigvalsh(matrix)
    assert (values[:, 0] >= -1e-13 * values[:, -1]).all()
    wilson = np.random.default_rng(1).uniform(-2.0, 2.0, (500, 17))
    assert (table.predict_pb(wilson) > 0.0).all()
    assert (table.predict_pb(wilson, "linear") < 0.0).any()


def test_the_linear_term_is_odd_and_the_quadratic_term_even():
    table = toy_table()
    wilson = np.random.default_rng(2).normal(size=17)
    plus, minus = (table.predict_pb(sign * wilson) for sign in (1.0, -1.0))
    linear = table.predict_pb(wilson, "linear") - table.sm_pb
    np.testing.assert_allclose(0.5 * (plus - minus), linear, rtol=1e-9, atol=1e-12)


def test_contact_terms_grow_with_the_mass_and_vertices_do_not():
    table = toy_table()
    is_mass = table.is_observable("mll")
    contact, vertex = (np.abs(ratio(table, name)[is_mass]) for name in ("clq3", "cHl1"))
    assert contact[-1] > 3.0 * contact[25] > 9.0 * contact[10]
    assert vertex[-1] < 2.0 * vertex[25]


def test_coefficients_and_scale_enter_through_their_ratio():
    near, far = toy_table(), toy_table(lambda_tev=2.0)
    np.testing.assert_allclose(far.linear_pb, near.linear_pb / 4.0, rtol=1e-12)
    np.testing.assert_allclose(far.quadratic_pb, near.quadratic_pb / 16.0, rtol=1e-12)
