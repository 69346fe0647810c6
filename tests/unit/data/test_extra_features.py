"""Features beyond the schema as network inputs."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from extra_columns import toy_extras

from colliderfm.data.extra_features import ExtraFeatures
from colliderfm.data.feature_rules import GLOBAL_INPUTS, InputChoice
from colliderfm.data.normalize import Normalizer
from colliderfm.errors import CheckpointError, DataError

TABLE = toy_extras()
BATCH = TABLE.batch(np.arange(len(TABLE)))
CHOICE = InputChoice(("st_gev",), ("sphericity",), ("ip3d_cm", "width_gev"))
NORMALIZER = Normalizer.fit(TABLE, CHOICE)


def measured(name, values, weight):
    features = ExtraFeatures("global", [name])
    features.measure({name: torch.tensor(values)}, torch.tensor(weight))
    features.settle()
    return features


def test_mean_and_width_are_weighted_and_leave_unknown_values_out():
    # 1 and 4 with weights 2 and 1: mean 2, variance (2·1 + 4) / 3 = 2
    features = measured("x", [1.0, 4.0, math.nan, 100.0], [2.0, 1.0, 5.0, 0.0])
    assert features.mean.item() == pytest.approx(2.0)
    assert features.std.item() == pytest.approx(math.sqrt(2.0))


def test_energies_enter_as_signed_logarithms():
    features = measured("x_gev", [math.e - 1.0, 1.0 - math.e], [1.0, 1.0])
    assert features.mean.item() == pytest.approx(0.0, abs=1e-7)
    assert features({"x_gev": torch.tensor([math.e - 1.0])}).item() == pytest.approx(1.0)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_an_unknown_value_is_the_mean(value):
    features = measured("x", [1.0, 4.0], [1.0, 1.0])
    assert features({"x": torch.tensor([value])}).item() == 0.0


def test_padding_does_not_count():
    # of the toy values themselves, over real objects
    real = BATCH.object_extras["ip3d_cm"][BATCH.mask]
    assert NORMALIZER.object_extras.mean[0].item() == pytest.approx(real.mean().item(), abs=1e-6)
    inputs = NORMALIZER.object_extras(BATCH.object_extras)
    assert inputs.shape == (*BATCH.mask.shape, 2)
    assert inputs[BATCH.mask].std(dim=0, correction=0).sub(1).abs().max().item() < 1e-4


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float64, 1e-12)])
def test_the_inverse_recovers_the_columns(dtype, tolerance):
    normalizer = Normalizer.from_json(NORMALIZER.to_json()).to(dtype)
    for features, columns in (
        (normalizer.object_extras, BATCH.object_extras),
        (normalizer.global_extras, BATCH.extras),
    ):
        raw = {name: columns[name].to(dtype) for name in features.names}
        back = features.inverse(features(raw))
        for name, values in raw.items():
            assert ((back[name] - values).abs() / (1 + values.abs())).max().item() < tolerance


def test_a_missing_column_is_named_with_what_is_there():
    with pytest.raises(DataError) as caught:
        NORMALIZER.object_extras({"width_gev": torch.zeros(1, 1)})
    assert str(caught.value.need).startswith("ip3d_cm")
    assert "width_gev" in str(caught.value.got)
    with pytest.raises(DataError, match="lack global columns"):
        Normalizer.fit([replace(BATCH, extras={})], CHOICE)


def test_a_column_without_values_is_refused():
    empty = {**BATCH.extras, "sphericity": torch.full((len(BATCH),), math.nan)}
    with pytest.raises(DataError, match="no sphericity features"):
        Normalizer.fit([replace(BATCH, extras=empty)], CHOICE)


def test_the_inputs_of_the_schema_do_not_depend_on_extras():
    plain = Normalizer.fit(TABLE)
    objects, event = NORMALIZER(BATCH)
    expected_objects, expected_event = plain(BATCH)
    column = GLOBAL_INPUTS.index("st_gev")
    assert torch.equal(objects, expected_objects)
    assert (event[:, column] == 0).all()
    others = [i for i in range(len(GLOBAL_INPUTS)) if i != column]
    assert torch.equal(event[:, others], expected_event[:, others])
    assert plain.object_extras is plain.global_extras is None


def test_json_keeps_choice_and_every_bit():
    again = Normalizer.from_json(NORMALIZER.to_json())
    assert again.choice == CHOICE
    assert again.state_dict().keys() == NORMALIZER.state_dict().keys()
    for name, buffer in NORMALIZER.state_dict().items():
        assert torch.equal(buffer, again.state_dict()[name])
    assert "choice" not in json.loads(Normalizer.fit(TABLE).to_json())


@pytest.mark.parametrize(
    "choice", [{"object_extras": ["a"]}, {"withheld_globals": ["nope"]}, {"other": []}, 3]
)
def test_damaged_choices_are_refused(choice):
    content = {**json.loads(Normalizer().to_json()), "choice": choice}
    with pytest.raises(CheckpointError, match="normalization.json"):
        Normalizer.from_json(json.dumps(content))
