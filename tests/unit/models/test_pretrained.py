"""An encoder and any of its heads into a network for new data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from extra_columns import toy_extras
from toy_heads import DECAYS, HEADS

from colliderfm.data.feature_rules import GLOBAL_INPUTS, InputChoice
from colliderfm.data.normalize import Normalizer
from colliderfm.data.toys import toy_table
from colliderfm.errors import CheckpointError
from colliderfm.models.build import build_event_model
from colliderfm.models.load_report import LoadReport
from colliderfm.models.pretrained import load_pretrained, match_pretrained
from colliderfm.models.settings import AssignSettings, ClassifySettings
from colliderfm.models.weights import load_model, save_model

CLASSIFY, ASSIGN = HEADS
SEARCH = ClassifySettings((("background", ("qcd",)), ("signal", ("haa_ma40",))))
EXTRAS = InputChoice((), ("sphericity",), ("ip3d_cm", "width_gev"))
NEW_EVENTS = toy_extras(80, seed=9)


@pytest.fixture
def folder(model, tmp_path):
    save_model(tmp_path / "model", model, "# card\n")
    return tmp_path / "model"


@pytest.fixture
def new_batch():
    return NEW_EVENTS.batch(np.arange(len(NEW_EVENTS)))


def fresh(heads=HEADS, choice=None, seed=1):
    torch.manual_seed(seed)
    return build_event_model(
        "tiny", heads=heads, normalizer=Normalizer.fit(NEW_EVENTS, choice)
    ).eval()


def state_of(model, part):
    return {k: v.clone() for k, v in model.state_dict().items() if k.startswith(part)}


def equal(model, state):
    return all(torch.equal(model.state_dict()[name], value) for name, value in state.items())


@pytest.mark.parametrize("heads", [(), ("classify",), ("assign",), ("classify", "assign"), "all"])
def test_any_subset_of_heads_is_loaded_and_the_rest_stays_fresh(model, folder, heads):
    other = fresh()
    before = state_of(other, "heads.")
    report = load_pretrained(other, folder, heads)
    assert equal(other, state_of(model, "encoder."))
    for name in ("classify", "assign"):
        is_loaded = heads == "all" or name in heads
        source = state_of(model, "heads.") if is_loaded else before
        assert equal(other, {k: v for k, v in source.items() if k.startswith(f"heads.{name}.")})
        assert any(k.startswith(f"heads.{name}.") for k in report.loaded) == is_loaded
        assert any(k.startswith(f"heads.{name}.") for k in report.kept) != is_loaded
    assert set(report.loaded) | set(report.kept) == set(other.state_dict())
    assert set(report.loaded) | set(report.unused) == set(model.state_dict())


def test_all_heads_are_those_that_both_networks_have(model, folder):
    other = fresh([ASSIGN])
    report = load_pretrained(other, folder, "all")
    assert equal(other, state_of(model, "heads.assign."))
    assert not report.kept
    assert {name.split(".")[1] for name in report.unused} == {"classify"}


@pytest.mark.parametrize(
    ("own", "wanted", "message"),
    [
        ([SEARCH, ASSIGN], ("classify",), "means something else"),
        ([CLASSIFY, AssignSettings(("a_bb",))], ("assign",), "means something else"),
        ([CLASSIFY, AssignSettings(DECAYS[::-1])], "all", "means something else"),
        ([CLASSIFY, replace(ASSIGN, rank=5)], ("assign",), "does not fit"),
        ([replace(CLASSIFY, hidden=7)], ("classify",), "7x24"),
        ([SEARCH], ("assign",), "head assign cannot be loaded"),
        ([CLASSIFY], ("segment",), "head segment cannot be loaded"),
    ],
)
def test_a_head_that_does_not_fit_is_refused_and_nothing_changes(folder, own, wanted, message):
    other = fresh(own)
    before = state_of(other, "")
    with pytest.raises(CheckpointError, match=message) as caught:
        load_pretrained(other, folder, wanted)
    assert "do not load this head" in str(caught.value)
    assert equal(other, before)
    load_pretrained(other, folder)


def test_processes_of_a_class_and_weights_of_the_loss_may_differ(model, folder):
    classes = ((CLASSIFY.classes[0][0], ("qcd", "qcd_4b")), *CLASSIFY.classes[1:])
    other = fresh([ClassifySettings(classes, class_weights=(2.0,) * 10)])
    load_pretrained(other, folder, ("classify",))
    assert equal(other, state_of(model, "heads.classify."))


def test_the_scales_are_those_of_the_encoder_or_of_the_new_data(model, folder, new_batch, caplog):
    kept, measured = fresh(), fresh()
    own = state_of(measured, "encoder.normalizer.")
    with caplog.at_level("INFO"):
        load_pretrained(kept, folder)
        assert "normalizer kept from pretraining" in caplog.text
        report = load_pretrained(measured, folder, normalizer="data")
        assert "normalizer measured on the new data" in caplog.text
    assert torch.equal(kept.encoder(new_batch).event, model.encoder(new_batch).event)
    assert equal(measured, own)
    assert not equal(kept, own)
    assert set(own) <= set(report.kept)
    weights = state_of(model, "encoder.")
    assert equal(measured, {k: v for k, v in weights.items() if "normalizer" not in k})


@pytest.mark.parametrize("heads", [(), "all"])
def test_new_inputs_leave_the_output_bit_equal(model, folder, new_batch, heads):
    other = fresh(choice=EXTRAS)
    report = load_pretrained(other, folder, heads)
    before, after = model.encoder(new_batch), other.encoder(new_batch)
    assert torch.equal(before.event, after.event)
    assert torch.equal(before.objects, after.objects)
    assert report.new_inputs == ("sphericity", "ip3d_cm", "width_gev")
    assert report.dropped_inputs == ()
    assert "encoder.object_extras.weight" in report.kept


def test_a_step_of_training_makes_new_inputs_count(folder, new_batch):
    other = fresh(choice=EXTRAS)
    load_pretrained(other, folder)
    optimizer = torch.optim.SGD(other.parameters(), lr=0.1)
    losses = other.losses(other(new_batch, ["classify"]), new_batch)
    losses["classify"].mean().backward()
    optimizer.step()
    assert other.encoder.object_extras.weight.abs().min() > 0
    assert other.encoder.global_extras.weight.abs().min() > 0
    turned = {**new_batch.object_extras, "ip3d_cm": -new_batch.object_extras["ip3d_cm"]}
    changed = other.encoder(replace(new_batch, object_extras=turned)).event
    assert not torch.equal(changed, other.encoder(new_batch).event)


def test_a_network_with_extras_survives_its_folder_and_is_matched_by_name(tmp_path, new_batch):
    first = fresh(choice=EXTRAS)
    with torch.no_grad():
        first.encoder.object_extras.weight.normal_()
        first.encoder.global_extras.weight.normal_()
    save_model(tmp_path / "model", first, "")
    again = load_model(tmp_path / "model")
    assert equal(again, state_of(first, ""))
    assert torch.equal(again.encoder(new_batch).event, first.encoder(new_batch).event)
    # another order, one feature new, one gone
    choice = InputChoice((), (), ("m_gev", "width_gev"))
    columns = {**new_batch.object_extras, "m_gev": new_batch.object_extras["width_gev"]}
    wider = replace(new_batch, object_extras=columns)
    torch.manual_seed(2)
    other = build_event_model(
        "tiny", heads=HEADS, normalizer=Normalizer.fit([wider], choice)
    ).eval()
    report = load_pretrained(other, tmp_path / "model")
    weight = other.encoder.object_extras.weight
    assert torch.equal(weight[1], first.encoder.object_extras.weight[1])
    assert (weight[0] == 0).all()
    assert report.new_inputs == ("m_gev",)
    assert report.dropped_inputs == ("sphericity", "ip3d_cm")
    blind = {**columns, "ip3d_cm": torch.full_like(columns["ip3d_cm"], torch.nan)}
    blind_batch = replace(
        wider, object_extras=blind, extras={"sphericity": torch.full((80,), torch.nan)}
    )
    torch.testing.assert_close(other.encoder(wider).event, first.encoder(blind_batch).event)


def test_a_withheld_global_has_no_effect(model, folder, new_batch):
    other = fresh(choice=InputChoice(("ht_gev",)))
    report = load_pretrained(other, folder)
    assert report.dropped_inputs == ("ht_gev",)
    moved = new_batch.globals.clone()
    moved[:, 5] *= 3.0
    changed = replace(new_batch, globals=moved)
    assert torch.equal(other.encoder(changed).event, other.encoder(new_batch).event)
    assert not torch.equal(model.encoder(changed).event, model.encoder(new_batch).event)


def test_a_global_that_the_encoder_never_read_starts_without_effect(tmp_path, new_batch):
    blind = fresh(choice=InputChoice(("ht_gev", "met_gev")))
    save_model(tmp_path / "model", blind, "")
    other = fresh(choice=None, seed=4)
    report = load_pretrained(other, tmp_path / "model")
    assert report.new_inputs == ("met_gev", "ht_gev")
    assert torch.equal(other.encoder(new_batch).event, blind.encoder(new_batch).event)
    columns = [GLOBAL_INPUTS.index(name) for name in ("met_gev", "ht_gev")]
    assert (other.encoder.embed_globals[0].weight[:, columns] == 0).all()


def test_matching_alone_changes_nothing(folder):
    other = fresh()
    before = state_of(other, "")
    match_pretrained(other, folder, "all")
    assert equal(other, before)


def test_another_width_names_tensors_and_both_shapes_and_changes_nothing(folder):
    other = build_event_model("small", heads=HEADS)
    before = other.encoder.event_token.clone()
    with pytest.raises(CheckpointError) as caught:
        load_pretrained(other, folder)
    assert caught.value.exit_code == 4
    assert "event_token 24 instead of 64" in str(caught.value)
    assert torch.equal(before, other.encoder.event_token)


def test_an_encoder_with_other_parts_is_refused(folder):
    other = build_event_model("tiny", heads=HEADS, pair_features=False)
    with pytest.raises(CheckpointError, match="not in the network"):
        load_pretrained(other, folder)


def test_a_network_on_events_without_its_inputs_says_so(folder):
    other = fresh(choice=EXTRAS)
    load_pretrained(other, folder)
    plain = toy_table(4, 0, ("qcd",)).batch(np.arange(4))
    with pytest.raises(Exception, match="lack object columns") as caught:
        other.encoder(plain)
    assert caught.value.exit_code == 3


def test_the_report_tells_parts_and_shapes(folder, caplog):
    with caplog.at_level("DEBUG"):
        report = load_pretrained(fresh([SEARCH, ASSIGN]), folder, ("assign",))
    assert str(report) in caplog.text
    assert "loaded from" in str(report)
    assert "head assign (" in str(report)
    assert "left with its own values: head classify (" in str(report)
    lines = report.details().splitlines()
    assert "loaded encoder.event_token 24" in lines
    assert "kept heads.classify.layers.7.weight 2x96" in lines
    assert "unused heads.classify.layers.7.weight 10x96" in lines
    assert report.details() in caplog.text


def test_an_empty_part_of_a_report_reads_as_nothing():
    report = LoadReport("folder", {"encoder.norm.weight": (2,)}, {}, {}, "data")
    assert "left with its own values: nothing; of the file unused: nothing" in str(report)
