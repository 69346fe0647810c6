import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from colliderfm.data.event_schema import GLOBAL_FEATURES, OBJECT_FEATURES
from colliderfm.data.normalize import (
    GLOBAL_INPUTS,
    GLOBAL_RULES,
    OBJECT_INPUTS,
    OBJECT_RULES,
    Normalizer,
)
from colliderfm.data.toys import toy_table
from colliderfm.errors import CheckpointError, DataError

TABLE = toy_table(500, seed=0)
BATCH = TABLE.batch(np.arange(500))
NORMALIZER = Normalizer.fit(TABLE)


def two_events(first_weight=1.0):
    """One event with one object of 9 GeV, one with two of 99 GeV; HT 0 and e - 1 GeV."""
    batch = TABLE.batch([0, 1])
    objects = torch.zeros(2, 2, 7)
    objects[0, 0, :2], objects[1, :, :2] = 9.0, 99.0
    event = torch.zeros(2, 11)
    event[1, GLOBAL_FEATURES.index("ht_gev")] = float(np.expm1(1.0))
    mask = torch.tensor([[True, False], [True, True]])
    return replace(
        batch, objects=objects, mask=mask, globals=event, weight=torch.tensor([first_weight, 1.0])
    )


def object_column(name):
    return [rule.name for rule in OBJECT_RULES].index(name)


def test_statistics_use_the_mask_not_the_value():
    # log(1 + E) is ln 10 once and ln 100 twice; the padded slot does not count.
    normalizer = Normalizer.fit([two_events()])
    column, ln10 = object_column("energy_gev"), np.log(10.0)
    assert normalizer.object_mean[column].item() == pytest.approx(5 * ln10 / 3)
    assert normalizer.object_std[column].item() == pytest.approx(ln10 * np.sqrt(2) / 3)


def test_a_legitimate_zero_counts():
    # log(1 + HT) is 0 and 1
    normalizer = Normalizer.fit([two_events()])
    column = GLOBAL_INPUTS.index("ht_gev")
    assert normalizer.global_mean[column].item() == pytest.approx(0.5)
    assert normalizer.global_std[column].item() == pytest.approx(0.5)


@pytest.mark.parametrize("weight", [3.0, -3.0])
def test_statistics_are_weighted_by_the_size_of_the_weight(weight):
    normalizer = Normalizer.fit([two_events(first_weight=weight)])
    assert normalizer.global_mean[GLOBAL_INPUTS.index("ht_gev")].item() == pytest.approx(0.25)
    column = object_column("energy_gev")
    assert normalizer.object_mean[column].item() == pytest.approx(np.log(10.0) * 7 / 5)


def test_a_constant_feature_keeps_its_scale():
    normalizer = Normalizer.fit([two_events()])
    assert normalizer.object_std[object_column("eta")].item() == 1.0
    assert torch.isfinite(normalizer(two_events())[0]).all()


def test_flags_are_left_alone():
    objects, _ = NORMALIZER(BATCH)
    for name in ("btag", "is_lepton", "charge"):
        raw = BATCH.objects[..., OBJECT_FEATURES.index(name)]
        assert torch.equal(objects[..., OBJECT_INPUTS.index(name)], raw)


def test_standardized_inputs_have_mean_zero_and_width_one():
    objects, event = NORMALIZER(BATCH)
    real = objects[BATCH.mask]
    for index, rule in enumerate(OBJECT_RULES):
        if rule.is_standardized:
            assert real[:, index].mean().item() == pytest.approx(0, abs=1e-4)
            assert real[:, index].std(correction=0).item() == pytest.approx(1, abs=1e-4)
    assert event.mean(dim=0).abs().max().item() < 1e-4
    assert event.std(dim=0, correction=0).sub(1).abs().max().item() < 1e-4


def test_shapes_match_the_names():
    objects, event = NORMALIZER(BATCH)
    assert objects.shape == (*BATCH.mask.shape, len(OBJECT_INPUTS))
    assert event.shape == (500, len(GLOBAL_INPUTS)) == (500, len(GLOBAL_RULES))


