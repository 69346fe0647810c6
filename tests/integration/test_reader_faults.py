"""What the reader does with damaged, foreign and odd event files on disk."""

import logging
from itertools import islice

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from colliderfm.data.event_schema import OBJECT_FEATURES
from colliderfm.data.event_table import EventTable
from colliderfm.data.loader import EventLoader
from colliderfm.data.splits import split_of
from colliderfm.data.toys import toy_columns, write_toy_set
from colliderfm.data.windows import StreamedSource
from colliderfm.data.writing import columns_to_table, encode_table, write_shard
from colliderfm.errors import ConfigError, DataError

TABLE = columns_to_table(toy_columns("tt", 5000, seed=0))


@pytest.fixture
def path(tmp_path):
    (tmp_path / "tt").mkdir()
    return tmp_path / "tt" / "part-000000.parquet"


def refusal(path):
    with pytest.raises(DataError) as caught:
        EventTable.read(path)
    assert str(path) in caught.value.what
    assert caught.value.exit_code == 3
    return caught.value


def with_value(name, row, value):
    column = TABLE.column(name).to_pylist()
    column[row] = [value, *column[row][1:]] if isinstance(column[row], list) else value
    array = pa.array(column, TABLE.schema.field(name).type)
    return TABLE.set_column(TABLE.column_names.index(name), name, array)


def test_a_round_trip_changes_nothing(path):
    columns = toy_columns("tt", 5000, seed=0)
    write_shard(path, columns)
    read = EventTable.read(path.parent.parent, truth=True)
    assert len(read) == 5000
    assert read.event_id.tolist() == columns["event_id"].tolist()
    # detector-level numbers to 13 mantissa bits, truth exactly
    for position, name in enumerate(OBJECT_FEATURES):
        np.testing.assert_allclose(read.objects.values[:, position], columns[name][1], rtol=6.2e-5)
    resonance_px_gev = columns["resonance_px_gev"][1].astype(np.float32)
    assert np.array_equal(read.truth.momenta.values[:, 1], resonance_px_gev)
    assert np.array_equal(read.truth.members.values, columns["resonance_mask"][1])
    kept = read.slots.values[read.slots.values >= 0]
    assert np.array_equal(kept, columns["assignment"][1][columns["assignment"][1] >= 0])


def test_writing_what_was_read_changes_no_value(path):
    write_shard(path, toy_columns("tt", 100, seed=0))
    first = pq.read_table(path)
    path.write_bytes(encode_table(first))
    assert pq.read_table(path).equals(first)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not parquet at all", b"\0" * 200])
def test_a_file_that_is_not_parquet_is_refused(path, content):
    path.write_bytes(content)
    assert "cannot be read" in refusal(path).what


@pytest.mark.parametrize("share", [0.1, 0.5, 0.999])
def test_a_truncated_file_is_refused(path, share):
    content = encode_table(TABLE)
    path.write_bytes(content[: int(share * len(content))])
    assert "cannot be read" in refusal(path).what


