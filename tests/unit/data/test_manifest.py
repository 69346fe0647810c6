import hashlib
import json
import shutil

import pytest

from colliderfm.data.manifest import (
    Manifest,
    ProcessRecord,
    read_manifest,
    set_md5,
    verify_set,
    write_manifest,
)
from colliderfm.data.toys import write_toy_set
from colliderfm.errors import DataError

RECORD = ProcessRecord(
    generated=20,
    kept=10,
    xsec_pb=3.5,
    xsec_error_pb=0.1,
    seeds=[0],
    cards=["Top:all = on"],
    notes={"sum_weights": 10.0},
)
MANIFEST = Manifest(
    generator="toys",
    versions={"numpy": "2"},
    command="colliderfm simulate --process tt",
    settings={"jet_pt_min_gev": 15.0},
    processes={"tt": RECORD},
)


@pytest.fixture
def folder(tmp_path):
    write_toy_set(tmp_path / "set", 20, processes=["tt", "qcd"])
    write_manifest(tmp_path / "set", MANIFEST)
    return tmp_path / "set"


def test_a_manifest_survives_the_trip(folder):
    manifest = read_manifest(folder)
    assert manifest.processes == {"tt": RECORD}
    assert (manifest.command, manifest.settings) == (MANIFEST.command, MANIFEST.settings)
    path = folder / "tt" / "part-000000.parquet"
    assert manifest.files["tt/part-000000.parquet"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert len(manifest.files) == 2


def test_writing_it_twice_gives_equal_bytes(folder):
    before = (folder / "manifest.json").read_bytes()
    write_manifest(folder, MANIFEST)
    assert (folder / "manifest.json").read_bytes() == before


def test_an_untouched_set_is_verified(folder):
    assert verify_set(folder) == 2


def test_a_changed_a_missing_and_a_foreign_file_are_named(folder):
    path = folder / "tt" / "part-000000.parquet"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"?")
    with pytest.raises(DataError, match="part-000000.parquet has changed"):
        verify_set(folder)
    path.unlink()
    with pytest.raises(DataError, match="part-000000.parquet is missing"):
        verify_set(folder)
    path.write_bytes(content)
    shutil.copy(path, path.with_name("part-000001.parquet"))
    with pytest.raises(DataError, match="part-000001.parquet is not in the manifest"):
        verify_set(folder)


def test_the_md5_is_that_of_sorted_names_and_file_digests(folder):
    lines = ""
    for name in ("qcd/part-000000.parquet", "tt/part-000000.parquet"):
        lines += f"{name}\0{hashlib.md5((folder / name).read_bytes()).hexdigest()}\n"
    assert set_md5(folder) == hashlib.md5(lines.encode()).hexdigest()


def test_the_md5_ignores_where_the_set_lies_and_what_the_manifest_says(folder, tmp_path):
    before = set_md5(folder)
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / "manifest.json").unlink()
    assert set_md5(copy) == before


def test_the_md5_changes_with_a_name(folder):
    before = set_md5(folder)
    (folder / "tt" / "part-000000.parquet").rename(folder / "tt" / "part-7.parquet")
    assert set_md5(folder) != before


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format_version": 1, "processes": {}}'])
def test_a_damaged_manifest_is_refused_with_its_path(folder, content):
    (folder / "manifest.json").write_text(content)
    with pytest.raises(DataError, match="manifest.json cannot be read"):
        read_manifest(folder)


def test_another_format_version_is_refused(folder):
    content = json.loads((folder / "manifest.json").read_text()) | {"format_version": 99}
    (folder / "manifest.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match="format_version"):
        read_manifest(folder)


def test_a_folder_without_events_is_refused(tmp_path):
    with pytest.raises(DataError, match="no event files"):
        set_md5(tmp_path)
