"""kill -9 in the middle of ``colliderfm finetune``: the same command ends with the same numbers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from colliderfm.tracking.results import results

Command = Callable[..., subprocess.CompletedProcess[str]]
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("toy-project")]

WORDS = ("finetune", "--study", "haa", "--init", "scratch", "--events", "100")
LONGER = ("--set", "studies.haa.max_updates=400", "--set", "studies.haa.patience=100")


def checkpoint_of(project: Path) -> Path | None:
    """Return the checkpoint of a run that is under way."""
    found = sorted((project / "runs" / "haa").glob("*/checkpoint.safetensors"))
    return found[0] if found else None


def test_a_killed_run_resumes_to_the_same_numbers_in_one_run(
    toy_project: Path, run_command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(toy_project)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{toy_project / 'mlflow.db'}")
    words = [*WORDS, *LONGER, "--seed", "21"]
    run_command(*words)
    whole = results("haa", "finetune")
    whole = whole[whole["seed"] == 21].iloc[0]
    # The finished cell is forgotten, so that the same cell starts anew and can be killed.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    before = checkpoint_of(toy_project)
    if before is not None:
        before.unlink()
    process = subprocess.Popen(
        [sys.executable, "-m", "colliderfm", *words],
        cwd=toy_project,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if checkpoint_of(toy_project) is not None:
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    # Settings that do not decide the cell may differ meanwhile; the run keeps those it began with.
    run_command(*words, "--set", "studies.haa.comparison.seeds=5")
    runs = results("haa", "finetune")
    runs = runs[runs["seed"] == 21]
    assert list(runs["status"]) == ["FINISHED", "FINISHED"]
    resumed = runs[runs["run_id"] != whole["run_id"]].iloc[0]
    for name in ("test/auc", "test/rejection_at_50", "test/max_sic"):
        assert resumed[name] == whole[name]
