"""A digest of the code that decides a number, blind to comments and docstrings.

It is part of a cell's key: results made by other code are made again, a mended comment costs nothing.
"""

from __future__ import annotations

import ast
import functools
import hashlib
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


@functools.lru_cache(maxsize=16)
def code_digest(modules: tuple[str, ...]) -> str:
    """Return the sha256 over the syntax trees of some modules and packages.

    Parameters
    ----------
    modules : tuple of str
        Dotted names below ``colliderfm``; a package stands for all of its modules.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for module in sorted(modules):
        for path in _files(PACKAGE / module.replace(".", "/")):
            tree = _without_docstrings(ast.parse(path.read_text(encoding="utf-8")))
            digest.update(f"{path.relative_to(PACKAGE)}\n{ast.dump(tree)}\n".encode())
    return digest.hexdigest()


def _files(place: Path) -> Iterator[Path]:
    single = place.with_suffix(".py")
    yield from [single] if single.is_file() else sorted(place.rglob("*.py"))


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            is_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
            if is_text and isinstance(first.value.value, str):  # type: ignore[union-attr]
                node.body = node.body[1:]
    return tree
