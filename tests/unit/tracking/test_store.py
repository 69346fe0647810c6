"""The store: its address, its experiments, and what a user reads when it fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from colliderfm.errors import TrackingError
from colliderfm.tracking.store import (
    client,
    experiment_id,
    guard,
    project_root,
    sqlite_path,
    store_lock,
    tracking_uri,
)


def make_project(folder: Path) -> Path:
    folder.mkdir()
    (folder / "params.yaml").write_text("seed: 0\n")
    return folder


def test_store_lies_in_the_project_root_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = make_project(tmp_path / "project") / "docs"
    inner.mkdir()
    monkeypatch.chdir(inner)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert tracking_uri() == f"sqlite:///{tmp_path}/project/mlflow.db"


def test_environment_variable_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://example.org:5000")
    assert tracking_uri() == "http://example.org:5000"


def test_project_root_outside_a_project_is_the_folder_itself(tmp_path: Path) -> None:
    assert project_root(tmp_path) == tmp_path


def test_sqlite_address_with_a_space_is_decoded() -> None:
    assert sqlite_path("sqlite:////tmp/my%20runs/mlflow.db") == Path("/tmp/my runs/mlflow.db")
    assert sqlite_path("postgresql://host/db") is None


def test_file_that_is_no_database_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mlflow.db").write_text("hello, this is a text")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    with pytest.raises(TrackingError, match="is no sqlite database") as caught:
        client()
    assert caught.value.exit_code == 6


def test_place_that_cannot_be_written_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/file/mlflow.db")
    with pytest.raises(TrackingError, match="cannot write the tracking store"):
        client()


def test_experiment_is_made_once_with_artifacts_beside_the_database(store: Path) -> None:
    number = experiment_id("haa")
    assert experiment_id("haa") == number
    found = client().get_experiment(number)
    assert found.artifact_location == f"file://{store.parent}/mlruns/haa"


def test_deleted_experiment_is_restored(store: Path) -> None:
    number = experiment_id("haa")
    client().delete_experiment(number)
    assert experiment_id("haa") == number
    assert client().get_experiment(number).lifecycle_stage == "active"


def test_failure_names_the_action_and_hides_the_password(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://me:secret@host/db")
    with pytest.raises(TrackingError) as caught, guard("write metrics to"):
        raise OSError(28, "No space left on device")
    message = str(caught.value)
    assert "could not write metrics to the tracking store postgresql://host/db" in message
    assert "No space left on device" in message
    assert "secret" not in message


def test_lock_excludes_a_second_holder(store: Path) -> None:
    with store_lock("event-encoder"), pytest.raises(TimeoutError):
        store_lock("event-encoder", timeout_s=0.05).acquire()
    assert list(store.parent.glob("mlflow.db.*.lock"))
