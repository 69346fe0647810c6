import numpy as np
import pytest

from colliderfm.data.event_schema import GLOBAL_FEATURES, PROCESS_INDEX, PROCESSES
from colliderfm.data.event_table import EventTable
from colliderfm.data.toy_kinematics import hard_decays, two_body_decay
from colliderfm.data.toys import toy_columns, toy_table, write_toy_set
from colliderfm.errors import ConfigError

STUDY = ("haa_ma30", "qcd_4b", "qcd_bbbj", "qcd_bbjj")


def invariant_mass_gev(momentum):
    return np.sqrt(momentum[..., 0] ** 2 - (momentum[..., 1:] ** 2).sum(axis=-1))


def test_equal_seeds_give_equal_events():
    first, second, other = toy_table(100, 3), toy_table(100, 3), toy_table(100, 4)
    assert np.array_equal(first.objects.values, second.objects.values)
    assert not np.array_equal(first.globals, other.globals)


def test_events_are_shared_evenly_and_the_first_processes_take_the_rest():
    assert np.bincount(toy_table(23).process).tolist() == [3, 3, 3, 2, 2, 2, 2, 2, 2, 2]


def test_a_written_set_equals_the_table_in_memory(tmp_path):
    write_toy_set(tmp_path, 60, 1, STUDY)
    # files are read in alphabetical order of the processes, which is that of STUDY
    read, made = EventTable.read(tmp_path), toy_table(60, 1, STUDY)
    assert read.event_id.tolist() == made.event_id.tolist()
    assert np.array_equal(read.objects.values, made.objects.values)
    assert np.array_equal(read.slots.values, made.slots.values)
    assert np.array_equal(read.extras["m_a_gev"], made.extras["m_a_gev"], equal_nan=True)


def test_every_process_has_a_valid_toy():
    table = toy_table(20 * len(PROCESSES), 0, PROCESSES)
    assert np.bincount(table.process).tolist() == [20] * len(PROCESSES)


def test_an_unknown_process_is_refused():
    with pytest.raises(ConfigError, match="toy process 'ttz'"):
        toy_columns("ttz", 1, 0)


def test_a_two_body_decay_conserves_momentum_and_has_the_right_masses():
    parent = np.array([[200.0, 30.0, -40.0, 90.0], [100.0, 0.0, 0.0, 0.0]])
    first, second = two_body_decay(parent, np.array([80.4, 20.0]), np.random.default_rng(0))
    assert first + second == pytest.approx(parent)
    assert invariant_mass_gev(first) == pytest.approx([80.4, 20.0])
    assert invariant_mass_gev(second + [1e-9, 0, 0, 0]) == pytest.approx([0, 0], abs=1e-2)


def test_light_bosons_share_the_higgs_momentum_and_have_their_mass():
    truth = hard_decays(("H_aa", "a_bb", "a_bb"), 40.0, 50, np.random.default_rng(0))
    higgs, first, second = np.moveaxis(truth.resonances, 1, 0)
    assert first + second == pytest.approx(higgs)
    assert invariant_mass_gev(first) == pytest.approx(40.0)
    assert truth.daughters[:, :2].sum(axis=1) == pytest.approx(first)
    assert truth.n_bottom == 4


def test_matched_leptons_are_leptons_and_matched_jets_are_jets():
    table = toy_table(200, 0, ["tt_2l"])
    batch = table.batch(range(200))
    is_lepton = batch.objects[..., 5]
    for daughter, expected in ((0, 0.0), (1, 1.0)):
        slots = batch.assignment[:, :, daughter]
        events, resonances = (slots >= 0).nonzero(as_tuple=True)
        assert len(events) > 100
        assert (is_lepton[events, slots[events, resonances]] == expected).all()


def test_resonance_masks_hold_the_assigned_slots():
    columns = toy_columns("haa_ma60", 50, 0)
    slots = columns["assignment"][1].reshape(50, 2, 2).astype(int)
    masks = columns["resonance_mask"][1].reshape(50, 3)[:, 1:]
    expected = np.where(slots >= 0, 1 << np.maximum(slots, 0), 0).sum(axis=-1)
    assert np.array_equal(masks, expected)
    assert (columns["resonance_mask"][1].reshape(50, 3)[:, 0] == 0).all()


def test_objects_come_in_order_leptons_first_then_by_pt():
    batch = toy_table(300, 0, ["tt", "zz"]).batch(range(300))
    pt_gev, is_lepton = batch.objects[..., 1].double(), batch.objects[..., 5].double()
    key = (pt_gev + 1e6 * is_lepton).where(batch.mask, 0.0)
    assert (key.diff(dim=1) <= 0).all()


def test_global_counts_and_sums_agree_with_the_objects():
    batch = toy_table(100, 0).batch(range(100))
    value = dict(zip(GLOBAL_FEATURES, batch.globals.unbind(dim=1), strict=True))
    is_lepton = batch.objects[..., 5] > 0
    assert (value["n_lepton"] == is_lepton.sum(dim=1)).all()
    assert (value["n_jet"] == batch.n_objects - is_lepton.sum(dim=1)).all()
    ht_gev = batch.objects[..., 1].where(~is_lepton, 0.0).sum(dim=1)
    assert value["ht_gev"].numpy() == pytest.approx(ht_gev.numpy(), rel=2e-4, abs=1e-3)


def test_classes_can_be_told_apart_by_simple_counts():
    table = toy_table(2000, 0, ["qcd", "tt", "zjets", "haa_ma30"])
    names = {name: GLOBAL_FEATURES.index(name) for name in ("n_lepton", "n_bjet")}
    mean = {
        process: table.globals[table.process == PROCESS_INDEX[process]].mean(axis=0)
        for process in ("qcd", "tt", "zjets", "haa_ma30")
    }
    assert mean["zjets"][names["n_lepton"]] > 1.5 > mean["tt"][names["n_lepton"]] > 0.5
    assert mean["haa_ma30"][names["n_bjet"]] > 1.0 > mean["qcd"][names["n_bjet"]]
