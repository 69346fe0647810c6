import numpy as np
import pytest
from scipy.integrate import quad

from colliderfm.physics.densities import ToyDensities
from colliderfm.physics.luminosity import LuminosityGrid, tabulate_luminosity

GRID = LuminosityGrid(50.0, 650.0, 2.5, 2.5, 13000.0, 4, 12)


def rapidity_integral(mass_gev, star, beam, n_flavors=4):
    """The down-type luminosity by adaptive integration, at a fixed scale of 91 GeV."""
    densities = ToyDensities()

    def integrand(rapidity):
        x = mass_gev / 13000.0 * np.exp([rapidity, -rapidity])
        value = 0.0
        for flavor in (1, 3, 5)[: n_flavors - 2]:
            signed = flavor if beam == 0 else -flavor
            first = densities.x_density(signed, x[:1], np.array([91.0]))[0]
            value += first * densities.x_density(-signed, x[1:], np.array([91.0]))[0]
        return value

    return quad(integrand, 0.0, 2.5 - star, epsrel=1e-10)[0]


@pytest.mark.parametrize("beam", [0, 1])
@pytest.mark.parametrize(("mass_gev", "star"), [(50.0, 0.0), (91.2, 1.3), (633.0, 2.4)])
def test_interpolation_agrees_with_adaptive_integration(mass_gev, star, beam):
    luminosity = tabulate_luminosity(ToyDensities(), GRID, lambda mass, _: np.full_like(mass, 91.0))
    value = luminosity(np.array([mass_gev]), np.array([star]))[1, beam, 0]
    assert value == pytest.approx(rapidity_integral(mass_gev, star, beam), rel=1e-7)


def test_no_acceptance_is_left_at_the_largest_angle():
    luminosity = tabulate_luminosity(ToyDensities(), GRID, lambda mass, _: mass)
    assert (luminosity(np.array([100.0]), np.array([2.5])) == 0.0).all()


def test_valence_quarks_follow_the_rapidity_of_the_pair():
    luminosity = tabulate_luminosity(ToyDensities(), GRID, lambda mass, _: mass)
    along, against = luminosity(np.array([300.0]), np.array([0.2]))[0, :, 0]
    assert along > 1.1 * against
