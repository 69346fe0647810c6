"""Training steps, freezing, and events at the edge."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from toy_heads import HEADS

from colliderfm.models.build import build_event_model


@pytest.mark.parametrize("pair_features", [True, False])
def test_a_training_step_reaches_every_parameter(toys, batch, pair_features):
    torch.manual_seed(0)
    model = build_event_model("tiny", heads=HEADS, pair_features=pair_features)
    losses = model.losses(model(batch), batch)
    assert set(losses) == {"classify", "assign"}
    assert all(values.shape == (len(batch),) for values in losses.values())
    sum(values.mean() for values in losses.values()).backward()
    missing = [name for name, p in model.named_parameters() if p.grad is None]
    assert missing == []


def test_small_trains_one_step_and_the_loss_falls(batch):
    torch.manual_seed(0)
    model = build_event_model("small", heads=HEADS, dropout=0.0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)
    totals = []
    for _ in range(3):
        losses = model.losses(model(batch), batch)
        total = sum(values.mean() for values in losses.values())
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        totals.append(total.item())
    assert totals[2] < totals[0]


def test_a_batch_without_resonances_still_reaches_every_parameter(model, batch):
    empty = replace(
        batch,
        decay=torch.full_like(batch.decay, -1),
        assignment=torch.full_like(batch.assignment, -1),
    )
    losses = model.losses(model(empty), empty)
    sum(values.mean() for values in losses.values()).backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_events_without_objects_give_finite_losses_and_gradients(model, batch):
    mask = batch.mask.clone()
    mask[: len(batch) // 2] = False
    assignment = torch.where(mask.any(1)[:, None, None], batch.assignment, -1)
    nothing = replace(batch, mask=mask, assignment=assignment)
    outputs = model(nothing)
    total = sum(values.mean() for values in model.losses(outputs, nothing).values())
    total.backward()
    assert outputs["classify"].isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())
    predicted = model.heads["assign"].predict(outputs["assign"], nothing)
    assert (predicted[: len(batch) // 2] == -1).all()


def test_parameter_groups_are_disjoint_and_complete(model):
    encoder = {id(parameter) for parameter in model.encoder_parameters()}
    heads = {id(parameter) for parameter in model.head_parameters()}
    assert not encoder & heads
    assert encoder | heads == {id(parameter) for parameter in model.parameters()}


def test_a_frozen_encoder_has_no_gradient_and_no_dropout(batch):
    torch.manual_seed(0)
    model = build_event_model("tiny", heads=HEADS, dropout=0.5)
    model.encoder.freeze()
    model.train()
    assert torch.equal(model.encoder(batch).event, model.encoder(batch).event)
    sum(values.mean() for values in model.losses(model(batch), batch).values()).backward()
    assert all(parameter.grad is None for parameter in model.encoder_parameters())
    assert all(parameter.grad is not None for parameter in model.head_parameters())


def test_only_the_requested_heads_run(model, batch):
    assert set(model(batch, heads=["classify"])) == {"classify"}


def test_events_of_no_class_carry_no_classification_loss(model, batch):
    losses = model.losses(model(batch), batch)["classify"]
    is_outside = batch.process >= 10
    assert is_outside.any()
    assert (losses[is_outside] == 0).all()
    assert (losses[~is_outside] > 0).all()


def test_padded_slots_have_zero_tokens(model, batch):
    encoding = model.encoder(batch)
    assert (encoding.objects[~batch.mask] == 0).all()
