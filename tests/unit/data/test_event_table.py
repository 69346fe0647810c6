import numpy as np
import pyarrow as pa
import pytest
import torch

from colliderfm.data.event_schema import PROCESS_INDEX
from colliderfm.data.event_table import EventTable, concatenate
from colliderfm.data.toys import toy_columns, toy_table
from colliderfm.data.writing import columns_to_table
from colliderfm.physics.decays import DECAY_INDEX

OBJECTS = {
    "energy_gev": [50.0, 40.0, 30.0],
    "pt_gev": [40.0, 30.0, 20.0],
    "eta": [0.5, -1.0, 0.25],
    "phi": [0.0, 1.0, -1.0],
    "btag": [0.0, 1.0, 0.0],
    "is_lepton": [1.0, 0.0, 0.0],
    "charge": [-1.0, 0.0, 0.0],
}


def hand_made(**extra):
    """Two events: t -> b l with a lepton and a b jet, W -> q q with one of its jets found."""
    offsets = np.array([0, 2, 3])
    columns = {name: (offsets, np.array(values)) for name, values in OBJECTS.items()}
    for name in ("met_phi", "ht_gev", "st_gev", "ht_lepton_gev", "mass_visible_gev"):
        columns[name] = np.zeros(2)
    columns |= {name: np.zeros(2) for name in ("mass_leptons_gev", "mass_bjets_gev")}
    columns |= {name: np.array([1, 0]) for name in ("n_lepton", "n_bjet", "n_jet")}
    decay = np.array([DECAY_INDEX["t_bl"], DECAY_INDEX["Z_invisible"], DECAY_INDEX["W_qq"]])
    columns |= {
        "met_gev": np.array([25.0, 5.0]),
        "process": np.array(["single_top", "ww"]),
        "weight": np.array([2.0, -1.0]),
        "event_id": np.array(["single_top/1/0", "ww/1/0"]),
        "decay": (np.array([0, 2, 3]), decay),
        "assignment": (np.array([0, 2, 4]), np.array([1, 0, 0, -1])),
    }
    return columns_to_table(columns | extra)


def test_batch_pads_objects_resonances_and_daughters():
    batch = EventTable.from_arrow(hand_made()).batch([0, 1])
    assert batch.mask.tolist() == [[True, True], [True, False]]
    assert batch.objects[0, :, 0].tolist() == [50.0, 40.0]
    assert batch.objects[1, :, 1].tolist() == [20.0, 0.0]
    assert batch.decay.tolist() == [
        [DECAY_INDEX["t_bl"], DECAY_INDEX["Z_invisible"]],
        [DECAY_INDEX["W_qq"], -1],
    ]
    assert batch.assignment[0].tolist() == [[1, 0, -1, -1], [-1, -1, -1, -1]]
    assert batch.assignment[1].tolist() == [[0, -1, -1, -1], [-1, -1, -1, -1]]
    assert batch.process.tolist() == [PROCESS_INDEX["single_top"], PROCESS_INDEX["ww"]]
    assert batch.weight.tolist() == [2.0, -1.0]
    assert batch.globals[:, 0].tolist() == [25.0, 5.0]


def test_batch_is_trimmed_to_its_longest_event():
    table = EventTable.from_arrow(hand_made())
    assert table.batch([1]).objects.shape == (1, 1, 7)
    assert table.batch([1, 0, 1]).objects.shape == (3, 2, 7)


def test_events_without_resonances_have_one_padded_resonance():
    batch = toy_table(5, 0, ["qcd"]).batch(range(5))
    assert batch.decay.tolist() == [[-1]] * 5
    assert (batch.assignment == -1).all()


def test_batch_rows_equal_single_events():
    table = toy_table(60, seed=1)
    indices = np.random.default_rng(0).permutation(60)[:20]
    batch = table.batch(indices)
    for row, index in enumerate(indices):
        single = table.batch([index])
        n_objects = single.mask.sum()
        assert torch.equal(batch.objects[row, :n_objects], single.objects[0, :n_objects])
        assert batch.n_objects[row] == n_objects
        assert torch.equal(batch.assignment[row, : single.decay.shape[1]], single.assignment[0])


def test_a_table_without_truth_gives_empty_targets():
    table = hand_made().drop_columns(["decay", "assignment"])
    batch = EventTable.from_arrow(table).batch([0, 1])
    assert (batch.decay == -1).all()
    assert batch.assignment.shape == (2, 1, 4)


def test_unknown_numbers_become_extras_and_other_unknown_columns_are_carried():
    table = hand_made(
        run_number=np.array([7, 8]),
        comment=np.array(["a", "b"]),
        ip3d_cm=(np.array([0, 2, 3]), np.array([0.1, 0.2, 0.3])),
    )
    events = EventTable.from_arrow(table)
    assert events.batch([1]).extras["run_number"].tolist() == [8.0]
    assert events.carried.column_names == ["event_id", "comment", "ip3d_cm"]
    assert events.subset([1]).carried.column("ip3d_cm").to_pylist() == [[0.3]]


def test_subset_takes_positions_or_a_mask():
    table = toy_table(30, seed=0)
    mask = table.n_objects > 3
    by_mask, by_position = table.subset(mask), table.subset(np.flatnonzero(mask))
    assert by_mask.event_id.tolist() == table.event_id[mask].tolist()
    assert np.array_equal(by_mask.objects.values, by_position.objects.values)
    assert np.array_equal(by_mask.n_objects, table.n_objects[mask])


def test_subset_and_batch_commute():
    table = toy_table(50, seed=2)
    rows = np.array([30, 4, 44])
    chosen, direct = table.subset(rows).batch([0, 1, 2]), table.batch(rows)
    assert torch.equal(chosen.objects, direct.objects)
    assert torch.equal(chosen.assignment, direct.assignment)


def test_concatenation_fills_missing_extras_with_nan():
    parts = [
        EventTable.from_arrow(columns_to_table(toy_columns(name, 3, 0)))
        for name in ("haa_ma40", "qcd_4b")
    ]
    extras = concatenate(parts).extras
    assert extras["m_a_gev"][:3].tolist() == [40.0] * 3
    assert np.isnan(extras["m_a_gev"][3:]).all()
    assert extras["n_bjet_true"].tolist() == [4.0] * 6


def test_concatenation_fills_missing_carried_columns_with_null():
    first = EventTable.from_arrow(hand_made(comment=np.array(["a", "b"])))
    joined = concatenate([first, EventTable.from_arrow(hand_made())])
    assert joined.carried.column("comment").to_pylist() == ["a", "b", None, None]
    assert len(joined) == 4


def test_a_bad_table_is_refused_before_it_becomes_arrays():
    table = hand_made().set_column(
        0, "energy_gev", pa.array([[-1.0, 1.0], [1.0]], pa.list_(pa.float32()))
    )
    with pytest.raises(Exception, match="column energy_gev, row 0"):
        EventTable.from_arrow(table, "file.parquet")
