import numpy as np
import pytest

from colliderfm.errors import PhysicsError
from colliderfm.evaluate.regression import (
    match_equal,
    matched_decays,
    quantities,
)
from colliderfm.physics.decays import DECAY_INDEX

T_BQQ, T_BL = DECAY_INDEX["t_bqq"], DECAY_INDEX["t_bl"]


def momenta(mass_gev, pt_gev, eta=0.0, phi=0.0):
    """Four-momenta from arrays of equal shapes."""
    mass_gev, pt_gev, eta, phi = np.broadcast_arrays(mass_gev, pt_gev, eta, phi)
    px, py, pz = pt_gev * np.cos(phi), pt_gev * np.sin(phi), pt_gev * np.sinh(eta)
    return np.stack([np.sqrt(mass_gev**2 + px**2 + py**2 + pz**2), px, py, pz], axis=-1)


def test_quantities_are_those_a_momentum_was_made_of():
    found = quantities(momenta([172.5], [100.0], [1.5], [-2.0]))
    expected = {"mass_gev": 172.5, "pt_gev": 100.0, "eta": 1.5, "phi": -2.0}
    assert {name: found[name][0] for name in expected} == pytest.approx(expected)
    assert found["momentum_gev"][0] == pytest.approx(100.0 * np.cosh(1.5))


def test_a_scale_shows_as_bias_and_a_smearing_as_width():
    rng = np.random.default_rng(0)
    pt_gev = rng.exponential(100.0, 20000) + 20.0
    true = momenta(172.5, pt_gev)[:, None]
    predicted = momenta(172.5 * 1.1, pt_gev * (1 + 0.2 * rng.normal(size=20000)))[:, None]
    table = matched_decays(predicted, true, np.full((20000, 1), T_BQQ))
    assert list(table) == ["t_bqq"]
    mass, pt = (table["t_bqq"].resolution(name) for name in ("mass_gev", "pt_gev"))
    assert (mass.median, mass.width) == pytest.approx((0.1, 0.0), abs=1e-9)
    assert mass.constant_width == pytest.approx(0.0, abs=1e-9)
    assert pt.median == pytest.approx(0.0, abs=0.01)
    assert pt.width == pytest.approx(0.2, abs=0.01)
    assert pt.constant_width > 0.4
    assert pt.n == 20000


def test_azimuth_differences_are_wrapped():
    true, predicted = momenta(80.0, [50.0], 0.0, 3.1)[None], momenta(80.0, [50.0], 0.0, -3.1)[None]
    found = matched_decays(predicted, true, np.array([[T_BL]]))["t_bl"].resolution("phi")
    assert found.median == pytest.approx(2 * np.pi - 6.2)


def test_equal_resonances_are_matched_and_others_are_not():
    true = momenta(172.5, np.array([[100.0, 50.0]]), 0.0, np.array([[0.0, 3.0]]))
    swapped = true[:, ::-1]
    equal, different = np.array([[T_BQQ, T_BQQ]]), np.array([[T_BQQ, T_BL]])
    assert np.array_equal(match_equal(swapped, true, equal), swapped)
    assert np.array_equal(match_equal(swapped, true, different), true)


def test_padding_and_what_was_not_predicted_are_left_out():
    true = momenta(172.5, np.array([[100.0, 50.0, 0.0]]))
    predicted = true.copy()
    predicted[0, 1] = 0.0
    table = matched_decays(predicted, true, np.array([[T_BQQ, T_BL, -1]]))
    assert {name: row.resolution("mass_gev").n for name, row in table.items()} == {"t_bqq": 1}


def test_widths_of_counted_events_are_those_of_repeated_ones():
    rng = np.random.default_rng(0)
    true = momenta(172.5, rng.exponential(80.0, (30, 2)) + 5.0)
    predicted = true * rng.uniform(0.5, 1.5, (30, 2, 1))
    decay = np.full((30, 2), T_BQQ)
    decay[::3, 1] = -1
    counts = rng.poisson(1.0, 30)
    one = matched_decays(predicted, true, decay)["t_bqq"]
    repeated = (np.repeat(part, counts, axis=0) for part in (predicted, true, decay))
    drawn = matched_decays(*repeated)["t_bqq"]
    for name in ("mass_gev", "pt_gev"):
        assert one.width(name, counts) == pytest.approx(drawn.width(name))
        assert one.constant_width(name, counts) == pytest.approx(drawn.constant_width(name))
    assert np.isnan(one.width("pt_gev", np.zeros(30, dtype=int)))


def test_shapes_that_disagree_are_refused():
    with pytest.raises(PhysicsError, match=r"\(B, R, 4\) twice"):
        match_equal(np.zeros((2, 1, 4)), np.zeros((2, 2, 4)), np.zeros((2, 1), dtype=int))
