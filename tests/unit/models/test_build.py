"""Sizes, settings and what they refuse."""

from __future__ import annotations

import pytest
import torch
from toy_heads import HEADS

from colliderfm.errors import ConfigError
from colliderfm.models.build import build_event_model, class_of_process
from colliderfm.models.settings import AssignSettings, ClassifySettings
from colliderfm.models.sizes import encoder_settings


@pytest.mark.parametrize(
    ("size", "low", "high"),
    [("tiny", 2e4, 5e4), ("small", 0.7e6, 1.0e6), ("base", 18e6, 24e6), ("large", 90e6, 115e6)],
)
def test_sizes_have_the_promised_number_of_parameters(size, low, high):
    with torch.device("meta"):
        model = build_event_model(size, heads=HEADS)
    assert low < sum(parameter.numel() for parameter in model.parameters()) < high


def test_an_unknown_size_names_the_closest():
    with pytest.raises(ConfigError, match="write small"):
        encoder_settings("smal")


def test_an_unknown_override_is_refused():
    with pytest.raises(ConfigError, match="n_blocks"):
        encoder_settings("tiny", n_block=3)


def test_heads_must_divide_the_width():
    with pytest.raises(ConfigError, match="divides the width"):
        encoder_settings("tiny", n_heads=5)


def test_two_heads_with_one_name_are_refused():
    with pytest.raises(ConfigError, match="share a name"):
        build_event_model("tiny", heads=[HEADS[0], HEADS[0]])


def test_a_decay_without_daughters_to_assign_is_refused():
    with pytest.raises(ConfigError, match="W_l"):
        build_event_model("tiny", heads=[AssignSettings(("W_l",))])


@pytest.mark.parametrize(
    "classes",
    [
        [("only", ["tt"])],
        [("a", ["tt"]), ("b", ["nope"])],
        [("a", ["tt"]), ("b", ["tt"])],
    ],
)
def test_impossible_classes_are_refused(classes):
    with pytest.raises(ConfigError):
        class_of_process(classes)


def test_class_of_process_marks_other_processes():
    result = class_of_process([("background", ["qcd", "tt"]), ("signal", ["tth"])])
    assert result[:4] == [0, 0, 1, -1]


def test_class_weights_reach_the_loss(batch):
    classes = HEADS[0].classes
    heavy = ClassifySettings(classes, class_weights=(3.0,) * 10)
    torch.manual_seed(0)
    plain = build_event_model("tiny", heads=[HEADS[0]]).eval()
    torch.manual_seed(0)
    weighted = build_event_model("tiny", heads=[heavy]).eval()
    first = plain.losses(plain(batch), batch)["classify"]
    second = weighted.losses(weighted(batch), batch)["classify"]
    torch.testing.assert_close(3 * first, second)
