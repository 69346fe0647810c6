import numpy as np
import pytest

from colliderfm.physics.densities import ToyDensities
from colliderfm.physics.luminosity import LuminosityGrid, tabulate_luminosity
from colliderfm.physics.mass_kernel import BinRange, bin_kernel

POLE = (91.1876, 2.4952)
GRID = LuminosityGrid(50.0, 650.0, 2.5, 2.5, 13000.0, 4, 8)
HC_SQUARED = 0.3893793721e9


class FlatDensities:
    """x f = 1 for u and its antiquark, 0 for all others: the luminosity is a length in rapidity."""

    def x_density(self, pdg_id, x, q_gev):  # noqa: ARG002
        return np.full_like(x, float(abs(pdg_id) == 2))


@pytest.fixture
def flat():
    return tabulate_luminosity(FlatDensities(), GRID, lambda mass, _: mass)


def test_weights_integrate_a_flat_luminosity_exactly(flat):
    """With x f = 1, dY gives 2.5 - y*; the rest is an elementary integral over the angle and the mass."""
    kernel = bin_kernel(flat, BinRange(300.0, 310.0, 0.0, np.inf), POLE, 8)
    points, weights = np.polynomial.legendre.leggauss(60)
    star, step = 1.25 * (points + 1.0), 1.25 * weights
    angle = ((2.5 - star) * 2.0 * (1 + np.tanh(star) ** 2) / np.cosh(star) ** 2 * step).sum()
    mass_integral = 0.5 * (310.0**2 - 300.0**2)
    expected = 4.0 / (384.0 * np.pi) * HC_SQUARED * mass_integral * angle
    assert kernel.weight[0].sum(-1) == pytest.approx([expected, expected], rel=1e-7)
    assert (kernel.weight[1] == 0.0).all()


@pytest.mark.parametrize(("nodes", "accuracy"), [(8, 1e-5), (16, 1e-9)])
def test_nodes_resolve_the_pole(flat, nodes, accuracy):
    """A Breit-Wigner in the mass integrates to its arctangent."""
    mz, width = POLE
    kernel = bin_kernel(flat, BinRange(80.0, 100.0, 0.0, np.inf), POLE, nodes)
    flux = kernel.weight[0, 0] / kernel.mass_gev
    shape = 2.0 * kernel.mass_gev / ((kernel.mass_gev**2 - mz**2) ** 2 + (mz * width) ** 2)
    angle = np.arctan((np.array([80.0, 100.0]) ** 2 - mz**2) / (mz * width))
    norm = flux.sum() / 20.0
    assert (flux * shape).sum() / norm == pytest.approx(
        np.diff(angle)[0] / (mz * width), rel=accuracy
    )


def test_ranges_of_transverse_momentum_add_up():
    luminosity = tabulate_luminosity(ToyDensities(), GRID, lambda mass, _: mass)
    whole, *parts = (
        bin_kernel(luminosity, BinRange(50.0, 200.0, low, high), POLE, 10).weight.sum(-1)
        for low, high in ((10.0, np.inf), (10.0, 30.0), (30.0, 45.0), (45.0, 100.0))
    )
    np.testing.assert_allclose(sum(parts), whole, rtol=1e-6)


def test_a_bin_without_phase_space_has_no_nodes(flat):
    assert bin_kernel(flat, BinRange(50.0, 60.0, 40.0, 50.0), POLE, 8).weight.shape == (2, 2, 0)
