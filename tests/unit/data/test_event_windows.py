import numpy as np
import pytest

from colliderfm.data.event_table import EventTable
from colliderfm.data.toys import toy_table, write_toy_set
from colliderfm.data.windows import MemorySource, StreamedSource
from colliderfm.errors import ConfigError, DataError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("set")
    write_toy_set(path, 9000, seed=0, processes=["qcd", "tt"])
    return path


def test_a_table_is_one_window():
    table = toy_table(20)
    source = MemorySource(table)
    assert source.sizes(np.arange(source.n_pieces)) == [20]
    assert source.load(np.arange(1), 0) is table


def test_windows_hold_every_event_of_the_split_once(folder):
    source = StreamedSource(folder, split="train", window_row_groups=2)
    # 4500 events per process are three row groups each
    assert source.n_pieces == 6
    order = np.array([5, 0, 3, 1, 4, 2])
    windows = [source.load(order, window) for window in range(3)]
    assert [len(window) for window in windows] == source.sizes(order)
    ids = np.concatenate([window.event_id for window in windows])
    assert sorted(ids) == sorted(EventTable.read(folder, split="train").event_id)


def test_a_window_mixes_the_row_groups_of_its_order(folder):
    source = StreamedSource(folder, window_row_groups=2)
    window = source.load(np.array([0, 5, 1, 2, 3, 4]), 0)
    assert np.unique(window.process).tolist() == [0, 1]


def test_windows_are_nearly_equal(folder):
    source = StreamedSource(folder, window_row_groups=4)
    assert len(source.sizes(np.arange(6))) == 2
    assert source.sizes(np.arange(6)) == [4500, 4500]


def test_processes_are_selected(folder):
    source = StreamedSource(folder, processes=["tt"], window_row_groups=9)
    assert source.sizes(np.arange(source.n_pieces)) == [4500]


def test_the_fingerprint_changes_with_the_selection(folder):
    whole, train = StreamedSource(folder), StreamedSource(folder, split="train")
    assert whole.fingerprint != train.fingerprint
    assert train.fingerprint == StreamedSource(folder, split="train").fingerprint


def test_wrong_selections_are_refused(folder):
    with pytest.raises(ConfigError, match="split"):
        StreamedSource(folder, split="training")
    with pytest.raises(DataError, match="no event files"):
        StreamedSource(folder, processes=["zz"])
