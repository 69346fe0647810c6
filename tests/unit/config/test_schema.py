"""Rules between keys, and that nobody changes a checked tree."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from colliderfm.config.load import load_params
from colliderfm.errors import ConfigError


@pytest.mark.parametrize(
    ("assignments", "reason"),
    [
        (["compute.device=cpu", "compute.precision=bf16"], "needs a GPU"),
        (["compute.events_per_pass=-1"], "greater than or equal to 0"),
        (["pretrain.event.assign_weight=0"], "needs assign_weight > 0"),
        (["pretrain.event.processes=[tt, tt]"], "named once"),
        (["studies.haa.warmup_updates=1500"], "warmup_updates must be smaller"),
        (["studies.haa.backgrounds=[haa_ma30, qcd_4b]"], "both signal and background"),
        (["studies.haa.comparison.events=[20]"], "fewer signal events"),
        (["studies.haa.sweep.encoder_learning_rate=[0.1, 0.01]"], "0 < low < high"),
        (["studies.haa.sweep.head_learning_rate=[0.0, 0.01]"], "0 < low < high"),
        (["studies.haa.pretrained.heads=[assign, assign]"], "named once"),
        (["studies.haa.pretrained.encoder_rate_factor=0"], "greater than 0"),
        (["studies.haa.pretrained.freeze=1"], "valid boolean"),
        (["studies.haa.pretrained.normalizer=both"], "one of pretrained, data"),
        (["studies.haa.global_inputs=[met_gev, met_gev]"], "named once"),
    ],
)
def test_impossible_combinations_are_refused(
    project: Path, assignments: list[str], reason: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_params(project, assignments=assignments)
    assert reason in str(caught.value.need)


@pytest.mark.parametrize(
    "assignments",
    [
        ["compute.device=cuda", "compute.precision=bf16"],
        ["pretrain.event.variant=cls", "pretrain.event.assign_weight=0"],
        ["studies.haa.comparison.events=[30, 0]"],
        ["studies.haa.assign_weight=0"],
    ],
)
def test_possible_combinations_are_accepted(project: Path, assignments: list[str]) -> None:
    assert load_params(project, assignments=assignments)


def test_a_checked_tree_cannot_be_changed(project: Path) -> None:
    params = load_params(project)
    with pytest.raises(ValidationError, match="frozen"):
        params.compute.threads = 7  # type: ignore[misc]


def test_a_tree_can_be_hashed_and_compared(project: Path) -> None:
    first, second = load_params(project), load_params(project)
    assert first == second
    assert hash(first) == hash(second)


def test_learning_rates_follow_the_arm(project: Path) -> None:
    haa = load_params(project).studies.haa
    assert haa.learning_rates("scratch") == haa.scratch
    assert haa.learning_rates("pretrained") == haa.pretrained


def test_a_factor_slows_the_pretrained_body_alone(project: Path) -> None:
    factor = "studies.haa.pretrained.encoder_rate_factor=0.1"
    haa = load_params(project, assignments=[factor]).studies.haa
    assert haa.pretrained.encoder_rate == 0.1 * haa.pretrained.encoder_learning_rate
    assert haa.scratch.encoder_rate == haa.scratch.encoder_learning_rate
    default = load_params(project).studies.haa.pretrained
    assert default.encoder_rate == default.encoder_learning_rate


def test_a_tree_survives_json(project: Path) -> None:
    params = load_params(project)
    assert type(params).model_validate_json(params.model_dump_json()) == params
