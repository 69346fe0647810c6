"""What ``config show`` prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from colliderfm.config.flatten import flatten
from colliderfm.config.load import load_params
from colliderfm.config.show import describe, read_comments
from colliderfm.errors import ConfigError


def test_one_key_is_one_line_with_its_meaning(project_copy: Path) -> None:
    assert describe(load_params(project_copy), "model.event.size") == (
        "model.event.size = small    # tiny (tests), small, base or large"
    )


def test_a_section_shows_its_keys_only(project_copy: Path) -> None:
    params = load_params(project_copy)
    lines = describe(params, "compute").splitlines()
    assert [line.split(" = ")[0] for line in lines] == list(flatten(params.compute, "compute"))


def test_without_a_key_everything_is_shown(project_copy: Path) -> None:
    params = load_params(project_copy)
    assert len(describe(params).splitlines()) == len(flatten(params))


def test_the_start_of_a_name_is_no_section(project_copy: Path) -> None:
    with pytest.raises(ConfigError, match="unknown parameter") as caught:
        describe(load_params(project_copy), "comput")
    assert "closest: compute" in str(caught.value.need)


def test_comments_belong_to_the_key_below_them(project_copy: Path) -> None:
    (project_copy / "params.yaml").write_text(
        "# first\n# and second line\na:\n  # inner\n  b: 1\n  c: 2\n\n# lost\n\nd: 3\n", "utf-8"
    )
    assert read_comments() == {"a": "first and second line", "a.b": "inner", "a.c": "", "d": ""}
