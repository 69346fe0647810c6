"""params.yaml, its schema, dvc.yaml and the command line describe the same keys."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel
from source_tree import PROJECT

from colliderfm.config.flatten import flatten
from colliderfm.config.load import load_params
from colliderfm.config.schema import Params
from colliderfm.config.show import read_comments


def plain_tree() -> dict[str, typing.Any]:
    """params.yaml as it is written."""
    return dict(yaml.safe_load((PROJECT / "params.yaml").read_text(encoding="utf-8")))


def keys_of_schema(section: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Dotted names of the leaves of a section."""
    for name, field in section.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from keys_of_schema(annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def sections_of_schema(section: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """A section and all below it."""
    yield section
    for field in section.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from sections_of_schema(field.annotation)


def test_params_and_schema_have_the_same_keys() -> None:
    assert set(flatten(plain_tree())) == set(keys_of_schema(Params))


def test_params_are_valid() -> None:
    assert isinstance(load_params(PROJECT), Params)


def test_no_key_has_a_hidden_default() -> None:
    """A value that decides a result stands in params.yaml, never in the schema."""
    wrong = [
        f"{section.__name__}.{name}"
        for section in sections_of_schema(Params)
        for name, field in section.model_fields.items()
        if not field.is_required()
    ]
    assert not wrong


def test_every_section_is_frozen_and_refuses_unknown_keys() -> None:
    for section in sections_of_schema(Params):
        assert section.model_config.get("frozen"), section
        assert section.model_config.get("extra") == "forbid", section


def test_no_section_is_optional() -> None:
    """Otherwise the walk over the schema above would miss its keys."""
    for section in sections_of_schema(Params):
        for field in section.model_fields.values():
            origin = typing.get_origin(field.annotation)
            assert origin not in (typing.Union, types.UnionType)


def test_every_leaf_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the comment above it, or above the section it stands in."""
    monkeypatch.chdir(PROJECT)
    comments = read_comments()
    silent = [
        key
        for key in flatten(plain_tree())
        if not comments.get(key) and not comments.get(key.rpartition(".")[0])
    ]
    assert not silent, silent


def test_no_value_names_a_folder_outside_the_project() -> None:
    for key, value in flatten(plain_tree()).items():
        assert not (isinstance(value, str) and value.startswith(("/", "~", ".."))), key


@pytest.mark.parametrize(
    "overlay", sorted((PROJECT / "configs").rglob("*.yaml")), ids=lambda p: p.name
)
def test_every_overlay_is_valid(overlay: Path) -> None:
    assert isinstance(load_params(PROJECT, [overlay]), Params)
