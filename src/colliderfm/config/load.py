"""Read params.yaml, lay overlays and ``--set`` options over it, and explain what is wrong.

Order: params.yaml, then each ``--config`` file, then each ``--set a.b=c``. A wrong key or value is a
``ConfigError`` that names the file, the key and the closest allowed word.
"""

from __future__ import annotations

import difflib
import json
import types
import typing
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from colliderfm.config.schema import Params
from colliderfm.errors import ConfigError

PARAMS_FILE = "params.yaml"


def load_params(
    root: Path | str = ".",
    overlays: Sequence[Path | str] = (),
    assignments: Sequence[str] = (),
) -> Params:
    """Return the checked parameters of a project.

    Parameters
    ----------
    root : Path or str
        Folder that holds params.yaml.
    overlays : sequence of Path or str
        YAML files with a part of the tree; later ones win.
    assignments : sequence of str
        ``a.b=c`` with c in YAML spelling; they win over the files.

    Returns
    -------
    Params

    Raises
    ------
    ConfigError
        If a file is missing or is not YAML, or a key or value is not allowed.
    """
    path = Path(root) / PARAMS_FILE
    tree = read_yaml(path)
    source = str(path)
    for overlay in overlays:
        tree = _merged(tree, read_yaml(Path(overlay)))
        source = str(overlay)
    for text in assignments:
        _assign(tree, text)
        source = "--set"
    return validate(tree, source)


def with_assignments(params: Params, assignments: Sequence[str]) -> Params:
    """Return the parameters with ``a.b=c`` laid over them, as ``load_params`` does.

    Raises
    ------
    ConfigError
        If a key or value is not allowed.
    """
    tree = params.model_dump(mode="json")
    for text in assignments:
        _assign(tree, text)
    return validate(tree, "--set")


def assignment(key: str, value: Any) -> str:
    """Return the ``a.b=c`` that ``--set`` reads back as this value.

    Examples
    --------
    >>> assignment("studies.haa.signals", ["tth"])
    'studies.haa.signals=["tth"]'
    """
    return f"{key}={_spelled(value)}"


def _spelled(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_spelled, value))}]"
    text = json.dumps(value)
    # YAML reads 1e-05 as text and 1.0e-05 as a number.
    return text.replace("e", ".0e") if isinstance(value, float) and "." not in text else text


def validate(tree: dict[str, Any], source: str) -> Params:
    """Return ``Params`` of a plain tree, or a ``ConfigError`` about its first fault."""
    try:
        return Params.model_validate(tree)
    except ValidationError as error:
        # A misspelt key shows as one missing and one unknown; the unknown one is the user's word.
        faults = sorted(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")
        raise _explain(faults[0], source) from None


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file, or a ``ConfigError`` that names the file and line."""
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"cannot read {path}",
            got=error.strerror,
            fix="run the command in the project folder, or give --project FOLDER",
        ) from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not valid YAML", got=" ".join(str(error).split())) from None
    if not isinstance(tree, dict):
        raise ConfigError(f"{path} must hold keys and values", got=type(tree).__name__)
    return tree


def closest(word: str, allowed: Iterable[str]) -> str | None:
    """Return the allowed word most like the given one, or None when none is near."""
    matches = difflib.get_close_matches(word, list(allowed), n=1, cutoff=0.5)
    return matches[0] if matches else None


def unknown_choice(kind: str, word: str, allowed: Iterable[str]) -> ConfigError:
    """Return the error for a word that is not one of the allowed ones."""
    options = list(allowed)
    near = closest(word, options)
    hint = f"one of {', '.join(options)}" + (f"      closest: {near}" if near else "")
    return ConfigError(
        f"unknown {kind}", got=word, need=hint, fix=f"write {near}" if near else None
    )


def _merged(base: dict[str, Any], overlay: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in overlay.items():
        below = merged.get(key)
        is_section = isinstance(below, dict) and isinstance(value, dict)
        merged[key] = _merged(dict(below or {}), value) if is_section else value
    return merged


def _assign(tree: dict[str, Any], text: str) -> None:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError("--set needs key=value", got=text, fix="e.g. --set compute.threads=1")
    *parents, leaf = key.strip().split(".")
    for name in parents:
        tree = tree.setdefault(name, {})
        if not isinstance(tree, dict):
            raise ConfigError(f"--set {key}: {name} is a value, not a section", got=text)
    try:
        parsed = yaml.safe_load(value)
    except yaml.YAMLError:
        raise ConfigError(f"--set {key}: the value is not valid YAML", got=value) from None
    if isinstance(parsed, dict):
        raise ConfigError("--set sets one value", got=text, fix="use --config FILE for a section")
    tree[leaf] = parsed


def _explain(fault: ErrorDetails, source: str) -> ConfigError:
    location = [str(part) for part in fault["loc"]]
    key = ".".join(location) or "the whole file"
    command = " ".join(["colliderfm config show", ".".join(location[:-1])]).strip()
    show = f"run `{command}`"
    if fault["type"] == "extra_forbidden":
        allowed = _allowed_keys(location[:-1])
        near = closest(location[-1], allowed)
        need = f"one of {', '.join(allowed)}" + (f"      closest: {near}" if near else "")
        fix = (f"rename the key to {near}, or " if near else "") + show
        return ConfigError(
            f"{source} at {key}", got=f"{location[-1]} (unknown key)", need=need, fix=fix
        )
    if fault["type"] == "missing":
        return ConfigError(f"{source} at {key}", got="nothing (the key is missing)", fix=show)
    message = fault["msg"].removeprefix("Value error, ")
    value = fault["input"]
    got = f"{value!r} ({type(value).__name__})" if not isinstance(value, dict) else None
    need = _with_closest(message, fault, value)
    return ConfigError(f"{source} at {key}", got=got, need=need, fix=show)


def _with_closest(message: str, fault: ErrorDetails, value: object) -> str:
    if fault["type"] != "literal_error" or not isinstance(value, str):
        return message
    allowed = str(fault.get("ctx", {}).get("expected", "")).replace("'", "").replace(" or ", ", ")
    near = closest(value, allowed.split(", "))
    return f"one of {allowed}" + (f"      closest: {near}" if near else "")


def _allowed_keys(location: Sequence[str]) -> list[str]:
    section: type[BaseModel] = Params
    for name in location:
        field = section.model_fields.get(name)
        inner = _section_of(field.annotation) if field else None
        if inner is None:
            return []
        section = inner
    return list(section.model_fields)


def _section_of(annotation: Any) -> type[BaseModel] | None:
    candidates = [annotation]
    if get_origin(annotation) in (typing.Union, types.UnionType):
        candidates = list(get_args(annotation))
    for candidate in candidates:
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None
