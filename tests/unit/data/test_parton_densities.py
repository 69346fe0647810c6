import numpy as np
import pytest
from density_files import HIGH_Q, IDS, block, grid_text, shape, two_blocks

from colliderfm.data.parton_densities import available_sets, load_densities
from colliderfm.errors import ConfigError, DataError, PhysicsError


@pytest.fixture
def densities(tmp_path):
    path = tmp_path / "toy_0000.dat"
    path.write_text(two_blocks())
    return load_densities(path)


@pytest.mark.parametrize("pdg_id", [-4, 1, 2, 5, 21])
def test_interpolation_gives_the_function_of_the_grid(densities, pdg_id):
    x, q = np.array([3e-4, 0.02, 0.3, 0.3]), np.array([2.5, 91.0, 7.0, 999.0])
    expected = shape(pdg_id, x, q)
    np.testing.assert_allclose(densities.x_density(pdg_id, x, q), expected, rtol=2e-3)


def test_knots_are_reproduced(densities):
    value = densities.x_density(2, np.array([1e-4]), np.array([100.0]))
    assert value == pytest.approx([shape(2, 1e-4, 100.0)], rel=1e-8)


def test_zero_and_twenty_one_are_both_the_gluon(densities):
    x, q = np.full(1, 0.1), np.full(1, 50.0)
    assert densities.x_density(0, x, q) == densities.x_density(21, x, q)


def test_the_grid_is_frozen_below_its_lowest_scale(densities):
    x = np.full(2, 0.1)
    low, lowest = densities.x_density(1, x, np.array([1.0, 2.0]))
    assert low == lowest


def test_the_name_and_digest_are_recorded(densities):
    assert densities.provenance["name"] == "toy"
    assert len(densities.provenance["sha256"]) == 64


@pytest.mark.parametrize(("x", "q"), [(1e-5, 91.0), (1.1, 91.0), (np.nan, 91.0), (0.1, 2000.0)])
def test_nothing_is_extrapolated(densities, x, q):
    with pytest.raises(PhysicsError, match="outside the grid") as caught:
        densities.x_density(2, np.array([x]), np.array([q]))
    assert caught.value.exit_code == 7


def test_an_absent_parton_is_refused(tmp_path):
    path = tmp_path / "light.dat"
    path.write_text(grid_text(block(HIGH_Q, ids=IDS[1:-1])))
    with pytest.raises(PhysicsError, match="no parton 5"):
        load_densities(path).x_density(5, np.array([0.1]), np.array([50.0]))


def test_columns_printed_without_a_space_are_read(tmp_path):
    plain, glued = tmp_path / "plain.dat", tmp_path / "glued.dat"
    text = grid_text(block(HIGH_Q))
    plain.write_text(text)
    glued.write_text(text.replace(" 0.000000000e+00", "0.000000000e+00"))
    assert glued.read_text() != text
    x, q = np.array([0.2]), np.array([50.0])
    assert load_densities(glued).x_density(2, x, q) == load_densities(plain).x_density(2, x, q)


def test_an_unknown_set_is_refused_with_the_closest_name():
    sets = available_sets()
    with pytest.raises(ConfigError, match="unknown parton densities") as caught:
        load_densities("NNPDF31_lo_as_0188")
    assert caught.value.exit_code == 2
    assert "NNPDF31_lo_as_0118" in str(caught.value) or not sets


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError, match="cannot read"):
        load_densities(tmp_path / "CT18LO_0000.dat")


def test_sets_of_an_installed_generator_are_proton_grids():
    sets = available_sets()
    if not sets:
        pytest.skip("no sets without the extra `generate`")
    assert "NNPDF31_lo_as_0118" in sets
    densities = load_densities("NNPDF31_lo_as_0118")
    x = np.geomspace(1e-3, 0.5, 50)
    up, down = (densities.x_density(each, x, np.full_like(x, 91.0)) for each in (2, 1))
    assert (up[-10:] > down[-10:]).all()
