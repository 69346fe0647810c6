"""Saving and loading whole networks."""

from __future__ import annotations

import json

import pytest
import torch

from colliderfm.errors import CheckpointError
from colliderfm.models.weights import load_encoder, load_model, save_model


@pytest.fixture
def folder(model, tmp_path):
    save_model(tmp_path / "model", model, "# card\n")
    return tmp_path / "model"


def test_a_round_trip_is_bit_equal(model, folder, batch):
    loaded = load_model(folder)
    assert loaded.encoder.settings == model.encoder.settings
    assert loaded.head_settings == model.head_settings
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, loaded.state_dict()[name]), name
    assert torch.equal(model(batch)["classify"], loaded(batch)["classify"])


def test_a_folder_holds_exactly_the_four_files(folder):
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["card.md", "config.json", "model.safetensors", "normalization.json"]
    assert (folder / "card.md").read_text() == "# card\n"


def test_the_encoder_alone_gives_the_same_tokens(model, folder, batch):
    encoder = load_encoder(folder)
    assert not encoder.training
    assert torch.equal(encoder(batch).event, model.encoder(batch).event)


def test_a_config_of_another_size_is_refused(folder):
    config = json.loads((folder / "config.json").read_text())
    config["encoder"]["width"] = 48
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="24 instead of 48"):
        load_model(folder)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "normalization.json"])
@pytest.mark.parametrize("content", [None, b"", b"{}", b"\xff\xfe garbage"])
def test_missing_and_damaged_files_are_checkpoint_errors(folder, name, content):
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(CheckpointError):
        load_model(folder)


def test_a_truncated_weight_file_is_a_checkpoint_error(folder):
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_encoder(folder)


def test_a_folder_that_cannot_be_made_is_one_error(model, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="cannot write"):
        save_model(tmp_path / "file" / "model", model, "")
