"""Print parameters with their type, and the comment that stands above each key in params.yaml."""

from __future__ import annotations

from typing import Any

from colliderfm.config.flatten import flatten
from colliderfm.config.load import unknown_choice
from colliderfm.config.project import project_root
from colliderfm.config.schema import Params


def describe(params: Params, key: str = "") -> str:
    """Return the parameters below a key, one per line, with meaning.

    Parameters
    ----------
    params : Params
        The resolved tree.
    key : str
        Section or single key, dotted; empty means everything.

    Raises
    ------
    ConfigError
        If there is no such key; names the closest one.
    """
    leaves = flatten(params)
    chosen = {
        name: value
        for name, value in leaves.items()
        if not key or name == key or name.startswith(f"{key}.")
    }
    if not chosen:
        sections = {".".join(name.split(".")[:i]) for name in leaves for i in range(1, 6)}
        raise unknown_choice("parameter", key, sorted(sections | set(leaves)))
    comments = read_comments()
    return "\n".join(_line(name, value, comments.get(name, "")) for name, value in chosen.items())


def read_comments() -> dict[str, str]:
    """Return the comment above each key of params.yaml under its dotted name."""
    lines = (project_root() / "params.yaml").read_text(encoding="utf-8").splitlines()
    comments: dict[str, str] = {}
    stack: list[tuple[int, str]] = []
    pending: list[str] = []
    for line in lines:
        text = line.strip()
        if text.startswith("#"):
            pending.append(text.lstrip("# "))
        elif ":" in text:
            indent = len(line) - len(line.lstrip())
            stack = [(depth, name) for depth, name in stack if depth < indent]
            stack.append((indent, text.split(":")[0]))
            comments[".".join(name for _, name in stack)] = " ".join(pending)
            pending = []
        else:
            pending = []
    return comments


def _line(name: str, value: Any, comment: str) -> str:
    return f"{name} = {value}" + (f"    # {comment}" if comment else "")
