import hashlib
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest

from colliderfm.data.event_schema import EVENT_SCHEMA
from colliderfm.data.toys import toy_columns
from colliderfm.data.writing import (
    columns_to_table,
    encode_table,
    round_mantissa,
    write_bytes_atomic,
    write_shard,
)
from colliderfm.errors import DataError


def test_rounding_keeps_thirteen_mantissa_bits():
    # 1 + 2**-13 is kept; 1 + 2**-14 lies half way and goes up; 1 + 2**-15 goes down.
    values = np.array([1 + 2.0**-13, 1 + 2.0**-14, 1 + 2.0**-15, 0.0, -3.0], np.float32)
    assert round_mantissa(values).tolist() == [1 + 2.0**-13, 1 + 2.0**-13, 1.0, 0.0, -3.0]


def test_rounding_error_is_below_two_to_the_minus_fourteen():
    values = np.random.default_rng(0).lognormal(3, 2, 10000).astype(np.float32)
    assert np.abs(round_mantissa(values) / values - 1).max() <= 2.0**-14


def test_rounding_twice_changes_nothing():
    once = round_mantissa(np.random.default_rng(1).normal(size=1000))
    assert np.array_equal(round_mantissa(once), once)


def test_equal_input_gives_equal_bytes(tmp_path):
    for name in ("a", "b"):
        write_shard(tmp_path / f"{name}.parquet", toy_columns("tth", 300, seed=5))
    first, second = ((tmp_path / f"{name}.parquet").read_bytes() for name in ("a", "b"))
    assert hashlib.sha256(first).digest() == hashlib.sha256(second).digest()


def test_the_order_of_the_columns_in_the_input_does_not_matter():
    columns = toy_columns("tt", 50, seed=0)
    backwards = dict(reversed(columns.items()))
    assert encode_table(columns_to_table(columns)) == encode_table(columns_to_table(backwards))


def test_columns_have_the_types_of_the_schema(tmp_path):
    write_shard(tmp_path / "part.parquet", toy_columns("haa_ma30", 20, seed=0))
    schema = pq.read_schema(tmp_path / "part.parquet")
    assert {name: schema.field(name).type for name in schema.names} == {
        column.name: column.arrow_type for column in EVENT_SCHEMA.columns
    }


def test_a_shard_has_several_row_groups_with_split_streams_and_zstd(tmp_path):
    write_shard(tmp_path / "part.parquet", toy_columns("qcd", 4500, seed=0))
    metadata = pq.ParquetFile(tmp_path / "part.parquet").metadata
    rows = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
    assert rows == [2000, 2000, 500]
    chunk = metadata.row_group(0).column(0)
    assert chunk.path_in_schema == "energy_gev.list.element"
    assert chunk.compression == "ZSTD"
    assert "BYTE_STREAM_SPLIT" in chunk.encodings


def test_a_nan_is_refused_and_nothing_is_written(tmp_path):
    columns = toy_columns("tt", 30, seed=0)
    columns["met_gev"][12] = np.nan
    with pytest.raises(DataError, match="column met_gev, row 12"):
        write_shard(tmp_path / "part.parquet", columns)
    assert list(tmp_path.iterdir()) == []


def test_values_that_do_not_fit_their_type_are_refused():
    with pytest.raises(DataError, match="column n_jet cannot be written"):
        columns_to_table({"n_jet": np.array([300])})


def test_no_events_are_refused(tmp_path):
    empty = {
        name: (c[0][:1], c[1][:0]) if isinstance(c, tuple) else c[:0]
        for name, c in toy_columns("tt", 3, 0).items()
    }
    with pytest.raises(DataError, match="no events"):
        write_shard(tmp_path / "part.parquet", empty)


def test_replacing_a_file_leaves_no_other(tmp_path):
    path = tmp_path / "deep" / "file"
    write_bytes_atomic(path, b"old")
    write_bytes_atomic(path, b"new")
    assert path.read_bytes() == b"new"
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_a_folder_that_is_a_file_gives_one_line(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError) as caught:
        write_bytes_atomic(tmp_path / "file" / "part.parquet", b"x")
    assert "\n" not in str(caught.value)
    assert str(tmp_path / "file" / "part.parquet") in str(caught.value)


_WRITE_WITH_A_LIMIT = """
import resource, sys
from colliderfm.data.writing import write_bytes_atomic
from colliderfm.errors import DataError
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_bytes_atomic(sys.argv[1], b"x" * 5000)
except DataError as error:
    sys.stdout.write(str(error))
"""


def test_a_write_that_breaks_off_keeps_the_old_file_and_leaves_no_other(tmp_path):
    path = tmp_path / "part.parquet"
    path.write_bytes(b"old")
    command = [sys.executable, "-c", _WRITE_WITH_A_LIMIT, str(path)]
    message = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert message == f"data error: cannot write {path}: File too large; nothing was left"
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["part.parquet"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/dev/full and /proc are Linux's")
def test_a_folder_that_cannot_be_written_gives_one_line():
    with pytest.raises(DataError, match="cannot write /proc/colliderfm") as caught:
        write_bytes_atomic("/proc/colliderfm/part.parquet", b"x")
    assert "\n" not in str(caught.value)
