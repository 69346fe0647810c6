"""A recorded command leads back to its request."""

from __future__ import annotations

import pytest

from colliderfm.pipelines.finetune import FinetuneRequest, command_of
from colliderfm.pipelines.runs import request_of
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
    assert request_of(command_of(request_, 2)) == request_


def test_a_command_repeats_encoder_and_data() -> None:
    request = FinetuneRequest(
        "haa", "pretrained", encoder="models:/event-encoder/2", events=300, data="corpora/my set"
    )
    assert request_of(command_of(request, 2)) == request


def test_a_command_can_be_typed() -> None:
    request = FinetuneRequest("haa", "scratch", events=300, seed=7)
    assert command_of(request, 2) == (
        "colliderfm finetune --study haa --init scratch --events 300 --seed 7"
        " --set compute.threads=2"
    )
