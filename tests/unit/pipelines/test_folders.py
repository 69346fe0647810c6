"""Which folder an event set means, and whether a folder can be written."""

from __future__ import annotations

from pathlib import Path

import pytest

from colliderfm.config.load import load_params
from colliderfm.config.schema import Params
from colliderfm.data.manifest import set_md5
from colliderfm.data.toys import write_toy_set
from colliderfm.errors import DataError
from colliderfm.pipelines.folders import event_set_folder, writable_folder


@pytest.fixture
def params(project_copy: Path) -> Params:
    """Parameters of an empty project."""
    return load_params(project_copy)


def test_a_name_is_looked_up_in_the_imported_data(project_copy: Path, params: Params) -> None:
    write_toy_set(project_copy / "data" / "haa", 40, 1, ("haa_ma30", "qcd_4b"))
    folder, md5 = event_set_folder(params, "haa")
    assert folder == project_copy / "data" / "haa"
    assert md5 == set_md5(folder)
    assert len(md5) == 32


def test_a_folder_below_the_project_is_taken(project_copy: Path, params: Params) -> None:
    write_toy_set(project_copy / "corpora" / "mine", 40, 1, ("haa_ma30", "qcd_4b"))
    assert event_set_folder(params, "corpora/mine")[0] == project_copy / "corpora" / "mine"


def test_an_unknown_set_names_the_closest_one(project_copy: Path, params: Params) -> None:
    (project_copy / "data" / "pretrain").mkdir(parents=True)
    (project_copy / "data" / "haa").mkdir()
    with pytest.raises(DataError, match="event set 'pretrian' not found") as caught:
        event_set_folder(params, "pretrian")
    assert caught.value.need == "one of haa, pretrain"
    assert caught.value.fix == "write pretrain"


def test_without_data_the_fix_is_setup(params: Params) -> None:
    with pytest.raises(DataError) as caught:
        event_set_folder(params, "haa")
    assert caught.value.fix == "run `make setup`"


def test_a_writable_folder_is_made_and_left_empty(tmp_path: Path) -> None:
    folder = writable_folder(tmp_path / "a" / "b")
    assert folder.is_dir()
    assert not list(folder.iterdir())


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        writable_folder(tmp_path / "file")
