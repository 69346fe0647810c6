"""Losses of the segmentation head, by hand."""

from __future__ import annotations

import math

import pytest
import torch

from colliderfm.losses.segmentation import (
    mask_dice,
    mask_focal,
    matched_mean,
    query_class,
    query_cross_entropy,
)


def logit(*probabilities: float) -> torch.Tensor:
    return torch.tensor(probabilities, dtype=torch.float64).logit()


# One event, three real slots and one padded; masks of two queries, members of two targets.
LOGITS = torch.stack([logit(0.9, 0.5, 0.2, 0.7), logit(0.1, 0.5, 0.6, 0.3)])[None]
TARGETS = torch.tensor([[[True, True, False, False], [False, False, True, False]]])
MASK = torch.tensor([[True, True, True, False]])


def focal_by_hand(probabilities, members, alpha, gamma):
    terms = [
        -alpha * (1 - p) ** gamma * math.log(p)
        if is_member
        else -(1 - alpha) * p**gamma * math.log(1 - p)
        for p, is_member in zip(probabilities, members, strict=True)
    ]
    return sum(terms) / len(terms)


@pytest.mark.parametrize(("alpha", "gamma"), [(0.25, 2.0), (0.5, 0.0), (0.7, 1.5)])
def test_focal_loss_of_every_pair(alpha, gamma):
    found = mask_focal(LOGITS, TARGETS, MASK, alpha=alpha, gamma=gamma)
    for q, probabilities in enumerate([(0.9, 0.5, 0.2), (0.1, 0.5, 0.6)]):
        for r, members in enumerate([(True, True, False), (False, False, True)]):
            expected = focal_by_hand(probabilities, members, alpha, gamma)
            assert found[0, q, r].item() == pytest.approx(expected)


def test_focal_loss_without_power_is_half_the_cross_entropy():
    found = mask_focal(LOGITS, TARGETS, MASK, alpha=0.5, gamma=0.0)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(
        LOGITS[0, 0, :3], TARGETS[0, 0, :3].double()
    )
    assert found[0, 0, 0].item() == pytest.approx(0.5 * expected.item())


def test_dice_loss_of_every_pair():
    found = mask_dice(LOGITS, TARGETS, MASK)
    # Sizes of the masks 1.6 and 1.2, of the targets 2 and 1; overlaps 1.4, 0.2 and 0.6, 0.6.
    expected = [[1 - 3.8 / 4.6, 1 - 1.4 / 3.6], [1 - 2.2 / 4.2, 1 - 2.2 / 3.2]]
    torch.testing.assert_close(found[0], torch.tensor(expected, dtype=torch.float64))


def test_perfect_masks_cost_nothing():
    logits = torch.where(TARGETS, 40.0, -40.0)
    for loss in (mask_focal, mask_dice):
        assert loss(logits, TARGETS, MASK).diagonal(dim1=1, dim2=2).abs().max() < 1e-6


@pytest.mark.parametrize("loss", [mask_focal, mask_dice])
def test_padded_slots_do_not_matter(loss):
    logits, targets, mask = LOGITS[..., :3], TARGETS[..., :3], MASK[:, :3]
    wild = LOGITS.clone()
    wild[..., 3] = 50.0
    torch.testing.assert_close(loss(wild, TARGETS, MASK), loss(logits, targets, mask))


def test_losses_of_an_event_without_objects_are_finite():
    nothing = torch.zeros(1, 4, dtype=torch.bool)
    logits = LOGITS.clone().requires_grad_()
    targets = torch.zeros_like(TARGETS)
    total = mask_focal(logits, targets, nothing).sum() + mask_dice(logits, targets, nothing).sum()
    total.backward()
    assert total.item() == 0.0
    assert logits.grad.isfinite().all()


def test_extreme_logits_keep_finite_gradients():
    logits = torch.tensor([[[100.0, -100.0, 100.0, 0.0]]], requires_grad=True)
    total = mask_focal(logits, TARGETS, MASK).sum() + mask_dice(logits, TARGETS, MASK).sum()
    total.backward()
    assert total.isfinite()
    assert logits.grad.isfinite().all()


def test_half_precision_is_computed_in_single():
    found = mask_focal(LOGITS.half(), TARGETS, MASK)
    assert found.dtype == torch.float32
    torch.testing.assert_close(
        found, mask_focal(LOGITS, TARGETS, MASK).float(), atol=1e-3, rtol=1e-3
    )


def test_matched_mean_averages_over_the_targets():
    pairs = torch.arange(12.0).view(2, 3, 2)
    query = torch.tensor([[2, 0], [-1, -1]])
    values, is_valid = matched_mean(pairs, query)
    assert values.tolist() == [(4.0 + 1.0) / 2, 0.0]
    assert is_valid.tolist() == [True, False]
    assert matched_mean(pairs, torch.tensor([[-1, 1], [1, -1]]))[0].tolist() == [3.0, 8.0]


def test_queries_without_a_target_are_none():
    classes = torch.tensor([[5, 2, -1], [-1, -1, -1]])
    query = torch.tensor([[3, 0, -1], [-1, -1, -1]])
    assert query_class(classes, query, 4, 9).tolist() == [[2, 9, 9, 5], [9, 9, 9, 9]]


def test_class_loss_weights_none_less():
    # Two classes and none; probabilities 1/2, 1/4, 1/4 for both queries.
    logits = torch.tensor([0.5, 0.25, 0.25]).log().expand(1, 2, 3)
    found = query_cross_entropy(logits, torch.tensor([[0, 2]]), none_weight=0.2)
    assert found.item() == pytest.approx((math.log(2) + 0.2 * math.log(4)) / 2)
