"""The segmentation head: loss by hand, exclusive masks, symmetries, edges."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from colliderfm.data.event_schema import PROCESSES
from colliderfm.data.toys import toy_table
from colliderfm.errors import ConfigError, DataError
from colliderfm.losses.segmentation import FOCAL_ALPHA, FOCAL_GAMMA
from colliderfm.nn.encoding import Encoding
from colliderfm.nn.heads.segment import (
    DICE_WEIGHT,
    FOCAL_WEIGHT,
    SegmentHead,
    SegmentOutputs,
)
from colliderfm.physics.decays import DECAY_INDEX, DECAYS

NAMES = ("t_bqq", "t_bl", "W_qq", "W_l", "Z_qq", "Z_ll", "H_bb", "a_bb")
CLASSES = [DECAYS[DECAY_INDEX[name]] for name in NAMES]
WIDTH = 16


@pytest.fixture(scope="module")
def batch():
    table = toy_table(120, 5, (*PROCESSES[:10], "haa_ma40", "tt_2l"))
    return table.batch(np.arange(len(table)))


@pytest.fixture
def head():
    torch.manual_seed(0)
    return SegmentHead(WIDTH, 2, CLASSES, n_queries=5).double()


@pytest.fixture
def encoding(batch):
    generator = torch.Generator().manual_seed(1)
    shape = (*batch.mask.shape, WIDTH)
    objects = torch.randn(shape, generator=generator, dtype=torch.float64) * batch.mask[..., None]
    event = torch.randn(len(batch), WIDTH, generator=generator, dtype=torch.float64)
    return Encoding(objects, event, batch.mask, None)


def two_event_outputs() -> SegmentOutputs:
    """One layer, two events, three queries, two classes and none, four slots."""
    probability = torch.tensor([[0.7, 0.1, 0.2], [0.2, 0.5, 0.3], [0.1, 0.1, 0.8]])
    inside = torch.tensor([[0.1, 0.2, 0.8, 0.5], [0.9, 0.6, 0.3, 0.5], [0.5, 0.5, 0.6, 0.5]])
    mask = torch.tensor([[True, True, True, False], [True, True, True, True]])
    return SegmentOutputs(
        probability.log().expand(1, 2, 3, 3), inside.logit().expand(1, 2, 3, 4), mask
    )


def test_loss_of_a_matched_event_by_hand(batch):
    head = SegmentHead(WIDTH, 2, CLASSES[:2], n_queries=3, n_layers=1, none_weight=0.3)
    empty = {name: getattr(batch, name)[:2] for name in ("objects", "mask", "globals")}
    decay = torch.tensor([[DECAY_INDEX["t_bl"], DECAY_INDEX["H_aa"]], [-1, -1]])
    members = torch.zeros(2, 2, 4, dtype=torch.bool)
    members[0, 0, :2] = True
    truth = replace(batch.truth, members=members)
    events = replace(batch, **empty, decay=decay, truth=truth)
    values = head.loss(two_event_outputs(), events)
    # Query 1 gets the t_bl: best mask and class. Its masks are 0.9, 0.6 | 0.3 over three real slots.
    focal = 0.0
    for p, alpha in ((0.9, FOCAL_ALPHA), (0.6, FOCAL_ALPHA), (0.7, 1 - FOCAL_ALPHA)):
        focal -= alpha * (1 - p) ** FOCAL_GAMMA * math.log(p) / 3
    dice = 1 - (2 * 1.5 + 1) / (1.8 + 2 + 1)
    found = -(math.log(0.5) + 0.3 * math.log(0.2) + 0.3 * math.log(0.8)) / 3
    nothing = -0.3 * (math.log(0.2) + math.log(0.3) + math.log(0.8)) / 3
    # Only one of two events has masks, so their loss counts twice.
    first = found + 2 * (FOCAL_WEIGHT * focal + DICE_WEIGHT * dice)
    assert values.tolist() == pytest.approx([first, nothing], rel=1e-5)


def test_loss_is_the_mean_over_the_layers(head, batch, encoding):
    outputs = head(encoding, batch)
    assert outputs.class_logits.shape == (2, len(batch), 5, len(NAMES) + 1)
    layers = [
        head.loss(outputs._replace(class_logits=c[None], mask_logits=m[None]), batch)
        for c, m in zip(outputs.class_logits, outputs.mask_logits, strict=True)
    ]
    torch.testing.assert_close(head.loss(outputs, batch), torch.stack(layers).mean(dim=0))


def test_predicted_masks_by_hand():
    head = SegmentHead(WIDTH, 2, CLASSES[:2], n_queries=3, n_layers=1, none_weight=1.0)
    found = head.predict(two_event_outputs())
    torch.testing.assert_close(
        found.class_probability[0, 0], torch.tensor([0.7, 0.1, 0.2]), atol=1e-6, rtol=0
    )
    # Expected are 0.8 + 0.7 + 0.2 = 1.7 resonances, so queries 0 and 1 stand for one each. Slot 2 goes
    # to query 0 with 0.8; query 2 gets nothing. A tie at 0.5 is no member.
    expected = [[False, False, True, False], [True, True, False, False], [False] * 4]
    assert found.masks[0].tolist() == found.masks[1].tolist() == expected
    assert not head.predict(two_event_outputs(), cut=0.95).masks.any()


def test_weight_of_none_is_taken_out_of_the_probabilities_by_hand():
    head = SegmentHead(WIDTH, 2, CLASSES[:2], n_queries=3, n_layers=1, none_weight=0.5)
    found = head.predict(two_event_outputs())
    # p(none) counts twice: 0.7, 0.1, 0.4 and 0.2, 0.5, 0.6 and 0.1, 0.1, 1.6, each over its sum.
    expected = [[7 / 12, 1 / 12, 4 / 12], [2 / 13, 5 / 13, 6 / 13], [1 / 18, 1 / 18, 16 / 18]]
    torch.testing.assert_close(
        found.class_probability[0], torch.tensor(expected), atol=1e-6, rtol=0
    )
    # Expected are 8/12 + 7/13 + 2/18 = 1.32 resonances, so one: query 0.
    assert found.masks.any(dim=2).tolist() == [[True, False, False]] * 2


def test_training_with_a_weight_and_predicting_gives_the_shares_of_the_data():
    # Two of ten queries hold class 0: the loss with weight w is least at p0 / pnone = 2 / (8 w).
    head = SegmentHead(WIDTH, 2, CLASSES[:1], n_queries=1, n_layers=1, none_weight=0.2)
    least = torch.tensor([2.0, 8.0 * 0.2]).log().view(1, 1, 1, 2)
    mask = torch.ones(1, 3, dtype=torch.bool)
    found = head.predict(SegmentOutputs(least, torch.ones(1, 1, 1, 3), mask))
    assert found.class_probability.flatten().tolist() == pytest.approx([0.2, 0.8])


def test_a_weight_of_none_that_forbids_probabilities_is_refused():
    with pytest.raises(ConfigError, match="weight of none"):
        SegmentHead(WIDTH, 2, CLASSES, none_weight=0.0)


def test_padded_slots_belong_to_no_query():
    outputs = two_event_outputs()
    sure = outputs._replace(mask_logits=torch.full_like(outputs.mask_logits, 9.0))
    head = SegmentHead(WIDTH, 2, CLASSES[:2], n_queries=3, none_weight=1.0)
    masks = head.predict(sure).masks
    assert masks.sum(dim=(1, 2)).tolist() == [3, 4]


def test_masks_are_exclusive_and_real(head, batch, encoding):
    outputs = head(encoding, batch)
    generator = torch.Generator().manual_seed(2)
    wild = outputs._replace(
        class_logits=3 * torch.randn(outputs.class_logits.shape, generator=generator),
        mask_logits=3 * torch.randn(outputs.mask_logits.shape, generator=generator),
    )
    found = head.predict(wild)
    assert found.masks.any()
    assert (found.masks.sum(dim=1) <= 1).all()
    assert not (found.masks & ~batch.mask[:, None]).any()
    number = (1.0 - found.class_probability[..., -1]).sum(dim=1)
    n_found = found.masks.any(dim=2).sum(dim=1)
    assert (n_found <= (number + 0.5).floor()).all()
    assert n_found.min() < n_found.max()
    torch.testing.assert_close(
        found.class_probability.sum(dim=2), torch.ones(len(batch), 5), atol=1e-6, rtol=0
    )


def test_order_of_the_resonances_does_not_matter(head, batch, encoding):
    outputs = head(encoding, batch)
    truth = replace(batch.truth, members=batch.truth.members.flip(1))
    flipped = replace(batch, decay=batch.decay.flip(1), truth=truth)
    assert not torch.equal(head.target(batch).classes, head.target(flipped).classes)
    torch.testing.assert_close(head.loss(outputs, batch), head.loss(outputs, flipped))


def test_order_of_the_objects_does_not_matter(head, batch, encoding):
    order = torch.randperm(batch.mask.shape[1], generator=torch.Generator().manual_seed(3))
    truth = replace(batch.truth, members=batch.truth.members[..., order])
    moved = replace(batch, mask=batch.mask[:, order], truth=truth)
    moved_encoding = encoding._replace(
        objects=encoding.objects[:, order], mask=encoding.mask[:, order]
    )
    first, second = head(encoding, batch), head(moved_encoding, moved)
    torch.testing.assert_close(first.class_logits, second.class_logits)
    torch.testing.assert_close(head.loss(first, batch), head.loss(second, moved))
    masks = head.predict(first).masks[..., order]
    assert torch.equal(masks, head.predict(second).masks)


def test_padding_does_not_matter(head, batch, encoding):
    pad = torch.nn.functional.pad
    truth = replace(batch.truth, members=pad(batch.truth.members, (0, 4)))
    longer = replace(batch, mask=pad(batch.mask, (0, 4)), truth=truth)
    wild = pad(encoding.objects, (0, 0, 0, 4), value=7.0)
    first = head(encoding, batch)
    second = head(encoding._replace(objects=wild, mask=longer.mask), longer)
    torch.testing.assert_close(first.class_logits, second.class_logits)
    torch.testing.assert_close(head.loss(first, batch), head.loss(second, longer))
    assert torch.equal(pad(head.predict(first).masks, (0, 4)), head.predict(second).masks)


def test_order_of_the_queries_does_not_matter_to_the_loss(head, batch, encoding):
    outputs = head(encoding, batch)
    flipped = outputs._replace(
        class_logits=outputs.class_logits.flip(2), mask_logits=outputs.mask_logits.flip(2)
    )
    torch.testing.assert_close(head.loss(outputs, batch), head.loss(flipped, batch))


@pytest.mark.parametrize("case", ["all", "no resonances", "no objects"])
def test_gradients_are_finite_and_reach_every_parameter(head, batch, encoding, case):
    if case == "no resonances":
        batch = replace(batch, decay=torch.full_like(batch.decay, -1))
    if case == "no objects":
        truth = replace(batch.truth, members=torch.zeros_like(batch.truth.members))
        batch = replace(batch, mask=torch.zeros_like(batch.mask), truth=truth)
        encoding = encoding._replace(mask=batch.mask)
    outputs = head(encoding, batch)
    head.loss(outputs, batch).mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in head.parameters())
    assert head.predict(outputs).masks.shape == (len(batch), 5, batch.mask.shape[1])


def test_more_resonances_than_queries_are_no_error(batch, encoding):
    torch.manual_seed(0)
    head = SegmentHead(WIDTH, 2, CLASSES, n_queries=1).double()
    values = head.loss(head(encoding, batch), batch)
    assert values.isfinite().all()


def test_a_loss_that_is_not_finite_shows(head, batch, encoding):
    outputs = head(encoding, batch)
    broken = outputs._replace(mask_logits=torch.full_like(outputs.mask_logits, torch.nan))
    assert not head.loss(broken, batch).isfinite().all()


def test_mixed_precision_gives_a_loss_in_single(batch, encoding):
    head = SegmentHead(WIDTH, 2, CLASSES)
    single = encoding._replace(objects=encoding.objects.float(), event=encoding.event.float())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        values = head.loss(head(single, batch), batch)
    assert values.dtype == torch.float32
    values.mean().backward()
    assert all(p.grad.isfinite().all() for p in head.parameters())


def test_events_without_truth_are_refused(head, batch, encoding):
    outputs = head(encoding, batch)
    assert head.predict(outputs).masks.shape[1] == 5
    with pytest.raises(DataError, match="segmentation needs"):
        head.loss(outputs, replace(batch, truth=None))
