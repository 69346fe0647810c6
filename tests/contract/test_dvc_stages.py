"""dvc.yaml: commands parse, parameters exist, dependencies cover the code that runs."""

from __future__ import annotations

import re
import shlex
from pathlib import PurePosixPath
from typing import Any

import pytest
import yaml
from command_line import parse
from source_tree import PROJECT, closure, modules

# Code that decides how a result is stored or asked for, never what it is.
NOT_IN_A_RESULT = {"cli", "config", "errors", "tracking"}
INTERFACES = {"colliderfm.studies.protocol"}
# Stages whose outs hold figures.
DRAWS = {"pretrain", "report"}
MADE_BY_NO_STAGE = ("data", "starter")


def stages() -> dict[str, dict[str, Any]]:
    """Every stage of a matrix or a list written out, by ``verb@item``."""
    content = yaml.safe_load((PROJECT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    found = {}
    for verb, stage in content.items():
        if "foreach" in stage:
            for key, items in stage["foreach"].items():
                values = {"key": key} | {f"item.{name}": value for name, value in items.items()}
                found[f"{verb}@{key}"] = filled(stage["do"], values)
            continue
        for name, items in stage["matrix"].items():
            found |= {f"{verb}@{item}": filled(stage, {f"item.{name}": item}) for item in items}
    return found


def filled(value: Any, items: dict[str, str]) -> Any:
    """A stage with its ``${item.…}`` replaced."""
    if isinstance(value, dict):
        return {filled(key, items): filled(inner, items) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, items) for inner in value]
    if isinstance(value, str):
        return re.sub(r"\$\{([\w.]+)\}", lambda match: items[match.group(1)], value)
    return value


def paths(stage: dict[str, Any], *kinds: str) -> list[str]:
    """Paths of some kinds, with or without options behind them."""
    entries = [entry for kind in kinds for entry in stage.get(kind, [])]
    return [next(iter(entry)) if isinstance(entry, dict) else entry for entry in entries]


STAGES = stages()
OUTS = {path for stage in STAGES.values() for path in paths(stage, "outs", "metrics", "plots")}


def needed_modules(name: str) -> set[str]:
    """Modules whose code a stage runs; studies and families are found by name at run time."""
    verb, _, item = name.partition("@")
    needed = closure(f"colliderfm.pipelines.{verb}")
    if verb in ("compare", "report"):
        return needed | closure(f"colliderfm.studies.{item}.study")
    if verb in ("pretrain", "promote"):
        return needed | closure(f"colliderfm.pipelines.pretrain_{item}.steps")
    return needed


@pytest.mark.parametrize("name", STAGES)
def test_the_command_line_accepts_the_command(name: str) -> None:
    words = shlex.split(STAGES[name]["cmd"])
    assert words[0] == "colliderfm"
    assert words[1] == name.partition("@")[0]
    assert parse(words[1:]) is not None


@pytest.mark.parametrize("name", STAGES)
def test_parameters_of_a_stage_exist(name: str) -> None:
    tree = yaml.safe_load((PROJECT / "params.yaml").read_text(encoding="utf-8"))
    for key in STAGES[name].get("params", []):
        section = tree
        for part in key.split("."):
            assert part in section, key
            section = section[part]


@pytest.mark.parametrize("name", STAGES)
def test_dependencies_exist_or_are_made(name: str) -> None:
    for path in paths(STAGES[name], "deps"):
        known = path in OUTS or path.split("/")[0] in MADE_BY_NO_STAGE
        assert known or (PROJECT / path).exists(), path


@pytest.mark.parametrize("name", STAGES)
def test_outs_stand_where_git_does_not_look_or_are_kept_by_it(name: str) -> None:
    for path in paths(STAGES[name], "outs"):
        assert path.split("/")[0] in ("corpora", "outputs", "encoders", "reports"), path
        assert not path.startswith("data/"), path


def dependencies(name: str) -> set[PurePosixPath]:
    """Paths a stage depends on, also through the outs of the stages before it."""
    own = set(paths(STAGES[name], "deps"))
    before = {
        other
        for other, stage in STAGES.items()
        if own & set(paths(stage, "outs")) and other != name
    }
    return {PurePosixPath(path) for path in own}.union(*(dependencies(other) for other in before))


def decides_a_result(needed: str, verb: str) -> bool:
    """Whether the code of a module can change what a stage writes."""
    module = modules()[needed]
    if module.layer in NOT_IN_A_RESULT or needed in INTERFACES:
        return False
    if module.layer == "plots":
        return verb in DRAWS
    if module.layer == "pipelines":
        is_family = needed.startswith("colliderfm.pipelines.pretrain_") and verb == "pretrain"
        return is_family or needed == f"colliderfm.pipelines.{verb}"
    return module.path.name != "__init__.py"


@pytest.mark.parametrize("name", STAGES)
def test_dependencies_cover_the_code_that_runs(name: str) -> None:
    covered = dependencies(name)
    missing = set()
    for needed in needed_modules(name):
        place = PurePosixPath(modules()[needed].place)
        is_covered = any(path == place or path in place.parents for path in covered)
        if decides_a_result(needed, name.partition("@")[0]) and not is_covered:
            missing.add("/".join(place.parts[:3]))
    assert not missing, f"{name} lacks deps: {sorted(missing)}"


def test_a_study_reruns_for_its_own_section_only() -> None:
    for name, stage in STAGES.items():
        item = name.partition("@")[2]
        for key in stage.get("params", []):
            assert key != "studies", name
            if key.startswith("studies."):
                assert key.split(".")[1] == item, name


def test_only_one_stage_makes_a_path() -> None:
    made = [path for stage in STAGES.values() for path in paths(stage, "outs", "metrics", "plots")]
    assert len(made) == len(set(made))
    for path in made:
        inside = [other for other in made if other != path and path.startswith(f"{other}/")]
        assert not inside, f"{path} lies inside {inside}"
