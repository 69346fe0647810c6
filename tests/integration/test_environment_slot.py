"""Two clones share one slot of ``mlflow run``: the other clone's code is refused, with the fix."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from colliderfm.tracking.environment import link_environment_slot

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_mlflow_run_in_a_second_clone_refuses_the_first_ones_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = tmp_path / "clone"
    for name in ("params.yaml", "MLproject", "python_env.yaml", "constraints.txt"):
        clone.mkdir(exist_ok=True)
        shutil.copy(PROJECT / name, clone)
    shutil.copytree(
        PROJECT / "src", clone / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
    )
    monkeypatch.setenv("MLFLOW_ENV_ROOT", str(tmp_path / "envs"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setenv("PATH", f"{sys.prefix}/bin:/usr/bin:/bin")
    # The first clone was set up; the pins are equal, so the slot is the same.
    assert link_environment_slot(PROJECT).path == link_environment_slot(clone).path
    done = subprocess.run(
        ["mlflow", "run", ".", "-e", "report"],
        cwd=clone,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 1
    assert "another clone's code would run" in done.stderr
    assert f"run `make setup` in {clone}" in done.stderr
    assert "Traceback" not in done.stderr
