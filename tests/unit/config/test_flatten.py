"""Flat keys and digests of a tree."""

from __future__ import annotations

import hashlib
from pathlib import Path

from colliderfm.config.flatten import flatten, params_sha256
from colliderfm.config.load import load_params


def test_leaves_get_dotted_names_and_lists_stay_whole() -> None:
    tree = {"a": {"b": {"c": 1}, "d": [1, 2]}, "e": "word"}
    assert flatten(tree) == {"a.b.c": 1, "a.d": [1, 2], "e": "word"}


def test_a_prefix_stands_in_front() -> None:
    assert flatten({"a": {"b": 1}}, "top") == {"top.a.b": 1}


def test_an_empty_section_has_no_leaves() -> None:
    assert flatten({"a": {}}) == {}


def test_parameters_flatten_to_what_set_addresses(project: Path) -> None:
    params = load_params(project)
    leaves = flatten(params)
    assert leaves["studies.haa.comparison.events"] == list(params.studies.haa.comparison.events)
    again = load_params(project, assignments=[f"compute.threads={leaves['compute.threads']}"])
    assert again == params


def test_the_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert params_sha256({"a": 1, "b": {"c": 2, "d": 3}}) == params_sha256(
        {"b": {"d": 3, "c": 2}, "a": 1}
    )


def test_the_digest_depends_on_every_value_and_name() -> None:
    digests = {
        params_sha256(tree)
        for tree in ({"a": 1}, {"a": 2}, {"b": 1}, {"a": "1"}, {"a": [1]}, {"a": {"a": 1}}, {})
    }
    assert len(digests) == 7


def test_the_digest_is_that_of_compact_sorted_json() -> None:
    expected = hashlib.sha256(b'{"a":1,"b":[0.1,true]}').hexdigest()
    assert params_sha256({"b": [0.1, True], "a": 1}) == expected


def test_a_section_and_its_plain_tree_have_one_digest(project: Path) -> None:
    model = load_params(project).model
    assert params_sha256(model) == params_sha256(model.model_dump(mode="json"))
