import numpy as np
import pytest

from colliderfm.data.event_schema import GLOBAL_FEATURES
from colliderfm.physics.event_variables import event_variables, mass_per_event, sum_per_event


@pytest.fixture
def variables():
    """Event 0 is empty; event 1 has a muon (10), a b jet (30), an opposite light jet (40 GeV)."""
    event = np.array([1, 1, 1])
    objects = {
        "energy_gev": np.array([10.0, 30.0, 40.0]),
        "pt_gev": np.array([10.0, 30.0, 40.0]),
        "eta": np.zeros(3),
        "phi": np.array([0.0, 0.0, np.pi]),
        "btag": np.array([0.0, 1.0, 0.0]),
        "is_lepton": np.array([1.0, 0.0, 0.0]),
    }
    return event_variables(event, objects, np.array([0.0, 3.0]), np.array([0.0, -4.0]))


def test_names_are_those_of_the_data_format(variables):
    assert set(variables) == set(GLOBAL_FEATURES)


def test_counts(variables):
    assert variables["n_lepton"].tolist() == [0, 1]
    assert variables["n_bjet"].tolist() == [0, 1]
    assert variables["n_jet"].tolist() == [0, 2]


def test_scalar_sums(variables):
    assert variables["ht_gev"].tolist() == [0, 70]
    assert variables["ht_lepton_gev"].tolist() == [0, 10]
    assert variables["st_gev"].tolist() == [0, 85]


def test_missing_momentum_has_size_and_direction(variables):
    assert variables["met_gev"].tolist() == [0, 5]
    assert variables["met_phi"][1] == pytest.approx(np.arctan2(-4, 3))


def test_masses_of_all_objects_leptons_and_b_jets(variables):
    # E = 80, px = 10 + 30 - 40 = 0
    assert variables["mass_visible_gev"] == pytest.approx([0, 80], abs=1e-6)
    assert variables["mass_leptons_gev"] == pytest.approx([0, 0], abs=1e-6)
    assert variables["mass_bjets_gev"] == pytest.approx([0, 0], abs=1e-6)


def test_an_event_without_objects_sums_to_zero():
    assert sum_per_event(np.array([2]), np.array([5.0]), 4).tolist() == [0, 0, 5, 0]


def test_mass_of_a_pair_at_right_angles():
    four_momentum = np.array([[3.0, 4.0], [3.0, 0.0], [0.0, 4.0], [0.0, 0.0]])
    # (3 + 4)^2 - 3^2 - 4^2 = 24
    assert mass_per_event(np.array([0, 0]), four_momentum, 1) == pytest.approx([np.sqrt(24)])
