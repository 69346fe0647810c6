from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
import torch

from colliderfm.data.event_schema import GLOBAL_FEATURES, OBJECT_FEATURES
from colliderfm.data.toys import toy_table

BATCH = toy_table(40, seed=0).batch(np.arange(40))


def test_shapes_and_types_are_those_of_the_contract():
    n_events, n_slots = BATCH.mask.shape
    assert n_events == len(BATCH) == 40
    assert BATCH.objects.shape == (40, n_slots, len(OBJECT_FEATURES))
    assert BATCH.globals.shape == (40, len(GLOBAL_FEATURES))
    assert BATCH.assignment.shape == (*BATCH.decay.shape, 4)
    assert (BATCH.objects.dtype, BATCH.weight.dtype) == (torch.float32, torch.float32)
    assert BATCH.mask.dtype == torch.bool
    assert {BATCH.process.dtype, BATCH.decay.dtype, BATCH.assignment.dtype} == {torch.int64}


def test_padded_slots_are_zero():
    assert (BATCH.objects[~BATCH.mask] == 0).all()
    assert (BATCH.objects[BATCH.mask][:, 0] > 0).all()


def test_trimming_removes_padding_and_nothing_else():
    wide = replace(
        BATCH,
        objects=torch.nn.functional.pad(BATCH.objects, (0, 0, 0, 4)),
        mask=torch.nn.functional.pad(BATCH.mask, (0, 4)),
    )
    narrow = wide.trimmed()
    assert torch.equal(narrow.objects, BATCH.objects)
    assert torch.equal(narrow.n_objects, BATCH.n_objects)
    assert narrow.trimmed() is narrow


def test_a_batch_without_objects_keeps_one_slot():
    empty = replace(BATCH, mask=torch.zeros_like(BATCH.mask))
    assert empty.trimmed().objects.shape[1] == 1


def test_moving_keeps_every_tensor():
    moved = BATCH.to("cpu")
    assert torch.equal(moved.assignment, BATCH.assignment)
    assert moved.extras.keys() == BATCH.extras.keys()


def test_map_reaches_every_tensor():
    first = BATCH.map(lambda tensor: tensor[:3])
    assert len(first) == 3
    assert all(len(tensor) == 3 for tensor in (first.decay, first.weight, *first.extras.values()))


def test_a_batch_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        BATCH.weight = BATCH.weight * 2
