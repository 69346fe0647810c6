"""Adding a study touches its folder, its schema section, params.yaml and dvc.yaml; nothing else."""

from __future__ import annotations

import ast
import re

import pytest
import yaml
from source_tree import PROJECT, Module, modules

from colliderfm.studies import STUDIES

# Event sets carry the name of the study that reads them, so what makes them names it as well.
# A study whose theory is of use on its own has commands of its own.
HAS_COMMANDS = {"smeft"}
MAKES_EVENT_SETS = ("colliderfm.simulation.cards", "colliderfm.simulation.sets")


def is_its_place(module: Module, study: str) -> bool:
    """Whether a module may name the study."""
    own = f"colliderfm.studies.{study}"
    if module.name == "colliderfm.cli" and study in HAS_COMMANDS:
        return True
    inside = module.name == own or module.name.startswith(f"{own}.")
    return inside or module.name in ("colliderfm.config.schema", *MAKES_EVENT_SETS)


def words_in_code(tree: ast.Module) -> list[tuple[int, str]]:
    """Identifiers and texts with their lines, without docstrings and examples of ``--help``."""
    skipped = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            skipped.add(node.value)
        if isinstance(node, ast.keyword) and node.arg == "epilog":
            skipped.update(ast.walk(node.value))
    found = []
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append((node.lineno, node.value))
        elif isinstance(node, ast.Name):
            found.append((node.lineno, node.id))
        elif isinstance(node, ast.Attribute):
            found.append((node.lineno, node.attr))
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.append((node.lineno, node.name))
        elif isinstance(node, ast.ImportFrom):
            found.append((node.lineno, str(node.module)))
    return found


@pytest.mark.parametrize("study", STUDIES)
def test_code_names_a_study_in_its_own_places_only(study: str) -> None:
    # Processes such as haa_ma30 belong to the data format, not to a study.
    pattern = re.compile(rf"\b{study}\b|\b{study}_(?!ma\d)|_{study}\b|{study.capitalize()}")
    wrong = [
        f"{module.place}:{line} {word!r}"
        for module in modules().values()
        if not is_its_place(module, study)
        for line, word in words_in_code(module.tree)
        if pattern.search(word)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("study", STUDIES)
def test_a_study_is_one_word_everywhere(study: str) -> None:
    params = yaml.safe_load((PROJECT / "params.yaml").read_text(encoding="utf-8"))
    stages = yaml.safe_load((PROJECT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert study in params["studies"]
    assert f"colliderfm.studies.{study}.study" in modules()
    for verb in ("compare", "report"):
        assert study in stages[verb]["foreach"]
