import numpy as np

from colliderfm.data.ragged import Ragged
from colliderfm.simulation.cards import HAA_SELECTION, PRETRAINING_SELECTION, RECIPES
from colliderfm.simulation.columns import concatenate_columns, passes, take_columns
from colliderfm.simulation.shard import component_events

VARIABLES = {
    "n_jet": np.array([4, 4, 3, 1, 1]),
    "n_bjet": np.array([2, 1, 3, 0, 0]),
    "n_lepton": np.array([0, 0, 0, 1, 0]),
}


def test_haa_needs_four_jets_and_two_tags():
    assert passes(HAA_SELECTION, VARIABLES).tolist() == [True, False, False, False, False]


def test_pretraining_needs_two_objects_of_any_kind():
    assert passes(PRETRAINING_SELECTION, VARIABLES).tolist() == [True, True, True, True, False]


def test_columns_are_joined_and_thinned_list_by_list():
    first = {"n": np.array([1, 2]), "x": Ragged(np.array([0, 1, 3]), np.array([10, 20, 21]))}
    second = {"n": np.array([3]), "x": Ragged(np.array([0, 2]), np.array([30, 31]))}
    thinned = take_columns(concatenate_columns([first, second]), np.array([0, 2]))
    assert thinned["n"].tolist() == [1, 3]
    assert thinned["x"].values.tolist() == [10, 30, 31]
    assert thinned["x"].offsets.tolist() == [0, 1, 3]


def test_components_share_all_events():
    assert component_events(RECIPES["qcd_multijet"], 1000) == [450, 300, 250]
    assert sum(component_events(RECIPES["qcd_multijet"], 7)) == 7
