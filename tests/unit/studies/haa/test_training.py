"""What a pretrained arm starts from, what of it is trained, and how fast."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from extra_columns import with_extras

from colliderfm.config.load import load_params
from colliderfm.config.schema import Params
from colliderfm.data.event_table import EventTable
from colliderfm.data.normalize import Normalizer
from colliderfm.data.toys import toy_table
from colliderfm.errors import CheckpointError, DataError
from colliderfm.models.build import build_event_model
from colliderfm.models.settings import AssignSettings, ClassifySettings
from colliderfm.models.weights import load_model, save_model
from colliderfm.studies.haa.data import HaaData, training_table
from colliderfm.studies.haa.training import (
    build_network,
    check_encoder,
    check_inputs,
    fit_settings,
    train_network,
)
from colliderfm.studies.protocol import Cell
from colliderfm.train.optim import build_optimizer
from colliderfm.train.protocols import SilentTracker

CELL = Cell("haa", "pretrained", 200, 0.1, 3)
SHORT = (
    "model.event.size=tiny",
    "studies.haa.max_updates=6",
    "studies.haa.max_epochs=0",
    "studies.haa.validate_every=3",
    "studies.haa.warmup_updates=1",
    "studies.haa.validation_events=60",
    "studies.haa.batch_size=32",
)
ARM = "studies.haa.pretrained"


def short_params(project: Path, *more: str) -> Params:
    return load_params(project, assignments=[*SHORT, *more])


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pretrained network with an assignment head like that of the study."""
    table = toy_table(200, 5, ("qcd", "tt", "haa_ma40"))
    torch.manual_seed(0)
    classes = tuple((name, (name,)) for name in ("qcd", "tt", "haa_ma40"))
    heads = [ClassifySettings(classes), AssignSettings(("a_bb",))]
    model = build_event_model("tiny", heads=heads, normalizer=Normalizer.fit(table))
    folder = tmp_path_factory.mktemp("encoder")
    save_model(folder, model, "")
    return folder


@pytest.fixture(scope="session")
def few(data: HaaData) -> HaaData:
    """Fewer test events; the training does not look at them."""
    return replace(data, test=data.test.subset(np.arange(10)))


def trained(params: Params, data: HaaData, encoder: Path, folder: Path):
    train = training_table(data, params.studies.haa, CELL.events, CELL.seed)
    return train_network(params, data, train, CELL, encoder, folder, SilentTracker())[0]


