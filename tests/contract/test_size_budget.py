"""Small is a feature: no file, function or argument list grows without notice."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from source_tree import Module, modules

FORBIDDEN_NAMES = {"utils", "helpers", "common", "misc"}
MAX_FILE_LINES, USUAL_FILE_LINES = 400, 280
MAX_FUNCTION_LINES, USUAL_FUNCTION_LINES = 80, 45
MAX_PARAMETERS = 8


def functions() -> Iterator[tuple[Module, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Every function and method of the package."""
    for module in modules().values():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield module, node


def lines_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from ``def`` to the end, docstring included."""
    return int(node.end_lineno or node.lineno) - node.lineno + 1


def test_no_file_is_long() -> None:
    lengths = {
        module.place: len(module.path.read_text(encoding="utf-8").splitlines())
        for module in modules().values()
    }
    assert not {place: n for place, n in lengths.items() if n > MAX_FILE_LINES}
    long = {place: n for place, n in lengths.items() if n > USUAL_FILE_LINES}
    assert len(long) <= 0.1 * len(lengths), long


def test_no_function_is_long() -> None:
    lengths = {f"{module.place}:{node.lineno}": lines_of(node) for module, node in functions()}
    assert not {place: n for place, n in lengths.items() if n > MAX_FUNCTION_LINES}
    long = {place: n for place, n in lengths.items() if n > USUAL_FUNCTION_LINES}
    assert len(long) <= 0.1 * len(lengths), long


def test_no_function_takes_many_parameters() -> None:
    wrong = {}
    for module, node in functions():
        if module.layer == "cli":
            continue  # each parameter of a command is one of its options
        arguments = node.args
        names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
        count = len([name for name in names if name not in ("self", "cls")])
        if count > MAX_PARAMETERS:
            wrong[f"{module.place}:{node.lineno} {node.name}"] = count
    assert not wrong


def test_a_command_only_parses_and_prints() -> None:
    """At most 15 lines below the signature of each command."""
    wrong = {}
    for module, node in functions():
        if module.name == "colliderfm.cli" and any(
            isinstance(word, ast.Call) and "command" in ast.unparse(word.func)
            for word in node.decorator_list
        ):
            body = int(node.end_lineno or 0) - node.body[0].lineno + 1
            if body > 15:
                wrong[f"{module.place}:{node.lineno} {node.name}"] = body
    assert not wrong


def test_every_file_has_a_telling_name() -> None:
    assert not [name for name in modules() if name.split(".")[-1] in FORBIDDEN_NAMES]
