"""MLproject entry points are the commands, and their parameters the options."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
import yaml
from command_line import commands, options, parse
from source_tree import PROJECT

ENTRY_POINTS: dict[str, Any] = yaml.safe_load((PROJECT / "MLproject").read_text(encoding="utf-8"))[
    "entry_points"
]
VERBS = {"simulate", "pretrain", "finetune", "evaluate", "sweep", "compare", "promote", "report"}


def option_of(entry: str, parameter: str) -> Any:
    """The command-line option behind a parameter."""
    return options(commands()["finetune" if entry == "main" else entry])[f"--{parameter}"]


def test_every_verb_is_an_entry_point() -> None:
    assert set(ENTRY_POINTS) >= VERBS
    assert set(ENTRY_POINTS) - {"main"} <= set(commands())


def test_the_main_entry_point_is_finetune() -> None:
    assert ENTRY_POINTS["main"] == ENTRY_POINTS["finetune"]


@pytest.mark.parametrize("entry", ENTRY_POINTS)
def test_parameters_are_options_with_the_same_defaults(entry: str) -> None:
    for name, described in ENTRY_POINTS[entry]["parameters"].items():
        option = option_of(entry, name)
        if "default" not in described:
            continue
        default = option.default
        given = described["default"]
        if option.multiple:
            assert not default, name
            assert given == "", name
        else:
            assert given == default, f"{entry} {name}: {given!r} is not {default!r}"


@pytest.mark.parametrize("entry", ENTRY_POINTS)
def test_a_required_option_has_no_default(entry: str) -> None:
    command = commands()["finetune" if entry == "main" else entry]
    for name, option in options(command).items():
        described = ENTRY_POINTS[entry]["parameters"].get(name.removeprefix("--"))
        if option.required:
            assert described is not None, name
            assert "default" not in described, name


@pytest.mark.parametrize("entry", ENTRY_POINTS)
def test_the_command_line_accepts_what_an_entry_point_starts(entry: str) -> None:
    parameters = ENTRY_POINTS[entry]["parameters"]
    text = ENTRY_POINTS[entry]["command"]
    assert set(re.findall(r"\{(\w+)\}", text)) == set(parameters)
    values = {
        name: shlex.quote(str(described.get("default", "word")))
        for name, described in parameters.items()
    }
    words = shlex.split(text.format(**values))
    assert words[:3] == ["python", "-m", "colliderfm"]
    assert parse(words[3:]) is not None
