"""A recorded command leads back to its request."""

from __future__ import annotations

from pathlib import Path

import pytest

from colliderfm.config.load import load_params
from colliderfm.pipelines.cell_command import (
    FinetuneRequest,
    changed_settings,
    command_of,
    params_of,
    request_of,
    settings_of_cell,
)
from colliderfm.studies import load_study
from colliderfm.studies.protocol import Cell


def cell_of(request: FinetuneRequest) -> Cell:
    """The cell a request means, as far as its command needs it."""
    return Cell(request.study, request.init, 100, request.fraction, request.seed)


@pytest.mark.parametrize(
    "request_",
    [
        FinetuneRequest("haa", "scratch", events=300, seed=7),
        FinetuneRequest("haa", "pretrained", fraction=0.25, seed=0),
        FinetuneRequest("haa", "xgboost", fraction=1.0, seed=3),
    ],
)
def test_a_command_means_the_request_it_came_from(request_: FinetuneRequest) -> None:
    assert request_of(command_of(request_, ["compute.threads=2"])) == request_


def test_a_command_repeats_encoder_and_data() -> None:
    request = FinetuneRequest(
        "haa", "pretrained", encoder="models:/event-encoder/2", events=300, data="corpora/my set"
    )
    assert request_of(command_of(request, ["compute.threads=2"])) == request


def test_a_command_can_be_typed() -> None:
    request = FinetuneRequest("haa", "scratch", events=300, seed=7)
    assert command_of(request, ["compute.threads=2"]) == (
        "colliderfm finetune --study haa --init scratch --events 300 --seed 7"
        " --set compute.threads=2"
    )


def test_a_command_holds_all_that_decides_its_cell_and_no_more(project: Path) -> None:
    changes = [
        "studies.haa.set=mine",
        "studies.haa.signals=[tth]",
        "studies.haa.pretrained.encoder_rate_factor=0.00001",
        "studies.haa.scratch.head_learning_rate=1.0",
        "studies.haa.comparison.seeds=2",
        "model.event.dropout=0.25",
        "model.spectrum.dropout=0.25",
    ]
    usual, params, study = (
        load_params(project),
        load_params(project, (), changes),
        load_study("haa"),
    )
    request = FinetuneRequest("haa", "pretrained", events=100, seed=0)
    cell = cell_of(request)
    settings = changed_settings(params, study, cell)
    assert settings == [
        'studies.haa.signals=["tth"]',
        "studies.haa.pretrained.encoder_rate_factor=1.0e-05",
        'studies.haa.set="mine"',
        "model.event.dropout=0.25",
        "compute.threads=1",
    ]
    again = params_of(usual, command_of(request, settings))
    assert settings_of_cell(again, study, cell) == settings_of_cell(params, study, cell)
    assert again.model.event == params.model.event
    assert changed_settings(usual, study, cell) == ["compute.threads=1"]
