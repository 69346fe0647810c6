"""Where the project begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from colliderfm.config.project import project_root
from colliderfm.errors import ConfigError


def test_the_nearest_folder_with_parameters_is_the_project(tmp_path: Path) -> None:
    inner = tmp_path / "outer" / "inner"
    below = inner / "a" / "b"
    below.mkdir(parents=True)
    for folder in (inner, inner.parent):
        (folder / "params.yaml").touch()
    assert project_root(below) == inner
    assert project_root(inner) == inner
    assert project_root(inner.parent) == inner.parent


def test_the_working_directory_is_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "params.yaml").touch()
    monkeypatch.chdir(tmp_path)
    assert project_root() == tmp_path.resolve()


def test_without_a_project_the_error_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no params\.yaml") as caught:
        project_root(tmp_path)
    assert caught.value.fix
