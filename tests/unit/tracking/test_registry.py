"""Registered models: only safe files, an alias followed once, bytes checked at every use."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from colliderfm.errors import TrackingError
from colliderfm.tracking.model_files import file_sha256
from colliderfm.tracking.promotion import history
from colliderfm.tracking.registry import (
    alias_version,
    ensure_shipped,
    list_versions,
    register,
    resolve,
)
from colliderfm.tracking.run import open_run
from colliderfm.tracking.store import client

NAME = "event-encoder"
MakeFolder = Callable[[int], Path]


def stored_weights(store: Path) -> Path:
    (path,) = store.parent.glob("mlruns/**/model.safetensors")
    return path


def test_version_keeps_files_card_tags_and_aliases(store: Path, model_folder: MakeFolder) -> None:
    folder = model_folder(1)
    with open_run("pretrain-event", "p") as run:
        version = register(folder, NAME, {"variant": "cls"}, ["candidate"], run_id=run.run_id)
    assert version == 1
    (entry,) = list_versions(NAME)
    assert entry.aliases == ("candidate",)
    assert entry.run_id == run.run_id
    assert entry.tags["variant"] == "cls"
    assert entry.sha256 == file_sha256(folder / "model.safetensors")
    assert client().get_model_version(NAME, "1").description == "# Encoder 1\n"


@pytest.mark.parametrize("name", ["weights.pkl", "model.pt", "run.sh"])
def test_pickle_or_program_is_never_registered(
    store: Path, model_folder: MakeFolder, name: str
) -> None:
    folder = model_folder(1)
    (folder / name).write_bytes(b"x")
    with pytest.raises(TrackingError, match="cannot be registered") as caught:
        register(folder, NAME)
    assert caught.value.got == f"unexpected {name}"
    assert list_versions() == []


def test_incomplete_folder_is_not_registered(store: Path, model_folder: MakeFolder) -> None:
    folder = model_folder(1)
    (folder / "normalization.json").unlink()
    with pytest.raises(TrackingError) as caught:
        register(folder, NAME)
    assert caught.value.got == "missing normalization.json"
    with pytest.raises(TrackingError):
        register(folder / "nowhere", NAME)


def test_alias_and_version_resolve_to_the_same_bytes(
    store: Path, model_folder: MakeFolder, tmp_path: Path
) -> None:
    register(model_folder(1), NAME, aliases=["candidate"])
    register(model_folder(2), NAME)
    by_alias = resolve(f"models:/{NAME}@candidate", tmp_path / "a")
    by_number = resolve(f"models:/{NAME}/1", tmp_path / "b")
    assert (by_alias.name, by_alias.version) == (NAME, 1)
    assert by_alias.sha256 == by_number.sha256 == file_sha256(tmp_path / "b" / "model.safetensors")
    note = json.loads((tmp_path / "a" / "resolved.json").read_text())
    assert note["uri"] == f"models:/{NAME}@candidate"
    assert (note["version"], note["sha256"]) == (1, by_alias.sha256)


def test_resolved_folder_is_a_model_address_too(
    store: Path, model_folder: MakeFolder, tmp_path: Path
) -> None:
    register(model_folder(1), NAME)
    first = resolve(f"models:/{NAME}/1", tmp_path / "a")
    assert resolve(str(tmp_path / "a")) == first
    (tmp_path / "a" / "model.safetensors").write_bytes(b"other")
    with pytest.raises(TrackingError, match="is not the registered file"):
        resolve(str(tmp_path / "a"))


def test_folder_no_registry_knows_has_version_0(model_folder: MakeFolder) -> None:
    model = resolve(str(model_folder(3)))
    assert (model.name, model.version) == ("model-3", 0)


def test_damaged_copy_is_fetched_again(
    store: Path, model_folder: MakeFolder, tmp_path: Path
) -> None:
    register(model_folder(1), NAME)
    first = resolve(f"models:/{NAME}/1", tmp_path / "a")
    (first.folder / "model.safetensors").write_bytes(b"half")
    again = resolve(f"models:/{NAME}/1", tmp_path / "a")
    assert file_sha256(again.folder / "model.safetensors") == first.sha256


def test_artifact_changed_in_the_store_is_refused(
    store: Path, model_folder: MakeFolder, tmp_path: Path
) -> None:
    register(model_folder(1), NAME)
    stored_weights(store).write_bytes(b"tampered")
    with pytest.raises(TrackingError, match="is not the registered file") as caught:
        resolve(f"models:/{NAME}/1", tmp_path / "a")
    assert caught.value.exit_code == 6
    assert not (tmp_path / "a" / "model.safetensors").exists()


@pytest.mark.parametrize(
    "uri", [f"models:/{NAME}@champion", f"models:/{NAME}/9", "models:/nothing/1"]
)
def test_unknown_model_alias_or_version_lists_what_there_is(
    store: Path, model_folder: MakeFolder, uri: str
) -> None:
    register(model_folder(1), NAME, aliases=["candidate"])
    with pytest.raises(TrackingError, match="the registry has no") as caught:
        resolve(uri)
    assert caught.value.got in ("versions 1@candidate", "no version of nothing")


@pytest.mark.parametrize("uri", ["models:/", "models:/a", "models:/a/b", "no-such-folder"])
def test_wrong_address_says_what_is_needed(uri: str) -> None:
    with pytest.raises(TrackingError) as caught:
        resolve(uri)
    assert "models:/NAME@ALIAS" in str(caught.value.need)


def test_version_of_another_program_is_refused(store: Path) -> None:
    client().create_registered_model(NAME)
    client().create_model_version(NAME, source="file:///tmp/x")
    with pytest.raises(TrackingError, match="was not registered by colliderfm"):
        resolve(f"models:/{NAME}/1")


def test_shipped_encoder_becomes_champion_of_an_empty_registry_once(
    store: Path, model_folder: MakeFolder, caplog: pytest.LogCaptureFixture
) -> None:
    folder = model_folder(1)
    with caplog.at_level("INFO", "colliderfm"):
        assert ensure_shipped(folder, NAME, aliases=["cls-assign"]) == 1
    assert len(caplog.records) == 1
    assert ensure_shipped(folder, NAME) is None
    (entry,) = list_versions(NAME)
    assert entry.aliases == ("champion", "cls-assign")
    assert entry.tags["origin"] == "shipped"
    assert [event["event"] for event in history(NAME)] == ["shipped"]


def test_alias_of_an_unknown_model_is_none(store: Path) -> None:
    assert alias_version("nothing", "champion") is None
