"""What the segmentation head is to find, and who answers for what."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from colliderfm.data.event_schema import PROCESSES
from colliderfm.data.toys import toy_table
from colliderfm.errors import ConfigError, DataError
from colliderfm.nn.heads.segment_targets import class_of_decay, find_targets, matched_queries
from colliderfm.physics.decays import DECAY_INDEX, DECAYS

NAMES = ("t_bqq", "t_bl", "W_qq", "W_l", "Z_qq", "Z_ll", "H_bb", "a_bb")
CLASSES = [DECAYS[DECAY_INDEX[name]] for name in NAMES]


@pytest.fixture(scope="module")
def batch():
    table = toy_table(120, 5, (*PROCESSES[:10], "haa_ma40", "tt_2l"))
    return table.batch(np.arange(len(table)))


def test_targets_are_the_visible_resonances_of_a_class(batch):
    targets = find_targets(batch, class_of_decay(CLASSES))
    for i in range(len(batch)):
        expected = [
            (NAMES.index(DECAYS[index].name), members.tolist())
            for index, members in zip(batch.decay[i].tolist(), batch.truth.members[i], strict=True)
            if index >= 0 and DECAYS[index].name in NAMES and members.any()
        ]
        classes = targets.classes[i].tolist()
        n = len(expected)
        assert classes == [name for name, _ in expected] + [-1] * (len(classes) - n)
        assert targets.members[i, :n].tolist() == [members for _, members in expected]
        assert not targets.members[i, n:].any()
    # Some resonances have lost all their objects, some decays are no class (H_aa).
    assert (targets.classes >= 0).sum() < (batch.decay >= 0).sum()


def test_gaps_are_closed_in_order(batch):
    decay = torch.tensor([[DECAY_INDEX[name] for name in ("H_aa", "a_bb", "W_qq", "t_bl")]])
    members = torch.tensor([[[0, 0, 0], [1, 1, 0], [0, 0, 0], [0, 0, 1]]], dtype=torch.bool)
    events = replace(batch, decay=decay, truth=replace(batch.truth, members=members))
    targets = find_targets(events, class_of_decay(CLASSES))
    assert targets.classes.tolist() == [[7, 1, -1, -1]]
    assert targets.members.int().tolist() == [[[1, 1, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]]]


def test_events_without_truth_are_refused(batch):
    with pytest.raises(DataError, match="segmentation needs"):
        find_targets(replace(batch, truth=None), class_of_decay(CLASSES))


def test_the_class_decides_between_equal_masks_and_the_mask_between_equal_classes():
    # Two queries, two targets of classes 0 and 1; probabilities of class 0: 0.8 and 0.3.
    logits = torch.tensor([[[0.8, 0.2, 0.0], [0.3, 0.7, 0.0]]]).add(1e-9).log()
    classes = torch.tensor([[0, 1]])
    equal = torch.zeros(1, 2, 2)
    assert matched_queries(equal, logits, classes).tolist() == [[0, 1]]
    better = torch.tensor([[[2.0, 0.0], [0.0, 2.0]]])
    assert matched_queries(better, logits, classes).tolist() == [[1, 0]]
    assert matched_queries(better, logits, torch.tensor([[1, -1]])).tolist() == [[1, -1]]


@pytest.mark.parametrize("names", [(), ("t_bqq", "t_bqq"), ("t_bqq", "Z_invisible")])
def test_impossible_classes_are_refused(names):
    with pytest.raises(ConfigError, match="classes of a segmentation head"):
        class_of_decay([DECAYS[DECAY_INDEX[name]] for name in names])
