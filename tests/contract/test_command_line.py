"""The interface people type: frozen, explained, quick to refuse, never a traceback."""

from __future__ import annotations

import json
import resource
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import commands, options, parse

SURFACE = Path(__file__).with_name("command_line.json")
COMMANDS = sorted(commands())
# A terminal of 80 columns less the margins of the help text.
WIDTH = 76


def surface() -> dict[str, dict[str, object]]:
    """Commands with their options and defaults, as JSON holds them."""
    return {
        words: {
            name: "required" if parameter.required else parameter.default
            for name, parameter in sorted(options(command).items())
        }
        for words, command in sorted(commands().items())
    }


def typed(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does."""
    command = [sys.executable, "-m", "colliderfm", *words]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, timeout=120
    )


def test_commands_and_options_are_the_recorded_ones() -> None:
    """A change is a decision: rewrite command_line.json, the docs and the changelog with it."""
    recorded = json.loads(SURFACE.read_text(encoding="utf-8"))
    assert json.loads(json.dumps(surface())) == recorded


@pytest.mark.parametrize("words", COMMANDS)
def test_help_ends_with_an_example_that_parses(words: str) -> None:
    example = str(commands()[words].epilog or "")
    assert example.startswith(f"Example: colliderfm {words}"), example
    line = shlex.split(example.removeprefix("Example: colliderfm "))
    assert parse(line) is not None
    assert len(example) <= WIDTH, "longer examples are wrapped and cannot be copied"


@pytest.mark.parametrize("words", COMMANDS)
def test_every_option_is_explained(words: str) -> None:
    assert commands()[words].help
    for name, parameter in options(commands()[words]).items():
        assert parameter.help, f"{words} {name}"


def test_all_commands_that_compute_take_overlays_and_assignments() -> None:
    needs_none = {"ui", "doctor", "runs list", "runs reap", "registry list", "data verify"}
    for words, command in commands().items():
        if words not in needs_none:
            assert {"--config", "--set"} <= set(options(command)), words


def test_an_unknown_study_is_refused_at_once(project_copy: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = typed("finetune", "--study", "hab", cwd=project_copy)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert result.returncode == 2
    assert "closest: haa" in result.stderr
    assert "Traceback" not in result.stderr
    assert used_s < 3.0
    assert not (project_copy / "mlflow.db").exists()


def test_an_unknown_study_lists_what_there_is(project_copy: Path) -> None:
    result = typed("finetune", "--study", "nope", cwd=project_copy)
    assert result.returncode == 2
    assert result.stderr.splitlines()[0] == "configuration error: unknown study"
    assert "got:  nope" in result.stderr
    assert "need: one of" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_unknown_option_is_refused(project_copy: Path) -> None:
    result = typed("finetune", "--studdy", "haa", cwd=project_copy)
    assert result.returncode == 2
    assert "--study" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_unknown_command_is_refused(project_copy: Path) -> None:
    result = typed("finetun", cwd=project_copy)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr


def test_a_missing_option_is_named(project_copy: Path) -> None:
    result = typed("finetune", cwd=project_copy)
    assert result.returncode == 2
    assert "--study" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_typo_in_params_names_the_closest_key(project_copy: Path) -> None:
    path = project_copy / "params.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("weight_decay:", "weight_dcay:", 1), encoding="utf-8")
    result = typed("finetune", "--study", "haa", cwd=project_copy)
    assert result.returncode == 2
    assert "weight_dcay (unknown key)" in result.stderr
    assert "closest: weight_decay" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (project_copy / "mlflow.db").exists()


def test_a_wrong_value_is_refused_by_check(project_copy: Path) -> None:
    result = typed("config", "check", "--set", "model.event.size=smal1", cwd=project_copy)
    assert result.returncode == 2
    assert "closest: small" in result.stderr


def test_debug_shows_the_traceback(project_copy: Path) -> None:
    result = typed("finetune", "--study", "nope", "--debug", cwd=project_copy)
    assert result.returncode != 0
    assert "Traceback" in result.stderr


def test_outside_a_project_the_fix_is_named(tmp_path: Path) -> None:
    result = typed("config", "check", cwd=tmp_path)
    assert result.returncode == 2
    assert "params.yaml" in result.stderr
    assert "fix:" in result.stderr


def test_version_of_params_is_printed(project_copy: Path) -> None:
    result = typed("config", "check", cwd=project_copy)
    assert result.returncode == 0
    assert "parameters are valid" in result.stdout
    assert result.stderr == ""
