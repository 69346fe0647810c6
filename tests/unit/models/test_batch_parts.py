"""Gradients of a batch in parts are those of the whole batch, for every head."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from toy_heads import DECAYS, HEADS

from colliderfm.data.event_table import EventTable
from colliderfm.data.normalize import Normalizer
from colliderfm.data.toys import write_toy_set
from colliderfm.losses.reduce import weighted_total
from colliderfm.models.batch_parts import parts_of
from colliderfm.models.build import build_event_model
from colliderfm.models.settings import (
    CloudSettings,
    InvisibleSettings,
    QuantitySettings,
    RegressSettings,
    SegmentSettings,
)

ALL_HEADS = (
    *HEADS,
    *(RegressSettings(DECAYS), SegmentSettings(DECAYS)),
    *(CloudSettings(), InvisibleSettings(), QuantitySettings(("met_gev", "ht_gev"))),
)
DRAWING = ("cloud", "invisible", "quantities")
WEIGHTS = {"classify": 1.0, "assign": 0.5, "regress": 0.7, "segment": 0.3}


@pytest.fixture(scope="module")
def events(tmp_path_factory):
    """Events of unequal length with and without resonances and neutrinos, and unequal weights."""
    folder = tmp_path_factory.mktemp("toys")
    write_toy_set(folder, 120, seed=2, processes=("qcd", "tt", "zz"))
    table = EventTable.read(folder, ("qcd", "tt", "zz"), "train", truth=True)
    batch = table.batch(np.arange(50))
    return replace(batch, weight=torch.linspace(-0.5, 2.0, 50))


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return build_event_model("tiny", heads=ALL_HEADS, dropout=0.0, normalizer=Normalizer())


def gradients_of(model, loss):
    model.zero_grad()
    loss.backward()
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def test_parts_are_complete_sorted_and_trimmed(model, events):
    parts = parts_of(model, events, 20)
    assert [len(part) for part, _ in parts] == [17, 17, 16]
    assert sum(float(share) for _, share in parts) == pytest.approx(1.0)
    widths = [part.mask.shape[1] for part, _ in parts]
    assert widths == [int(part.n_objects.max()) for part, _ in parts]
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < widths[0]
    found = torch.cat([part.weight for part, _ in parts]).sort().values
    assert torch.equal(found, events.weight.sort().values)


def test_gradients_of_heads_that_draw_nothing_add_up(model, events):
    heads = tuple(WEIGHTS)
    losses = model.losses(model(events, heads), events)
    total, means = weighted_total(losses, WEIGHTS, events.weight)
    whole = gradients_of(model, total)
    terms = []
    found_means = dict.fromkeys(heads, 0.0)
    for part, share in parts_of(model, events, 16, heads):
        losses = model.losses(model(part, heads), part)
        loss, part_means = weighted_total(losses, WEIGHTS, part.weight)
        terms.append(share * loss)
        for name, value in part_means.items():
            found_means[name] += float(share * value)
    parts = gradients_of(model, torch.stack(terms).sum())
    assert parts.keys() == whole.keys()
    for name, wanted in whole.items():
        torch.testing.assert_close(parts[name], wanted, atol=2e-6, rtol=1e-4, msg=name)
    for name, value in means.items():
        assert found_means[name] == pytest.approx(float(value), rel=1e-5)


@torch.no_grad()
def test_losses_of_heads_that_draw_add_up_for_the_same_draws(model, events):
    """Events are taken out of their parts again and judged as one batch."""
    parts = parts_of(model, events, 16, (*DRAWING, "classify"), masked_fraction=0.4)
    outputs, total = [], dict.fromkeys((*DRAWING, "classify_noised"), 0.0)
    for part, share in parts:
        found = model(part, (*DRAWING, "classify"), masked_fraction=0.4)
        losses = model.losses(found, part)
        for name in total:
            values = (losses[name] * part.weight).sum() / part.weight.abs().sum()
            total[name] += float(share * values)
        outputs.append(found)
    rows = events.n_objects.argsort(descending=True, stable=True)
    joint = events.map(lambda tensor: tensor[rows])
    for name in total:
        together = joined([found[name] for found in outputs])
        losses = model.losses({name: together}, joint)[name]
        wanted = (losses * joint.weight).sum() / joint.weight.abs().sum()
        assert total[name] == pytest.approx(float(wanted), rel=1e-5), name


def joined(outputs):
    """Outputs of parts as those of one batch: axis 0 is the event, axis 1 perhaps the slot."""
    kind = type(outputs[0])
    columns = []
    for tensors in zip(*outputs, strict=True):
        width = max(t.shape[1] for t in tensors) if tensors[0].ndim > 1 else 0
        filler = -1 if tensors[0].dtype == torch.int64 else 0
        padded = [
            torch.cat([t, t.new_full((len(t), width - t.shape[1], *t.shape[2:]), filler)], dim=1)
            if t.ndim > 1
            else t
            for t in tensors
        ]
        columns.append(torch.cat(padded))
    return kind(columns) if kind is tuple else kind(*columns)
