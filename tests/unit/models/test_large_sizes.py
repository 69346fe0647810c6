"""The two large networks train a step and survive being saved."""

from __future__ import annotations

import pytest
import torch
from toy_heads import HEADS

from colliderfm.models.build import build_event_model
from colliderfm.models.weights import load_model, save_model


@pytest.mark.slow
@pytest.mark.parametrize("size", ["base", "large"])
def test_a_large_network_trains_a_step_saves_and_loads_strictly(size, toys, tmp_path):
    torch.manual_seed(0)
    model = build_event_model(size, heads=HEADS)
    before = model.encoder.event_token.detach().clone()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    events = toys.batch(range(0, len(toys), 40))
    losses = model.losses(model(events), events)
    torch.stack([values.mean() for values in losses.values()]).sum().backward()
    optimizer.step()
    assert not torch.equal(model.encoder.event_token, before)
    save_model(tmp_path, model.eval(), "card")
    loaded = load_model(tmp_path).state_dict()
    assert loaded.keys() == model.state_dict().keys()
    for name, value in model.state_dict().items():
        assert torch.equal(loaded[name], value), name
