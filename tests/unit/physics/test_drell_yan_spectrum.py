import numpy as np
import pytest

from colliderfm.physics.drell_yan import squared_amplitude
from colliderfm.physics.drell_yan_spectrum import SpectrumSettings, ToyDensities, compute_table
from colliderfm.physics.electroweak import DEFAULT_INPUTS

ONE_BIN = {"mll_edges_gev": (200.0, 210.0), "pt_edges_gev": (), "nodes": 8}
COARSE_BINS = {"mll_edges_gev": (50, 80, 100, 200, 650), "pt_edges_gev": (10, 40, 50, 100, 325)}


def brute_force_pb(mass_gev, mu_f):
    """d sigma / dM in pb/GeV from |M|^2 itself: rapidity outside, angle inside, both signs of both."""
    densities = ToyDensities()
    points, weights = np.polynomial.legendre.leggauss(48)
    rapidity = np.concatenate([1.25 * (points - 1.0), 1.25 * (points + 1.0)])[:, None]
    reach = np.tanh(2.5 - np.abs(rapidity))
    cosine = reach * points
    step = np.tile(1.25 * weights, 2)[:, None] * reach * weights
    scales = {"mll": mass_gev, "pt": 0.5 * mass_gev * np.sqrt(1 - cosine**2), "fixed": 150.0}
    q = np.broadcast_to(scales[mu_f], cosine.shape)
    first, second = (
        np.broadcast_to(mass_gev / 13000.0 * np.exp(y), q.shape) for y in (rapidity, -rapidity)
    )
    total = 0.0
    for quark, ids in (("u", (2, 4)), ("d", (1, 3))):
        for sign in (1, -1):  # the quark comes from the first or from the second proton
            square = squared_amplitude(
                quark, mass_gev, sign * cosine, order="sm", inputs=DEFAULT_INPUTS
            )
            for flavor in ids:
                pair = densities.x_density(sign * flavor, first, q)
                pair = pair * densities.x_density(-sign * flavor, second, q)
                total += (pair * square * step).sum()
    return total * 2.0 / mass_gev / (32.0 * np.pi * mass_gev**2) * 0.3893793721e9


@pytest.mark.parametrize("mu_f", ["mll", "pt", "fixed"])
def test_a_bin_agrees_with_brute_force_integration(mu_f):
    """A Simpson rule over the mass: the 10 GeV bin is smooth at 200 GeV."""
    settings = SpectrumSettings(**ONE_BIN, mu_f=mu_f, mu_fixed_gev=150.0)
    ends, middle = (
        brute_force_pb(200.0, mu_f) + brute_force_pb(210.0, mu_f),
        brute_force_pb(205.0, mu_f),
    )
    expected = 10.0 / 6.0 * (ends + 4.0 * middle)
    assert compute_table(ToyDensities(), settings).sm_pb == pytest.approx([expected], rel=1e-5)


def test_the_quoted_error_covers_the_true_one():
    rough, fine = (
        compute_table(ToyDensities(), SpectrumSettings(**COARSE_BINS, nodes=n)) for n in (8, 16)
    )
    true_error = np.abs(rough.sm_pb - fine.sm_pb)
    assert (rough.error_pb / rough.sm_pb).max() < 1e-3
    assert (true_error <= 1.5 * rough.error_pb + 1e-9 * fine.sm_pb).all()


def test_the_provenance_names_every_option():
    table = compute_table(ToyDensities(), SpectrumSettings(**ONE_BIN, lambda_tev=2.0, nf=5))
    settings = table.provenance["settings"]
    assert (settings["nf"], settings["lambda_tev"], settings["mu_f"]) == (5, 2.0, "mll")
    assert settings["inputs"]["lambda_tev"] == 2.0


def test_a_linear_table_holds_no_pairs():
    table = compute_table(ToyDensities(), SpectrumSettings(**ONE_BIN, order="linear"))
    assert table.quadratic_pb.shape == (0, 1)


def test_bottom_quarks_add_to_the_cross_section():
    four, five = (
        compute_table(ToyDensities(), SpectrumSettings(**ONE_BIN, nf=nf)).sm_pb for nf in (4, 5)
    )
    assert four < five < 1.1 * four


def test_cross_sections_fall_with_tighter_cuts():
    loose, tight = (
        compute_table(ToyDensities(), SpectrumSettings(**ONE_BIN, eta_max=eta)).sm_pb
        for eta in (2.5, 1.5)
    )
    assert tight < loose


def test_the_same_request_gives_the_same_numbers():
    settings = SpectrumSettings(**ONE_BIN)
    first, second = (compute_table(ToyDensities(), settings) for _ in range(2))
    np.testing.assert_array_equal(first.quadratic_pb, second.quadratic_pb)
