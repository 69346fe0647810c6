"""The package as syntax trees: modules, what they import, and what a module needs in all."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PACKAGE = PROJECT / "src" / "colliderfm"


@dataclass(frozen=True)
class Import:
    """One imported module: dotted name, line, and how it is imported."""

    target: str
    line: int
    is_for_types: bool
    is_lazy: bool


@dataclass(frozen=True)
class Module:
    """One file of the package."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def layer(self) -> str:
        """The first name below ``colliderfm``; the package itself counts as ``cli``."""
        parts = self.name.split(".")
        top_level = ("__main__", "cli")
        return "cli" if len(parts) == 1 or parts[1] in top_level else parts[1]

    @property
    def place(self) -> str:
        """Path below the project, for messages."""
        return self.path.relative_to(PROJECT).as_posix()


@functools.cache
def modules() -> dict[str, Module]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
        found[name] = Module(name, path, tree)
    return found


@functools.cache
def imports_of(name: str) -> tuple[Import, ...]:
    """What a module imports anywhere in its file."""
    return tuple(_walk(modules()[name].tree, name, is_for_types=False, is_lazy=False))


def _walk(node: ast.AST, name: str, *, is_for_types: bool, is_lazy: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        for target in _targets(child, name):
            yield Import(target, child.lineno, is_for_types, is_lazy)  # type: ignore[attr-defined]
        inside_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
        inside_types = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        yield from _walk(
            child,
            name,
            is_for_types=is_for_types or inside_types,
            is_lazy=is_lazy or inside_function,
        )


def _targets(node: ast.AST, name: str) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    assert node.level == 0, f"{modules()[name].place}:{node.lineno} relative import"
    whole = str(node.module)
    return [
        f"{whole}.{alias.name}" if f"{whole}.{alias.name}" in modules() else whole
        for alias in node.names
    ]


def closure(name: str) -> set[str]:
    """Modules of the package that run when every function of a module runs."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current in seen or current not in modules():
            continue
        seen.add(current)
        waiting += [found.target for found in imports_of(current) if not found.is_for_types]
    return seen


def layer_of(target: str) -> str:
    """The first name below ``colliderfm`` of an imported module."""
    return modules()[target].layer if target in modules() else target.split(".")[1]
