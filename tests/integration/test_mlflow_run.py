"""``mlflow run . -e finetune -P study=haa`` as typed: one run with results, one with a link."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from colliderfm.tracking.environment import link_environment_slot
from colliderfm.tracking.launcher import LINK_TAG, NOTE_TAG
from colliderfm.tracking.runs import iterate_runs
from colliderfm.tracking.store import client

MlflowRun = Callable[..., subprocess.CompletedProcess[str]]
GROUPING = ("study", "init", "pretraining", "fraction", "events", "seed", "size")
LITERAL = ("-e", "finetune", "-P", "study=haa")
# Of the tags MLflow sets on a project's run, none is ours.
OURS = ("colliderfm.", "cell.", "encoder.", "data.", "git.", "params.", "code.", "stage")


@pytest.fixture(scope="module")
def folder(toy_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project without runs whose environment slot is linked, as after ``make setup``."""
    folder = tmp_path_factory.mktemp("mlflow-run") / "project"
    folder.mkdir()
    for name in ("params.yaml", "MLproject", "python_env.yaml", "constraints.txt"):
        shutil.copy(toy_project / name, folder)
    shutil.copytree(toy_project / "data", folder / "data")
    before = os.environ.get("MLFLOW_ENV_ROOT")
    os.environ["MLFLOW_ENV_ROOT"] = str(folder.parent / "envs")
    try:
        assert link_environment_slot(folder).state == "linked"
    finally:
        if before is None:
            del os.environ["MLFLOW_ENV_ROOT"]
        else:
            os.environ["MLFLOW_ENV_ROOT"] = before
    return folder


@pytest.fixture
def environment(folder: Path, tmp_path: Path) -> dict[str, str]:
    """An active ``.venv`` and a pyenv that must never be asked for anything."""
    fake = tmp_path / "bin"
    fake.mkdir()
    (fake / "pyenv").write_text(f"#!/bin/sh\ntouch {tmp_path}/pyenv-was-called\nexit 1\n")
    (fake / "pyenv").chmod(0o755)
    variables = {name: value for name, value in os.environ.items() if "MLFLOW" not in name}
    return variables | {
        "MLFLOW_ENV_ROOT": str(folder.parent / "envs"),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "OMP_NUM_THREADS": "1",
        "PATH": f"{sys.prefix}/bin:{fake}:/usr/bin:/bin",
    }


@pytest.fixture
def mlflow_run(folder: Path, environment: dict[str, str]) -> MlflowRun:
    """Run ``mlflow run .`` in the project."""

    def run(*words: str, place: Path = folder, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["mlflow", "run", ".", *words],
            cwd=place,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=400,
        )
        assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture
def inside(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Look at the project's store from this process."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
    return folder


@pytest.mark.slow
def test_literal_command_leaves_one_run_with_results(
    inside: Path, mlflow_run: MlflowRun, environment: dict[str, str], tmp_path: Path
) -> None:
    for words in (("pretrain",), ("promote",)):
        command = [sys.executable, "-m", "colliderfm", *words]
        subprocess.run(command, cwd=inside, env=environment, check=True, capture_output=True)
    mlflow_run(*LITERAL)
    (ours,) = [run for run in iterate_runs(["haa"]) if run.data.metrics]
    assert ours.info.status == "FINISHED"
    assert ours.data.tags["stage"] == "finetune"
    params = ours.data.params
    assert (params["study"], params["init"], params["seed"]) == ("haa", "pretrained", "0")
    assert float(params["fraction"]) == 1.0
    assert int(params["events"]) > 0
    assert "auto" not in {params[key] for key in GROUPING}
    (launcher,) = [run for run in iterate_runs(["Default"]) if run.info.status == "FINISHED"]
    assert launcher.data.metrics == {}
    assert {name for name in launcher.data.tags if name.startswith(OURS)} == {LINK_TAG}
    assert launcher.data.tags[LINK_TAG] == ours.info.run_id
    assert ours.info.run_id in launcher.data.tags[NOTE_TAG]
    assert client().list_artifacts(launcher.info.run_id) == []
    assert not (tmp_path / "pyenv-was-called").exists()


@pytest.mark.slow
def test_unknown_study_is_the_last_line_of_ours_and_leaves_no_run(
    inside: Path, mlflow_run: MlflowRun
) -> None:
    before = {run.info.run_id for run in iterate_runs() if run.data.tags.get("stage")}
    done = mlflow_run("-e", "finetune", "-P", "study=hab", code=1)
    lines = [line for line in done.stderr.splitlines() if "mlflow" not in line and line.strip()]
    assert any("hab" in line for line in lines[-4:])
    assert any("haa" in line for line in lines[-4:])
    assert "Traceback" not in done.stderr
    after = {run.info.run_id for run in iterate_runs() if run.data.tags.get("stage")}
    assert after == before


def processor_seconds(call: Callable[[], object]) -> float:
    """Measure what the processes started by ``call`` compute: wall time would measure the load."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    call()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.slow
def test_warm_mlflow_run_costs_at_most_ten_seconds_more(
    inside: Path, mlflow_run: MlflowRun, environment: dict[str, str]
) -> None:
    wrong = ["-e", "finetune", "-P", "study=hab"]
    mlflow_run(*wrong, code=1)
    command = [sys.executable, "-m", "colliderfm", "finetune", "--study", "hab"]
    ours = processor_seconds(
        lambda: subprocess.run(command, cwd=inside, env=environment, check=False)
    )
    theirs = processor_seconds(lambda: mlflow_run(*wrong, code=1))
    assert theirs - ours < 10.0
