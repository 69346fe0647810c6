from __future__ import annotations

import pytest
import torch
from toy_training import ToyNet, toy_features

from colliderfm.train.averaging import WeightAverage, load_state, warmed_decay


def test_decay_warms_up_to_its_final_value() -> None:
    assert warmed_decay(0.9, 1) == pytest.approx(0.1)
    assert warmed_decay(0.9, 3) == pytest.approx(0.25)
    assert warmed_decay(0.9, 81) == pytest.approx(0.9)
    assert warmed_decay(0.9, 1000) == 0.9


def test_average_of_hand_computed_values() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(1.0)
    average = WeightAverage(model, decay=0.2)
    with torch.no_grad():
        model.weight.fill_(2.0)
    average.update(model, 1)  # decay 0.1: 0.1 * 1 + 0.9 * 2
    assert average.state["weight"].item() == pytest.approx(1.9)
    with torch.no_grad():
        model.weight.fill_(3.0)
    average.update(model, 100)  # decay 0.2: 0.2 * 1.9 + 0.8 * 3
    assert average.state["weight"].item() == pytest.approx(2.78)


def test_floating_buffers_are_averaged_and_integer_buffers_copied() -> None:
    model = ToyNet()
    average = WeightAverage(model, decay=0.5)
    model(toy_features(0, 32))
    model(toy_features(1, 32))
    average.update(model, 1000)
    state = model.state_dict()
    assert average.state["encoder.1.num_batches_tracked"].item() == 2
    start = torch.zeros(8)
    expected = 0.5 * start + 0.5 * state["encoder.1.running_mean"]
    torch.testing.assert_close(average.state["encoder.1.running_mean"], expected)


def test_constant_weights_stay_exactly_constant() -> None:
    model = ToyNet()
    average = WeightAverage(model, decay=0.999)
    for update in range(1, 50):
        average.update(model, update)
    for name, value in model.state_dict().items():
        assert torch.equal(average.state[name], value)


def test_the_block_sees_averaged_weights_in_evaluation_mode_and_leaves_no_trace() -> None:
    model = ToyNet()
    model.encoder[1].eval()
    average = WeightAverage(model, decay=0.5)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    for value in average.state.values():
        value.zero_()
    with average.applied_to(model):
        assert not any(module.training for module in model.modules())
        assert model.head.weight.abs().sum().item() == 0
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])
    assert model.training
    assert not model.encoder[1].training


def test_load_state_keeps_the_parameter_objects() -> None:
    model, other = ToyNet(0), ToyNet(1)
    weight = model.head.weight
    load_state(model, other.state_dict())
    assert model.head.weight is weight
    assert torch.equal(weight, other.head.weight)
