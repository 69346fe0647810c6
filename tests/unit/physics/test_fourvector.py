import numpy as np
import pytest

from colliderfm.physics.fourvector import (
    delta_phi,
    delta_r,
    invariant_mass,
    to_angles,
    to_momentum,
)


def test_momentum_of_a_particle_at_zero_rapidity_is_transverse():
    px, py, pz = to_momentum(np.array(3.0), np.array(0.0), np.array(np.pi / 2))
    assert px == pytest.approx(0.0, abs=1e-12)
    assert py == pytest.approx(3.0)
    assert pz == pytest.approx(0.0)


def test_angles_invert_momentum():
    rng = np.random.default_rng(1)
    pt, eta, phi = rng.uniform(1, 100, 50), rng.uniform(-4, 4, 50), rng.uniform(-3, 3, 50)
    for got, expected in zip(to_angles(*to_momentum(pt, eta, phi)), (pt, eta, phi), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_a_particle_along_the_beam_has_finite_pseudorapidity():
    _, eta, _ = to_angles(np.zeros(2), np.zeros(2), np.array([100.0, -100.0]))
    assert np.isfinite(eta).all()
    assert eta[0] > 10
    assert eta[1] == -eta[0]


def test_delta_phi_wraps_around_pi():
    assert delta_phi(np.array(3.0), np.array(-3.0)) == pytest.approx(6.0 - 2 * np.pi)
    assert delta_phi(np.array(0.1), np.array(0.4)) == pytest.approx(-0.3)


def test_delta_r_of_a_three_four_five_triangle():
    assert delta_r(*(np.array(value) for value in (0.0, 0.0, 0.3, -0.4))) == pytest.approx(0.5)


def test_mass_of_two_back_to_back_photons_is_their_energy_sum():
    assert invariant_mass(*(np.array(v) for v in (90.0, 0.0, 0.0, 0.0))) == pytest.approx(90.0)


def test_mass_of_a_spacelike_vector_is_zero():
    assert invariant_mass(*(np.array(v) for v in (1.0, 2.0, 0.0, 0.0))) == 0.0


def test_mass_is_invariant_under_a_boost_along_the_beam():
    energy, pz, rapidity = 20.0, 12.0, 1.3
    boosted_energy = energy * np.cosh(rapidity) + pz * np.sinh(rapidity)
    boosted_pz = pz * np.cosh(rapidity) + energy * np.sinh(rapidity)
    zero = np.array(0.0)
    assert invariant_mass(boosted_energy, zero, zero, boosted_pz) == pytest.approx(16.0)
