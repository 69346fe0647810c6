"""Weights and checkpoints are read without running code: no pickle anywhere."""

from __future__ import annotations

import ast

from source_tree import imports_of, modules

RUNS_CODE_ON_READING = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


def test_nothing_imports_pickle() -> None:
    wrong = [
        f"{module.place}:{found.line}"
        for module in modules().values()
        for found in imports_of(module.name)
        if found.target.split(".")[0] in RUNS_CODE_ON_READING
    ]
    assert not wrong


def test_nothing_calls_torch_load_or_save() -> None:
    wrong = [
        f"{module.place}:{node.lineno} {ast.unparse(node)}"
        for module in modules().values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and node.attr in ("load", "save")
        if isinstance(node.value, ast.Name) and node.value.id == "torch"
    ]
    assert not wrong


def test_nothing_allows_pickled_arrays() -> None:
    wrong = [
        f"{module.place}:{node.value.lineno}"
        for module in modules().values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle"
        if not (isinstance(node.value, ast.Constant) and node.value.value is False)
    ]
    assert not wrong


def test_nothing_prints() -> None:
    wrong = [
        f"{module.place}:{node.lineno}"
        for module in modules().values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]
    assert not wrong
