"""Saving and loading spectrum networks."""

from __future__ import annotations

import json

import pytest
import torch
from toy_spectrum import spectra, spectrum_model

from colliderfm.errors import CheckpointError
from colliderfm.models.spectrum_files import (
    load_spectrum_encoder,
    load_spectrum_model,
    save_spectrum_encoder,
)
from colliderfm.models.weights import load_encoder

HEADS = {"decoder": 12, "directions": 4}


@pytest.fixture
def model():
    made = spectrum_model(HEADS)
    made(spectra(32))  # batch normalization has statistics of its own
    return made.eval()


@pytest.fixture
def folder(model, tmp_path):
    save_spectrum_encoder(tmp_path / "model", model, "# card\n")
    return tmp_path / "model"


def test_a_round_trip_is_bit_equal(model, folder):
    loaded = load_spectrum_model(folder)
    assert loaded.encoder.settings == model.encoder.settings
    assert loaded.encoder.normalization == model.encoder.normalization
    assert loaded.head_outputs() == HEADS
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, loaded.state_dict()[name]), name
    assert torch.equal(loaded(spectra()), model(spectra()))
    assert torch.equal(loaded.generate(loaded(spectra())), model.generate(model(spectra())))


@pytest.mark.parametrize("kind", ["dense", "transformer"])
def test_an_encoder_alone_can_be_saved(kind, tmp_path):
    encoder = spectrum_model(kind=kind).encoder.eval()
    save_spectrum_encoder(tmp_path, encoder, "")
    loaded = load_spectrum_encoder(tmp_path)
    assert not loaded.training
    assert torch.equal(loaded(spectra()), encoder(spectra()))


def test_a_folder_holds_exactly_the_four_files(folder):
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["card.md", "config.json", "model.safetensors", "normalization.json"]
    assert json.loads((folder / "config.json").read_text())["family"] == "spectrum"


def test_another_shape_names_tensors_and_both_shapes(folder):
    config = json.loads((folder / "config.json").read_text())
    config["encoder"]["latent"] = 5
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="3x16 instead of 5x16") as caught:
        load_spectrum_encoder(folder)
    assert caught.value.exit_code == 4


def test_missing_and_surplus_tensors_are_refused(folder):
    config = json.loads((folder / "config.json").read_text())
    config["heads"] = {"truncation": 1}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="missing") as caught:
        load_spectrum_encoder(folder)
    assert "more" in str(caught.value)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "normalization.json"])
@pytest.mark.parametrize("content", [None, b"", b"{}", b"\xff\xfe garbage"])
def test_missing_and_damaged_files_are_checkpoint_errors(folder, name, content):
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(CheckpointError):
        load_spectrum_encoder(folder)


def test_an_event_encoder_is_not_a_spectrum_encoder_and_the_other_way_round(folder):
    config = json.loads((folder / "config.json").read_text())
    del config["family"]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="family"):
        load_spectrum_encoder(folder)
    with pytest.raises(CheckpointError):
        load_encoder(folder)


def test_a_folder_that_cannot_be_made_is_one_error(model, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="cannot write"):
        save_spectrum_encoder(tmp_path / "file" / "model", model, "")
