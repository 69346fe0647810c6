from __future__ import annotations

import pytest

from colliderfm.errors import ConfigError
from colliderfm.train.settings import FitResult, FitSettings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_updates", 0),
        ("validate_every", 0),
        ("log_every", 0),
        ("patience", -1),
        ("encoder_learning_rate", -1e-3),
        ("head_learning_rate", float("nan")),
        ("weight_decay", float("inf")),
        ("ema_decay", 1.0),
        ("clip_norm", -1.0),
        ("events_per_pass", -1),
        ("mode", "maximum"),
        ("precision", "fp16"),
        ("device", "gpu"),
    ],
)
def test_a_setting_out_of_range_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"training setting {name}"):
        FitSettings(**{"max_updates": 10, "validate_every": 5, name: value})


def test_only_settings_that_change_the_weights_are_fixed_on_resume() -> None:
    one = FitSettings(max_updates=10, validate_every=5, checkpoint_every=1, device="cpu")
    two = FitSettings(max_updates=10, validate_every=5, checkpoint_every=9)
    other = FitSettings(max_updates=11, validate_every=5)
    assert one.fixed_on_resume() == two.fixed_on_resume()
    assert one.fixed_on_resume() != other.fixed_on_resume()


def test_a_result_as_dict_leaves_the_history_out() -> None:
    result = FitResult(0.5, 7, 10, "cap", 1.5, history=[{"update": 10}])
    assert result.as_dict() == {
        "best_metric": 0.5,
        "best_update": 7,
        "updates": 10,
        "stopped": "cap",
        "seconds": 1.5,
        "resumed_from": 0,
    }