def encoder_state(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {k: v for k, v in model.state_dict().items() if k.startswith("encoder.")}


def test_a_frozen_body_is_bit_equal_after_training_and_the_heads_are_not(
    project: Path,
    few: HaaData,
    encoder: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    params = short_params(project, f"{ARM}.freeze=true")
    with caplog.at_level(logging.INFO):
        before = build_network(params, few, CELL, encoder)
    assert "the encoder is frozen" in caplog.text
    model = trained(params, few, encoder, tmp_path)
    body = encoder_state(load_model(encoder))
    assert all(torch.equal(value, body[name]) for name, value in encoder_state(model).items())
    heads = {k: v for k, v in before.state_dict().items() if k.startswith("heads.")}
    assert not all(torch.equal(model.state_dict()[k], v) for k, v in heads.items())


def test_a_body_that_is_not_frozen_moves(
    project: Path, few: HaaData, encoder: Path, tmp_path: Path
) -> None:
    body = encoder_state(load_model(encoder))
    model = trained(short_params(project), few, encoder, tmp_path)
    moved = [k for k, v in encoder_state(model).items() if not torch.equal(v, body[k])]
    statistics = {name for name in body if ".normalizer." in name}
    assert set(moved) == set(body) - statistics


@pytest.mark.parametrize("factor", [1.0, 0.1])
def test_each_rate_reaches_its_group(
    project: Path, few: HaaData, encoder: Path, factor: float
) -> None:
    params = short_params(project, f"{ARM}.encoder_rate_factor={factor}")
    arm = params.studies.haa.pretrained
    model = build_network(params, few, CELL, encoder)
    optimizer = build_optimizer(model, fit_settings(params, CELL, CELL.events))
    rates = {
        name: group["peak_lr"]
        for group in optimizer.param_groups
        for name in group["parameter_names"]
    }
    assert set(rates) == {name for name, _ in model.named_parameters()}
    for name, rate in rates.items():
        is_body = name.startswith("encoder.")
        assert rate == (arm.encoder_learning_rate * factor if is_body else arm.head_learning_rate)


def test_the_factor_is_for_the_pretrained_arm_only(project: Path) -> None:
    params = short_params(project, f"{ARM}.encoder_rate_factor=0.1")
    scratch = fit_settings(params, replace(CELL, init="scratch"), CELL.events)
    assert scratch.encoder_learning_rate == params.studies.haa.scratch.encoder_learning_rate


@pytest.mark.parametrize(
    ("n_events", "max_epochs", "patience_epochs", "cap", "patience"),
    [
        # 320 events are 10 updates of 32: both rules in updates are longer than those in passes.
        (320, 0, 0.0, 6, 8),
        (320, 2, 1.0, 20, 8),
        # 1601 events are 51 updates: a validation every 3 updates makes 17 of them.
        (1601, 2, 1.0, 102, 17),
        (1601, 0, 0.5, 6, 9),
    ],
)
def test_cap_and_patience_are_updates_or_passes_over_the_events_whichever_is_more(
    project: Path,
    n_events: int,
    max_epochs: int,
    patience_epochs: float,
    cap: int,
    patience: int,
) -> None:
    params = short_params(
        project,
        f"studies.haa.max_epochs={max_epochs}",
        f"studies.haa.patience_epochs={patience_epochs}",
    )
    settings = fit_settings(params, CELL, n_events)
    assert (settings.max_updates, settings.patience) == (cap, patience)


def test_defaults_give_the_tuned_rate_bit_by_bit(project: Path) -> None:
    params = load_params(project)
    assert fit_settings(params, CELL, CELL.events).encoder_learning_rate == 5.73e-4


@pytest.mark.parametrize("heads", ["[]", "[assign]"])
def test_the_named_heads_are_loaded(project: Path, few: HaaData, encoder: Path, heads: str) -> None:
    model = build_network(short_params(project, f"{ARM}.heads={heads}"), few, CELL, encoder)
    saved = load_model(encoder).heads["assign"].state_dict()
    found = model.heads["assign"].state_dict()
    assert all(torch.equal(v, saved[k]) for k, v in found.items()) == (heads == "[assign]")


def test_a_head_that_does_not_fit_is_refused_before_training(project: Path, encoder: Path) -> None:
    check_encoder(short_params(project), encoder)
    check_encoder(short_params(project, f"{ARM}.heads=[assign]"), encoder)
    with pytest.raises(CheckpointError, match="head classify"):
        check_encoder(short_params(project, f"{ARM}.heads=[classify]"), encoder)


@pytest.mark.parametrize(("choice", "said"), [("pretrained", "kept"), ("data", "measured")])
def test_the_scales_are_chosen_and_said(
    project: Path,
    few: HaaData,
    encoder: Path,
    choice: str,
    said: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO):
        model = build_network(
            short_params(project, f"{ARM}.normalizer={choice}"), few, CELL, encoder
        )
    assert f"normalizer {said}" in caplog.text
    own = Normalizer.fit(few.pool)
    kept = load_model(encoder).encoder.normalizer
    expected = kept if choice == "pretrained" else own
    for name, value in model.encoder.normalizer.state_dict().items():
        assert torch.equal(value, expected.state_dict()[name])


def enriched(data: HaaData) -> HaaData:
    def add(table: EventTable, seed: int) -> EventTable:
        return with_extras(table, seed)

    return replace(data, pool=add(data.pool, 0), validation=add(data.validation, 1))


def test_new_inputs_train_at_the_rate_of_the_heads_even_on_a_frozen_body(
    project: Path, few: HaaData, encoder: Path, tmp_path: Path
) -> None:
    names = "studies.haa.global_inputs=[met_gev, ht_gev, sphericity]"
    params = short_params(
        project, names, "studies.haa.object_extras=[ip3d_cm]", f"{ARM}.freeze=true"
    )
    data = enriched(few)
    check_inputs(data, params.studies.haa)
    check_encoder(params, encoder)
    settings = fit_settings(params, CELL, CELL.events)
    groups = build_optimizer(build_network(params, data, CELL, encoder), settings).param_groups
    assert {group["name"] for group in groups} == {"head"}
    model = trained(params, data, encoder, tmp_path)
    body = encoder_state(load_model(encoder))
    assert all(torch.equal(model.state_dict()[name], value) for name, value in body.items())
    assert model.encoder.object_extras.weight.abs().min() > 0
    assert model.encoder.global_extras.weight.abs().min() > 0
    assert "st_gev" in model.encoder.normalizer.choice.withheld_globals


@pytest.mark.parametrize(
    ("assignment", "name"),
    [("object_extras=[ip3d_mm]", "ip3d_mm"), ("global_inputs=[met_gev, spherocity]", "spherocity")],
)
def test_a_column_that_the_events_lack_is_named(
    project: Path, few: HaaData, assignment: str, name: str
) -> None:
    settings = short_params(project, f"studies.haa.{assignment}").studies.haa
    with pytest.raises(DataError) as caught:
        check_inputs(enriched(few), settings)
    assert str(caught.value.need).startswith(name)
