"""Features beyond the schema obey the laws of the objects they belong to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from extra_columns import toy_extras

from colliderfm.data.feature_rules import InputChoice
from colliderfm.data.normalize import Normalizer
from colliderfm.models.build import build_event_model

TABLE = toy_extras(24)
BATCH = TABLE.batch(np.arange(24)).map(lambda t: t.double() if t.is_floating_point() else t)
N_SLOTS = BATCH.mask.shape[1]


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    choice = InputChoice((), ("sphericity",), ("ip3d_cm", "width_gev"))
    model = build_event_model("tiny", heads=[], normalizer=Normalizer.fit(TABLE, choice))
    with torch.no_grad():
        model.encoder.object_extras.weight.normal_()
        model.encoder.global_extras.weight.normal_()
    return model.double().eval().encoder


def test_the_order_of_the_objects_does_not_matter(encoder):
    order = torch.randperm(N_SLOTS, generator=torch.Generator().manual_seed(1))
    permuted = replace(
        BATCH,
        objects=BATCH.objects[:, order],
        mask=BATCH.mask[:, order],
        object_extras={name: values[:, order] for name, values in BATCH.object_extras.items()},
    )
    torch.testing.assert_close(encoder(permuted).event, encoder(BATCH).event)
    torch.testing.assert_close(encoder(permuted).objects, encoder(BATCH).objects[:, order])


@pytest.mark.parametrize("value", [7.0, float("nan"), float("inf")])
def test_what_padded_slots_hold_does_not_matter(encoder, value):
    dirty = {
        name: values.masked_fill(~BATCH.mask, value) for name, values in BATCH.object_extras.items()
    }
    found = encoder(replace(BATCH, object_extras=dirty))
    torch.testing.assert_close(found.event, encoder(BATCH).event)
    torch.testing.assert_close(found.objects, encoder(BATCH).objects)


def test_an_unknown_value_counts_as_the_mean(encoder):
    features = encoder.normalizer.object_extras
    unknown, mean = (
        {**BATCH.object_extras, "ip3d_cm": torch.full_like(BATCH.objects[..., 0], value)}
        for value in (torch.nan, features.mean[0].item())
    )
    first, second = (encoder(replace(BATCH, object_extras=extras)) for extras in (unknown, mean))
    torch.testing.assert_close(first.event, second.event)
