"""A network with every head: its running average is complete and its files are loaded strictly."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from toy_heads import EVERY_HEAD

from colliderfm.data.normalize import Normalizer
from colliderfm.errors import CheckpointError
from colliderfm.models.build import build_event_model
from colliderfm.models.spectrum_files import load_spectrum_encoder
from colliderfm.models.weights import load_model, save_model
from colliderfm.train.averaging import WeightAverage

SHIPPED = Path(__file__).resolve().parents[3] / "starter" / "encoders"


@pytest.fixture
def complete(toys, batch):
    torch.manual_seed(0)
    built = build_event_model("tiny", heads=EVERY_HEAD, normalizer=Normalizer.fit(toys))
    for head in built.heads.values():
        if hasattr(head, "fit"):
            head.fit([batch])
    return built.eval()


def test_the_running_average_has_every_entry_and_loads_strictly(complete, toys):
    average = WeightAverage(complete, decay=0.5)
    buffers = {name for name, _ in complete.named_buffers()}
    persistent = buffers & complete.state_dict().keys()
    assert {"encoder.normalizer.object_mean", "heads.invisible.features.mean"} <= persistent
    with torch.no_grad():
        for value in complete.state_dict().values():
            value.add_(1)
    average.update(complete, 1000)
    assert average.state.keys() == complete.state_dict().keys()
    for name, value in complete.state_dict().items():
        # Half way from the start to where everything is larger by one; integers are copied.
        half = 0.5 if value.is_floating_point() else 0.0
        torch.testing.assert_close(average.state[name], value - half, msg=name)
    other = build_event_model("tiny", heads=EVERY_HEAD, normalizer=Normalizer.fit(toys))
    other.load_state_dict(average.state, strict=True)
    for name, value in other.state_dict().items():
        assert torch.equal(value, average.state[name]), name


def test_a_saved_network_with_every_head_is_the_same_to_the_bit(complete, tmp_path):
    save_model(tmp_path, complete, "# card\n")
    loaded = load_model(tmp_path)
    assert tuple(loaded.heads) == tuple(head.name for head in EVERY_HEAD)
    assert loaded.state_dict().keys() == load_file(tmp_path / "model.safetensors").keys()
    for name, value in complete.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value), name


@pytest.mark.parametrize("head", [head.name for head in EVERY_HEAD])
def test_one_missing_and_one_surplus_tensor_are_refused_by_name(complete, tmp_path, head):
    save_model(tmp_path, complete, "# card\n")
    path = tmp_path / "model.safetensors"
    state = load_file(path)
    name = next(key for key in state if key.startswith(f"heads.{head}."))
    save_file({key: value for key, value in state.items() if key != name}, path)
    with pytest.raises(CheckpointError, match="missing"):
        load_model(tmp_path)
    save_file({**state, f"{name}_more": state[name].clone()}, path)
    with pytest.raises(CheckpointError, match=f"{name}_more"):
        load_model(tmp_path)


def test_every_shipped_encoder_is_loaded_strictly():
    names = {path.name for path in SHIPPED.iterdir()}
    assert names == {"event-encoder", "spectrum-encoder"}
    event = load_model(SHIPPED / "event-encoder").state_dict()
    spectrum = load_spectrum_encoder(SHIPPED / "spectrum-encoder").state_dict()
    saved = {name: load_file(SHIPPED / name / "model.safetensors") for name in names}
    assert event.keys() == saved["event-encoder"].keys()
    for name, value in saved["event-encoder"].items():
        assert torch.equal(event[name], value), name
    for name, value in spectrum.items():
        assert torch.equal(saved["spectrum-encoder"][f"encoder.{name}"], value), name
