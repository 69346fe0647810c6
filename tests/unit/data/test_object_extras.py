"""List columns beyond the schema that describe the objects."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import torch
from extra_columns import lists_of, toy_extras

from colliderfm.data.event_table import EventTable, concatenate
from colliderfm.data.object_extras import object_extras_of
from colliderfm.data.toys import toy_table, write_toy_set

LENGTHS = np.array([2, 0, 1])
IDS = pa.array(["a", "b", "c"])


def carried(**columns):
    return pa.table({"event_id": IDS, **columns})


def test_a_list_as_long_as_the_objects_is_found():
    table = carried(ip3d_cm=pa.array([[0.5, 1.5], [], [2.5]]), n_hits=pa.array([[1, 2], [], [3]]))
    found = object_extras_of(table, LENGTHS)
    assert lists_of(found["ip3d_cm"]) == [[0.5, 1.5], [], [2.5]]
    assert found["n_hits"].values.tolist() == [1.0, 2.0, 3.0]
    assert found["n_hits"].values.dtype == np.float32


def test_other_columns_are_left_alone():
    table = carried(
        per_jet=pa.array([[0.5], [], [2.5]]),
        names=pa.array([["a", "b"], [], ["c"]]),
        resonance_pdg_id=pa.array([[6, -6], [], [25]]),
        empty=pa.array([None, None, None], pa.list_(pa.float32())),
    )
    assert object_extras_of(table, LENGTHS) == {}


def test_null_rows_and_entries_are_unknown():
    table = carried(ip3d_cm=pa.array([None, [], [2.5]]), charm=pa.array([[None, 0.5], [], [1.0]]))
    found = object_extras_of(table, LENGTHS)
    np.testing.assert_array_equal(found["ip3d_cm"].values, [np.nan, np.nan, 2.5])
    np.testing.assert_array_equal(found["charm"].values, [np.nan, 0.5, 1.0])


def test_a_batch_holds_them_beside_the_objects():
    table = toy_extras()
    batch = table.batch([4, 1, 7])
    assert set(batch.object_extras) == {"ip3d_cm", "width_gev"}
    values = batch.object_extras["ip3d_cm"]
    assert values.shape == batch.mask.shape
    assert (values[~batch.mask] == 0).all()
    for row, index in enumerate([4, 1, 7]):
        expected = lists_of(table.object_extras["ip3d_cm"])[index]
        assert values[row][batch.mask[row]].tolist() == expected


def test_subset_concatenation_trimming_and_casting_carry_them():
    table = toy_extras()
    swapped = concatenate([table.subset(np.arange(30, 60)), table.subset(np.arange(30))])
    rows = np.arange(60)
    before, after = table.batch((rows + 30) % 60), swapped.batch(rows)
    for name, values in before.object_extras.items():
        assert torch.equal(values, after.object_extras[name])
    short = int(table.n_objects.argmin())
    whole = table.batch([short, int(table.n_objects.argmax())])
    first = whole.map(lambda tensor: tensor[:1]).trimmed()
    assert first.object_extras["ip3d_cm"].shape == first.mask.shape
    assert first.mask.shape[1] < whole.mask.shape[1]


def test_files_without_the_column_are_unknown_there():
    both = concatenate([toy_extras(20), toy_table(20, 0, ("qcd",))])
    values = both.object_extras["ip3d_cm"].values
    n_known = int(both.n_objects[:20].sum())
    assert np.isfinite(values[:n_known]).all()
    assert np.isnan(values[n_known:]).all()


def test_events_without_extras_have_none():
    assert toy_table(5, 0, ("qcd",)).batch([0]).object_extras == {}


@pytest.mark.parametrize("truth", [False, True])
def test_truth_is_no_extra(tmp_path, truth):
    write_toy_set(tmp_path, 60, 0, ("tt", "zjets"))
    assert EventTable.read(tmp_path, truth=truth).object_extras == {}
