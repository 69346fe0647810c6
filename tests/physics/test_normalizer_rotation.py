"""Laws of the network inputs: periodic in azimuth, invariant when the whole event is turned."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from colliderfm.data.event_schema import GLOBAL_FEATURES, OBJECT_FEATURES
from colliderfm.data.normalize import Normalizer
from colliderfm.data.toys import toy_table

PHI, MET_PHI = OBJECT_FEATURES.index("phi"), GLOBAL_FEATURES.index("met_phi")
TABLE = toy_table(400, seed=0)
BATCH = TABLE.batch(np.arange(400))
NORMALIZER = Normalizer.fit(TABLE)


def wrapped(angle):
    return torch.atan2(angle.sin(), angle.cos())


def turned(batch, angle, *, objects=True, event=True):
    new_objects, new_globals = batch.objects.clone(), batch.globals.clone()
    if objects:
        new_objects[..., PHI] = wrapped(new_objects[..., PHI] + angle)
    if event:
        new_globals[:, MET_PHI] = wrapped(new_globals[:, MET_PHI] + angle)
    return replace(batch, objects=new_objects, globals=new_globals)


@pytest.mark.parametrize("angle", [0.3, 1.0, np.pi / 2, 3.0, -2.2])
def test_turning_the_whole_event_changes_no_input(angle):
    for before, after in zip(NORMALIZER(BATCH), NORMALIZER(turned(BATCH, angle)), strict=True):
        assert (before - after).abs().max().item() < 2e-6


def test_one_full_turn_of_single_objects_changes_no_input():
    objects = BATCH.objects.clone()
    objects[:, 0, PHI] += 2 * np.pi
    before, after = NORMALIZER(BATCH)[0], NORMALIZER(replace(BATCH, objects=objects))[0]
    assert (before - after).abs().max().item() < 2e-6


def test_azimuth_is_continuous_across_the_seam():
    objects = BATCH.objects.clone()
    objects[..., PHI] = torch.pi - 1e-4
    just_above = objects.clone()
    just_above[..., PHI] = -torch.pi + 1e-4
    first = NORMALIZER(replace(BATCH, objects=objects))[0]
    second = NORMALIZER(replace(BATCH, objects=just_above))[0]
    assert (first - second).abs().max().item() < 3e-4


def test_turning_the_objects_alone_does_change_the_inputs():
    moved = NORMALIZER(turned(BATCH, 0.5, event=False))[0]
    assert (moved - NORMALIZER(BATCH)[0]).abs().max().item() > 0.1


def test_permuting_objects_permutes_the_inputs():
    order = torch.randperm(BATCH.mask.shape[1], generator=torch.Generator().manual_seed(0))
    permuted = replace(BATCH, objects=BATCH.objects[:, order], mask=BATCH.mask[:, order])
    assert torch.equal(NORMALIZER(permuted)[0], NORMALIZER(BATCH)[0][:, order])
    assert torch.equal(NORMALIZER(permuted)[1], NORMALIZER(BATCH)[1])
