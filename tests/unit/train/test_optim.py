from __future__ import annotations

import torch
from toy_training import ToyNet

from colliderfm.train.optim import (
    build_optimizer,
    optimizer_tensors,
    restore_optimizer,
    set_learning_rates,
)
from colliderfm.train.settings import FitSettings

SETTINGS = FitSettings(
    max_updates=10,
    validate_every=5,
    encoder_learning_rate=0.1,
    head_learning_rate=0.01,
    weight_decay=0.3,
    warmup_updates=2,
)


def test_each_parameter_is_in_one_group_with_the_rate_and_decay_of_its_kind() -> None:
    model = ToyNet()
    groups = build_optimizer(model, SETTINGS).param_groups
    found = {
        name: (group["peak_lr"], group["weight_decay"])
        for group in groups
        for name in group["parameter_names"]
    }
    assert found == {
        "encoder.0.weight": (0.1, 0.3),
        "encoder.0.bias": (0.1, 0.0),
        "encoder.1.weight": (0.1, 0.0),  # batch norm
        "encoder.1.bias": (0.1, 0.0),
        "blocks.0.weight": (0.01, 0.3),
        "blocks.0.bias": (0.01, 0.0),
        "head.weight": (0.01, 0.3),
        "head.bias": (0.01, 0.0),
    }


def test_frozen_parameters_are_left_out() -> None:
    model = ToyNet()
    model.encoder.requires_grad_(False)
    groups = build_optimizer(model, SETTINGS).param_groups
    assert {group["name"] for group in groups} == {"head"}


def test_new_inputs_of_an_encoder_train_like_a_head() -> None:
    model = ToyNet()
    model.encoder.object_extras = torch.nn.Linear(1, 2, bias=False)
    groups = build_optimizer(model, SETTINGS).param_groups
    (found,) = [g for g in groups if "encoder.object_extras.weight" in g["parameter_names"]]
    assert (found["name"], found["peak_lr"]) == ("head", 0.01)


def test_learning_rates_follow_the_schedule_in_every_group() -> None:
    optimizer = build_optimizer(ToyNet(), SETTINGS)
    assert set_learning_rates(optimizer, 1, SETTINGS) == {"encoder": 0.05, "head": 0.005}
    assert {(group["name"], group["lr"]) for group in optimizer.param_groups} == {
        ("encoder", 0.05),
        ("head", 0.005),
    }


def test_the_first_update_moves_by_the_rate_and_decays_matrices_only() -> None:
    # AdamW's first step is lr * sign(gradient), after shrinking by lr * weight_decay.
    model = ToyNet()
    optimizer = build_optimizer(model, SETTINGS)
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    for value in model.parameters():
        value.grad = torch.full_like(value, 2.0)
    optimizer.step()
    moved = dict(model.named_parameters())
    torch.testing.assert_close(moved["head.weight"], before["head.weight"] * (1 - 0.003) - 0.01)
    torch.testing.assert_close(moved["head.bias"], before["head.bias"] - 0.01)
    torch.testing.assert_close(moved["encoder.0.bias"], before["encoder.0.bias"] - 0.1)


def test_restored_moments_continue_bit_equal() -> None:
    def steps(model: ToyNet, optimizer: torch.optim.Optimizer, n: int) -> None:
        for _ in range(n):
            for value in model.parameters():
                value.grad = torch.sin(value.detach())
            optimizer.step()

    straight = ToyNet()
    optimizer = build_optimizer(straight, SETTINGS)
    steps(straight, optimizer, 2)
    resumed = ToyNet(seed=9)
    resumed.load_state_dict(straight.state_dict())
    other = build_optimizer(resumed, SETTINGS)
    restore_optimizer(other, {k: v.clone() for k, v in optimizer_tensors(optimizer).items()})
    steps(straight, optimizer, 3)
    steps(resumed, other, 3)
    for name, value in straight.named_parameters():
        assert torch.equal(value, dict(resumed.named_parameters())[name])
