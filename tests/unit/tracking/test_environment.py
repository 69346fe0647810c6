"""The environment slot: found as mlflow finds it, linked, never over a real folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from colliderfm.errors import ConfigError
from colliderfm.tracking.environment import (
    check_environment_slot,
    environment_slot,
    link_environment_slot,
)

PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MLFLOW_ENV_ROOT", str(tmp_path / "envs"))
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "python_env.yaml").write_text((PROJECT / "python_env.yaml").read_text())
    (folder / "constraints.txt").write_text("mlflow==3.17.2\n")
    return folder


def test_slot_is_where_mlflow_run_looks(root: Path, tmp_path: Path) -> None:
    from mlflow.projects.backend import local
    from mlflow.utils.environment import _PythonEnv

    pins = _PythonEnv.from_yaml(root / "python_env.yaml")
    expected = local._get_virtualenv_name(pins, root)
    assert environment_slot(root).path == tmp_path / "envs" / expected


def test_slot_is_linked_to_this_environment(root: Path) -> None:
    assert environment_slot(root).state == "missing"
    slot = link_environment_slot(root)
    assert slot.state == "linked"
    assert slot.path.resolve() == Path(sys.prefix).resolve()
    assert (slot.path / "bin" / "activate").is_file()
    assert link_environment_slot(root) == slot


def test_changed_pins_move_the_link_and_drop_our_old_one(root: Path, tmp_path: Path) -> None:
    old = link_environment_slot(root).path
    other_environment = tmp_path / "other"
    other_environment.mkdir()
    foreign = old.parent / "mlflow-foreign"
    foreign.symlink_to(other_environment)
    (root / "constraints.txt").write_text("mlflow==3.17.3\n")
    new = link_environment_slot(root).path
    assert new != old
    assert not old.is_symlink()
    assert foreign.is_symlink()


def test_real_environment_is_never_touched(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = environment_slot(root).path
    path.mkdir(parents=True)
    (path / "precious").write_text("x")
    slot = link_environment_slot(root)
    assert slot.state == "built"
    assert (path / "precious").read_text() == "x"
    assert not path.is_symlink()
    assert "stays as it is" in caplog.text


def test_link_of_another_clone_is_taken_over(root: Path, tmp_path: Path) -> None:
    path = environment_slot(root).path
    path.parent.mkdir()
    (tmp_path / "other").mkdir()
    path.symlink_to(tmp_path / "other")
    assert environment_slot(root).state == "foreign"
    assert link_environment_slot(root).state == "linked"
    assert (tmp_path / "other").is_dir()


def test_link_to_an_environment_that_is_gone_counts_as_missing(root: Path, tmp_path: Path) -> None:
    path = environment_slot(root).path
    path.parent.mkdir()
    path.symlink_to(tmp_path / "gone")
    assert environment_slot(root).state == "missing"
    assert link_environment_slot(root).state == "linked"


def test_without_a_virtual_environment_nothing_is_linked(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    with pytest.raises(ConfigError, match="needs a virtual environment"):
        link_environment_slot(root)


def test_slot_folder_that_cannot_be_written_is_one_message(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MLFLOW_ENV_ROOT", str(tmp_path / "file" / "envs"))
    with pytest.raises(ConfigError, match="cannot write the environment slot"):
        link_environment_slot(root)


def test_folder_without_pins_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"python_env\.yaml is missing"):
        environment_slot(tmp_path)


def test_own_clone_and_other_folders_are_accepted(tmp_path: Path) -> None:
    check_environment_slot(PROJECT)
    check_environment_slot(tmp_path)


def test_code_of_another_clone_is_refused_with_the_fix(tmp_path: Path) -> None:
    package = tmp_path / "src" / "colliderfm"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    with pytest.raises(ConfigError, match="another clone's code") as caught:
        check_environment_slot(tmp_path)
    assert caught.value.got == str(PROJECT / "src" / "colliderfm")
    assert caught.value.need == str(package)
    assert f"run `make setup` in {tmp_path}" in str(caught.value)


def test_check_costs_no_import_of_mlflow() -> None:
    program = (
        "import sys; from colliderfm.tracking.environment import check_environment_slot as check;"
        "import colliderfm.tracking.run, colliderfm.tracking.registry, colliderfm.tracking.results;"
        "check(); assert not {'mlflow', 'pandas', 'sqlalchemy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_pins_name_no_python_so_that_pyenv_compiles_nothing() -> None:
    import yaml

    pins = yaml.safe_load((PROJECT / "python_env.yaml").read_text())
    assert pins == {"dependencies": ["-c constraints.txt", "-e ."]}
