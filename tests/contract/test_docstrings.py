"""Every public name says what it is."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from source_tree import Module, modules

Documented = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def public_names(node: ast.Module | ast.ClassDef) -> Iterator[Documented]:
    """Public functions, classes and methods of a module; private ones and magic methods are not."""
    for child in node.body:
        if isinstance(child, Documented) and not child.name.startswith("_"):
            yield child
            if isinstance(child, ast.ClassDef):
                yield from public_names(child)


def place(module: Module, node: Documented) -> str:
    """File, line and name, for messages."""
    return f"{module.place}:{node.lineno} {node.name}"


def test_modules_say_what_they_hold() -> None:
    assert not [module.place for module in modules().values() if not ast.get_docstring(module.tree)]


def test_public_names_have_a_docstring() -> None:
    wrong = [
        place(module, node)
        for module in modules().values()
        for node in public_names(module.tree)
        if not ast.get_docstring(node)
    ]
    assert not wrong, "\n".join(wrong)


def test_docstrings_open_with_one_sentence() -> None:
    wrong = [
        place(module, node)
        for module in modules().values()
        for node in public_names(module.tree)
        if (text := ast.get_docstring(node))
        and not text.split("\n\n")[0].replace("``", "").rstrip().endswith((".", ":"))
    ]
    assert not wrong, "\n".join(wrong)
