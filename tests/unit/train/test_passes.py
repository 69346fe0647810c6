"""Gradients of several passes, and a training that makes them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from test_loop import SETTINGS, train
from toy_training import ToyNet, ToyTask, toy_features

from colliderfm.train.passes import add_gradients, passes_of


class PartedToyTask(ToyTask):
    def parts(self, batch: torch.Tensor, n_events: int) -> list[tuple[torch.Tensor, float]]:
        return [(part, len(part) / len(batch)) for part in batch.split(n_events)]


def quiet_net() -> ToyNet:
    """A network that treats each event alone and draws nothing."""
    return ToyNet(seed=1, dropout=0.0, has_norm=False)


def gradients(events_per_pass: int) -> tuple[list[torch.Tensor], float, dict[str, float]]:
    model, settings = quiet_net(), replace(SETTINGS, events_per_pass=events_per_pass)
    task = PartedToyTask(model)
    passes = passes_of(task, toy_features(0, 16), settings)
    loss, parts = add_gradients(task.loss, passes, settings, torch.device("cpu"))
    assert not loss.requires_grad
    values = {name: float(value) for name, value in parts.items()}
    return [parameter.grad for parameter in model.parameters()], float(loss), values


@pytest.mark.parametrize("events_per_pass", [1, 5, 15])
def test_gradients_loss_and_its_parts_add_up(events_per_pass: int) -> None:
    whole, parts = gradients(0), gradients(events_per_pass)
    for found, wanted in zip(parts[0], whole[0], strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-6, rtol=1e-5)
    assert parts[1] == pytest.approx(whole[1], rel=1e-6)
    assert parts[2] == pytest.approx(whole[2], rel=1e-6)
    assert whole[2]["constant"] == 2.0


def test_a_batch_that_fits_or_a_task_that_cannot_be_cut_goes_at_once() -> None:
    model, batch = quiet_net(), toy_features(0, 16)
    for task, n_events in (
        (PartedToyTask(model), 16),
        (PartedToyTask(model), 0),
        (ToyTask(model), 4),
    ):
        (found,) = passes_of(task, batch, replace(SETTINGS, events_per_pass=n_events))
        assert found[0] is batch
        assert found[1] == 1.0


def test_a_training_in_parts_ends_with_the_weights_of_one_at_once(tmp_path: Path) -> None:
    models = []
    for n_events in (0, 16, 5):
        model = quiet_net()
        settings = replace(SETTINGS, events_per_pass=n_events)
        train(model, settings, PartedToyTask(model), checkpoint_folder=tmp_path / str(n_events))
        models.append(model.state_dict())
    for name, wanted in models[0].items():
        assert torch.equal(models[1][name], wanted)
        torch.testing.assert_close(models[2][name], wanted, atol=1e-5, rtol=1e-5)
