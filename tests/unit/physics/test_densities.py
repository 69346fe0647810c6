import numpy as np
import pytest

from colliderfm.errors import PhysicsError
from colliderfm.physics.densities import ToyDensities


def test_a_toy_density_is_its_formula():
    value = ToyDensities(slope=0.0).x_density(2, np.array([0.25]), np.array([50.0]))
    assert value == pytest.approx([3.0 * 0.25**0.5 * 0.75**3])


def test_the_scale_changes_the_power_of_x():
    low, high = ToyDensities(slope=0.1).x_density(1, np.full(2, 0.01), np.array([20.0, 500.0]))
    assert high > low


def test_an_unknown_parton_is_absent():
    assert ToyDensities().x_density(6, np.array([0.1]), np.array([90.0])) == [0.0]


@pytest.mark.parametrize("x", [0.0, 1.5, np.nan])
def test_x_outside_the_proton_is_refused(x):
    with pytest.raises(PhysicsError):
        ToyDensities().x_density(2, np.array([x]), np.array([90.0]))