def test_padded_slots_are_zero_whatever_they_hold():
    objects = BATCH.objects.clone()
    objects[~BATCH.mask] = 123.0
    dirty, _ = NORMALIZER(replace(BATCH, objects=objects))
    assert torch.equal(dirty, NORMALIZER(BATCH)[0])


def angular_distance(first, second):
    return torch.remainder(first - second + np.pi, 2 * np.pi) - np.pi


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float64, 1e-12)])
def test_inversion_recovers_the_raw_features(dtype, tolerance):
    batch = BATCH.map(lambda tensor: tensor.to(dtype) if tensor.is_floating_point() else tensor)
    normalizer = Normalizer.from_json(NORMALIZER.to_json()).to(dtype)
    met_phi = batch.globals[:, GLOBAL_FEATURES.index("met_phi")]
    objects, event = normalizer.inverse(*normalizer(batch), met_phi)
    phi = OBJECT_FEATURES.index("phi")
    turn = angular_distance(objects[..., phi], batch.objects[..., phi])[batch.mask]
    assert turn.abs().max().item() < tolerance * 2
    others = [index for index in range(7) if index != phi]
    found, wanted = objects[batch.mask][:, others], batch.objects[batch.mask][:, others]
    assert ((found - wanted).abs() / (1 + wanted.abs())).max().item() < tolerance
    assert ((event - batch.globals).abs() / (1 + batch.globals.abs())).max().item() < tolerance


def test_the_parts_of_the_inverse_agree_with_the_whole():
    met_phi = BATCH.globals[:, GLOBAL_FEATURES.index("met_phi")]
    inputs = NORMALIZER(BATCH)
    objects, event = NORMALIZER.inverse(*inputs, met_phi)
    assert torch.equal(NORMALIZER.inverse_objects(inputs[0], met_phi), objects)
    assert torch.equal(NORMALIZER.inverse_globals(inputs[1], met_phi), event)


def test_the_size_of_cosine_and_sine_does_not_matter():
    met_phi = BATCH.globals[:, GLOBAL_FEATURES.index("met_phi")]
    objects, _ = NORMALIZER(BATCH)
    longer = torch.cat([objects[..., :-2], 3 * objects[..., -2:]], dim=-1)
    found, wanted = (NORMALIZER.inverse_objects(o, met_phi) for o in (longer, objects))
    torch.testing.assert_close(found[BATCH.mask], wanted[BATCH.mask], rtol=0, atol=1e-6)


def test_table_and_batches_give_the_same_fit():
    by_batches = Normalizer.fit(TABLE.batch(np.arange(i, i + 100)) for i in range(0, 500, 100))
    for name, buffer in NORMALIZER.state_dict().items():
        assert torch.allclose(buffer, by_batches.state_dict()[name], rtol=1e-6, atol=0)


def test_json_keeps_every_bit():
    again = Normalizer.from_json(NORMALIZER.to_json())
    for name, buffer in NORMALIZER.state_dict().items():
        assert torch.equal(buffer, again.state_dict()[name])


def test_statistics_are_buffers_not_parameters():
    assert not list(NORMALIZER.parameters())
    expected = {"object_mean", "object_std", "global_mean", "global_std"}
    assert set(NORMALIZER.state_dict()) == expected


def test_json_of_other_features_is_refused():
    content = json.loads(NORMALIZER.to_json())
    content["object"][0]["name"] = "mass_gev"
    with pytest.raises(CheckpointError, match="other object features"):
        Normalizer.from_json(json.dumps(content))


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"object": 3}'])
def test_damaged_json_is_refused(text):
    with pytest.raises(CheckpointError, match="normalization.json"):
        Normalizer.from_json(text)


def test_nothing_to_fit_on_is_refused():
    with pytest.raises(DataError, match="no object features"):
        Normalizer.fit([])
    weightless = replace(TABLE, weight=np.zeros(500, np.float32))
    with pytest.raises(DataError):
        Normalizer.fit(weightless)
