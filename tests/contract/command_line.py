"""The command line as data: every command with its options and defaults."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer.main

from colliderfm.cli import app


def commands() -> dict[str, Any]:
    """Every command that can be typed, by its words, e.g. ``config show``."""
    return dict(_walk(typer.main.get_command(app), ""))


def _walk(command: Any, words: str) -> Iterator[tuple[str, Any]]:
    below = getattr(command, "commands", None)
    if below is None:
        yield words, command
        return
    for name, child in below.items():
        yield from _walk(child, f"{words} {name}".strip())


def options(command: Any) -> dict[str, Any]:
    """Options and arguments of a command; options with ``--``, arguments in capitals."""
    found = {}
    for parameter in command.params:
        is_option = parameter.param_type_name == "option"
        name = max(parameter.opts, key=len) if is_option else str(parameter.name).upper()
        found[name] = parameter
    found.pop("--help", None)
    return found


def parse(line: list[str]) -> dict[str, Any]:
    """Parse words after ``colliderfm`` as typed, without running anything.

    Raises
    ------
    click.ClickException
        If the command line refuses them.
    """
    known = commands()
    words = " ".join(line[:2]) if " ".join(line[:2]) in known else line[0]
    rest = line[len(words.split()) :]
    context = known[words].make_context(words, list(rest))
    return dict(context.params)
