"""What ``evaluate`` can be asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from colliderfm.config.load import load_params
from colliderfm.errors import ConfigError
from colliderfm.pipelines.evaluate import EvaluateRequest, evaluate


@pytest.mark.parametrize(
    "request_",
    [
        EvaluateRequest(),
        EvaluateRequest(study="haa"),
        EvaluateRequest(study="haa", run_id="a", model="b"),
        EvaluateRequest(study="haa", encoder="encoders/event-encoder"),
        EvaluateRequest(model="encoders/event-encoder"),
    ],
)
def test_it_must_be_clear_what_to_evaluate(project: Path, request_: EvaluateRequest) -> None:
    with pytest.raises(ConfigError, match="a model of a study, or an encoder"):
        evaluate(load_params(project), request_)