def test_a_flipped_bit_is_found_and_its_column_and_rows_are_named(path):
    write_shard(path, toy_columns("tt", 5000, seed=0))
    metadata = pq.ParquetFile(path).metadata
    content = bytearray(path.read_bytes())
    names = [metadata.row_group(1).column(i).path_in_schema for i in range(metadata.num_columns)]
    chunk = metadata.row_group(1).column(names.index("phi.list.element"))
    content[chunk.data_page_offset + chunk.total_compressed_size // 2] ^= 4
    path.write_bytes(content)
    assert "column phi, rows from 2000 cannot be read" in refusal(path).what


def test_a_file_without_rows_is_refused(path):
    path.write_bytes(encode_table(TABLE.slice(0, 0)))
    assert "no rows" in refusal(path).what


@pytest.mark.parametrize(
    ("column", "value"), [("energy_gev", -5.0), ("met_gev", float("nan")), ("process", "ttz")]
)
def test_a_bad_value_deep_in_a_file_is_found_in_both_ways_of_reading(path, column, value):
    path.write_bytes(encode_table(with_value(column, 4321, value)))
    assert refusal(path).what.endswith(f"column {column}, row 4321")
    source = StreamedSource(path.parent)
    with pytest.raises(DataError, match=f"column {column}, row 4321"):
        list(islice(EventLoader(source, 64), 1))


def test_a_wrong_type_is_refused(path):
    text = pa.array(["12.0"] * len(TABLE))
    position = TABLE.column_names.index("met_gev")
    path.write_bytes(encode_table(TABLE.set_column(position, "met_gev", text)))
    error = refusal(path)
    assert "column met_gev has the wrong type" in error.what
    assert (str(error.got), str(error.need)) == ("string", "float")


def test_a_missing_column_is_refused(path):
    path.write_bytes(encode_table(TABLE.drop_columns(["eta"])))
    assert refusal(path).what.endswith("column eta is missing")


def test_a_missing_file_and_a_missing_folder_are_refused(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        EventTable.read([tmp_path / "absent.parquet"])
    with pytest.raises(DataError, match="no event files"):
        EventTable.read(tmp_path / "absent")


def test_negative_weights_are_accepted_and_their_share_is_reported(path, caplog):
    columns = toy_columns("tt", 400, seed=0)
    columns["weight"][:30] = -1.0
    write_shard(path, columns)
    with caplog.at_level(logging.WARNING):
        table = EventTable.read(path)
    assert (table.weight < 0).sum() == 30
    assert "30 of 400 weights are negative (7.50%)" in caplog.text


def test_processes_and_splits_are_selected(tmp_path):
    write_toy_set(tmp_path, 600, processes=["qcd", "tt", "zz"])
    table = EventTable.read(tmp_path, processes=["tt", "zz"], split="validation")
    assert {name.split("/")[0] for name in table.event_id} == {"tt", "zz"}
    assert (split_of(table.event_id) == 1).all()
    sizes = [len(EventTable.read(tmp_path, split=s)) for s in ("train", "validation", "test")]
    assert sum(sizes) == 600


def test_processes_inside_one_file_are_selected_as_well(tmp_path):
    both = pa.concat_tables(
        [
            columns_to_table(toy_columns(name, 50, seed=0)).drop_columns(["process"])
            for name in ("tt", "zz")
        ]
    )
    both = both.append_column("process", pa.array(["tt"] * 50 + ["zz"] * 50))
    (tmp_path / "mixed.parquet").write_bytes(encode_table(both))
    assert len(EventTable.read(tmp_path, processes=["zz"])) == 50


def test_names_that_do_not_exist_are_configuration_errors(tmp_path):
    write_toy_set(tmp_path, 30, processes=["tt"])
    with pytest.raises(ConfigError, match="'ttt'"):
        EventTable.read(tmp_path, processes=["ttt"])
    with pytest.raises(ConfigError, match="'val'"):
        EventTable.read(tmp_path, split="val")


def test_truth_momenta_are_left_on_disk_unless_asked_for(path):
    write_shard(path, toy_columns("tt", 50, seed=0))
    without, with_truth = EventTable.read(path), EventTable.read(path, truth=True)
    assert without.truth is None
    assert without.carried.column_names == ["event_id"]
    assert with_truth.carried.column_names == ["event_id", "resonance_pdg_id"]
    assert len(with_truth.truth.invisible.values) == 50


def test_truth_that_one_file_lacks_is_left_out_with_a_warning(path, caplog):
    write_shard(path, toy_columns("tt", 20, seed=0))
    short = columns_to_table(toy_columns("tt", 10, seed=1)).drop_columns(
        [name for name in TABLE.column_names if name.startswith("invisible")]
    )
    path.with_name("part-000001.parquet").write_bytes(encode_table(short))
    with caplog.at_level(logging.WARNING):
        table = EventTable.read(path.parent, truth=True)
    assert table.truth is None
    assert len(table) == 30
    assert "1 of 2 files lack truth" in caplog.text


def test_a_streamed_source_reads_truth_when_asked(path):
    write_shard(path, toy_columns("tt", 50, seed=0))
    whole = EventTable.read(path, truth=True)
    for source, has_truth in (
        (StreamedSource(path), False),
        (StreamedSource(path, truth=True), True),
    ):
        window = source.load(np.arange(source.n_pieces), 0)
        assert (window.truth is not None) == has_truth
    assert np.array_equal(window.truth.momenta.values, whole.truth.momenta.values)


def test_unknown_columns_are_carried_from_disk(path):
    columns = toy_columns("tt", 50, seed=0)
    columns["run"] = np.arange(50)
    write_shard(path, columns)
    assert EventTable.read(path).batch([7]).extras["run"].tolist() == [7.0]
