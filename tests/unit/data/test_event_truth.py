import numpy as np
import pytest
import torch

from colliderfm.data.event_table import EventTable, concatenate
from colliderfm.data.loader import EventLoader
from colliderfm.data.toys import toy_columns, toy_table
from colliderfm.data.writing import columns_to_table
from colliderfm.physics.decays import DECAYS

TABLE = columns_to_table(toy_columns("tt_2l", 4, seed=0))
TOYS = ("tt", "tth", "zz", "hww", "haa_ma40", "tt_2l", "qcd")


def hand_made():
    """Two tops of event 0 own slots {0, 2} and {1}; event 1 has one neutrino more than event 0."""
    columns = toy_columns("tt_2l", 2, seed=0)
    steps = np.array([0, 2, 4])
    momenta = np.arange(16.0).reshape(4, 4) + 20.0
    invisible = np.array([[9.0, 3, 4, 0], [9, 0, 1, 8], [20, 0, -6, 1], [30, 7, 0, 2]])
    for axis, name in enumerate(("energy", "px", "py", "pz")):
        columns[f"resonance_{name}_gev"] = (steps, momenta[:, axis])
        columns[f"invisible_{name}_gev"] = (np.array([0, 1, 4]), invisible[:, axis])
    columns["resonance_mask"] = (steps, np.array([0b101, 0b10, 0, 1], dtype=np.uint32))
    return EventTable.from_arrow(columns_to_table(columns))


def test_momenta_stand_beside_their_decays():
    truth = hand_made().batch([1, 0]).truth
    assert truth.momenta[0].tolist() == [[28, 29, 30, 31], [32, 33, 34, 35]]
    assert truth.momenta[1, 0].tolist() == [20, 21, 22, 23]
    assert truth.momenta.dtype == truth.invisible.dtype == torch.float32


def test_members_are_the_bits_of_the_mask():
    batch = hand_made().batch([0, 1])
    members = batch.truth.members
    assert members.shape == (2, 2, batch.mask.shape[1])
    assert [slots.nonzero()[:, 0].tolist() for slots in members[0]] == [[0, 2], [1]]
    assert [slots.nonzero()[:, 0].tolist() for slots in members[1]] == [[], [0]]


def test_invisible_particles_come_by_falling_pt_and_padded_with_zeros():
    truth = hand_made().batch([0, 1]).truth
    assert truth.invisible_mask.tolist() == [[True, False, False], [True, True, True]]
    assert truth.invisible[0].tolist() == [[9, 3, 4, 0], [0] * 4, [0] * 4]
    assert truth.invisible[1, :, 0].tolist() == [30, 20, 9]


def test_events_without_anything_have_one_padded_resonance_and_invisible():
    truth = toy_table(3, 0, ["qcd"]).batch(range(3)).truth
    assert truth.momenta.tolist() == [[[0.0] * 4]] * 3
    assert truth.invisible.shape == (3, 1, 4)
    assert not truth.invisible_mask.any()
    assert not truth.members.any()


def test_the_momentum_of_a_toy_resonance_is_that_of_its_decay_products():
    """Visible toys are smeared, so the sum is taken where nothing is: neutrinos and momenta."""
    batch = toy_table(60, 0, ["hww"]).batch(range(60))
    higgs, *bosons = batch.truth.momenta.unbind(dim=1)
    torch.testing.assert_close(higgs, sum(bosons), rtol=1e-4, atol=1e-2)
    energy_gev, momentum_gev = batch.truth.momenta[..., 0], batch.truth.momenta[..., 1:]
    mass_gev = (energy_gev**2 - momentum_gev.square().sum(dim=-1)).clamp(min=0).sqrt()
    assert mass_gev[:, 0] == pytest.approx(torch.full((60,), 125.0), abs=1.0)


@pytest.mark.parametrize("process", TOYS)
def test_members_of_toy_resonances_are_the_assigned_slots(process):
    batch = toy_table(100, 1, [process]).batch(range(100))
    expected = torch.zeros_like(batch.truth.members)
    for daughter in range(batch.assignment.shape[2]):
        slots = batch.assignment[..., daughter]
        event, resonance = (slots >= 0).nonzero(as_tuple=True)
        expected[event, resonance, slots[event, resonance]] = True
    assert torch.equal(batch.truth.members, expected)
    assert not (batch.truth.members & ~batch.mask[:, None]).any()


def test_toy_neutrinos_are_as_many_as_leptonic_decays():
    batch = toy_table(70, 2, TOYS).batch(range(70))
    names = ("t_bl", "W_l")
    is_leptonic = torch.tensor([decay.name in names for decay in DECAYS] + [False])
    assert torch.equal(batch.truth.invisible_mask.sum(dim=1), is_leptonic[batch.decay].sum(dim=1))


def test_a_table_without_truth_gives_equal_batches_without_it():
    lacking = [n for n in TABLE.column_names if n.startswith(("invisible", "resonance"))]
    with_truth, without = (
        EventTable.from_arrow(TABLE),
        EventTable.from_arrow(TABLE.drop_columns(lacking)),
    )
    first, second = with_truth.batch(range(4)), without.batch(range(4))
    assert second.truth is None
    for name in ("objects", "mask", "globals", "process", "weight", "decay", "assignment"):
        assert torch.equal(getattr(first, name), getattr(second, name))
    assert first.extras.keys() == second.extras.keys()


def test_truth_without_invisible_particles_is_no_truth():
    lacking = [name for name in TABLE.column_names if name.startswith("invisible")]
    table = EventTable.from_arrow(TABLE.drop_columns(lacking))
    assert table.truth is None
    assert "resonance_px_gev" in table.carried.column_names


def test_subset_and_concatenation_carry_the_truth():
    table = toy_table(40, 3, TOYS)
    rows = np.array([31, 2, 17])
    joined = concatenate([table.subset(rows[:1]), table.subset(rows[1:])])
    first, second = joined.batch([0, 1, 2]).truth, table.batch(rows).truth
    assert all(
        torch.equal(a, b) for a, b in zip(vars(first).values(), vars(second).values(), strict=True)
    )


def test_concatenation_with_a_table_without_truth_has_none():
    lacking = [n for n in TABLE.column_names if n.startswith(("invisible", "resonance"))]
    without = EventTable.from_arrow(TABLE.drop_columns(lacking))
    assert concatenate([EventTable.from_arrow(TABLE), without]).truth is None


def test_a_batch_cuts_and_maps_its_truth():
    batch = hand_made().batch([0, 1])
    n_slots = batch.mask.shape[1]
    keep = torch.zeros_like(batch.mask)
    keep[:, :2] = True
    narrow = type(batch)(**{**vars(batch), "mask": keep}).trimmed()
    assert narrow.truth.members.shape[2] == narrow.mask.shape[1] == 2 < n_slots
    first = batch.map(lambda tensor: tensor[:1])
    assert all(len(tensor) == 1 for tensor in vars(first.truth).values())
    assert torch.equal(batch.to("cpu").truth.invisible, batch.truth.invisible)


def test_loader_workers_hand_over_the_truth():
    table = toy_table(40, 0, ("tt", "zz"))
    single, double = (iter(EventLoader(table, 10, workers=n)) for n in (0, 1))
    for _ in range(3):
        assert torch.equal(next(single).truth.momenta, next(double).truth.momenta)
