"""The run of ``mlflow run`` gets a link to ours and nothing else."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from colliderfm.tracking import launcher
from colliderfm.tracking.run import open_run
from colliderfm.tracking.store import client


@pytest.fixture(autouse=True)
def forget_launcher() -> None:
    launcher._adopted.clear()


def test_without_mlflow_run_there_is_no_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    assert launcher.adopt_launcher() is None


def test_launcher_is_taken_out_of_the_environment_and_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_RUN_ID", "abc")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "0")
    assert launcher.adopt_launcher() == "abc"
    assert "MLFLOW_RUN_ID" not in os.environ
    assert "MLFLOW_EXPERIMENT_ID" not in os.environ
    assert launcher.adopt_launcher() == "abc"


def test_launcher_run_holds_a_link_and_our_run_the_content(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = client().create_run("0")
    client().log_param(first.info.run_id, "fraction", "1.0")
    before = client().get_run(first.info.run_id).data.tags
    monkeypatch.setenv("MLFLOW_RUN_ID", first.info.run_id)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "0")
    with open_run("haa", "scratch", {"fraction": 0.25}, {"stage": "finetune"}) as run:
        run.log_metrics({"test/auc": 0.9})
    after = client().get_run(first.info.run_id).data
    assert after.metrics == {}
    assert after.params == {"fraction": "1.0"}
    assert set(after.tags) - set(before) == {launcher.LINK_TAG, launcher.NOTE_TAG}
    assert after.tags[launcher.LINK_TAG] == run.run_id
    assert f"#/experiments/{run.experiment_id}/runs/{run.run_id}" in after.tags[launcher.NOTE_TAG]
    ours = client().get_run(run.run_id)
    assert ours.info.run_id != first.info.run_id
    assert ours.data.params == {"fraction": "0.25"}


def test_second_run_of_a_command_is_linked_as_well(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = client().create_run("0").info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", first)
    with open_run("haa", "a") as one, open_run("haa", "b") as two:
        pass
    assert client().get_run(first).data.tags[launcher.LINK_TAG] == f"{one.run_id},{two.run_id}"


def test_launcher_in_another_store_does_not_stop_the_run(
    store: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)
    with caplog.at_level(logging.WARNING, "colliderfm"), open_run("haa", "a") as run:
        pass
    assert client().get_run(run.run_id).info.status == "FINISHED"
    assert "was not linked" in caplog.text
