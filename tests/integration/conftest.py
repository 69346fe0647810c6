"""A whole project in a temporary folder: toy event sets, a tiny network, a store of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from colliderfm.data.toys import write_toy_set

PROJECT = Path(__file__).resolve().parents[2]

PRETRAINING = ("qcd", "tt", "zjets", "ww")
SIGNALS = ("haa_ma30", "haa_ma40", "haa_ma60")
BACKGROUNDS = ("qcd_4b", "qcd_bbbj", "qcd_bbjj")
SMALL = {
    "compute": {"threads": 1, "workers": 1, "device": "cpu"},
    "replicas": {"universes": 8, "unseen_universes": 8, "stored_replicas": 2},
    "model": {"event": {"size": "tiny"}, "spectrum": {"hidden": 16, "layers": 1, "latent": 4}},
    "pretrain": {
        "event": {
            "processes": list(PRETRAINING),
            "max_updates": 20,
            "validate_every": 10,
            "checkpoint_every": 5,
            "batch_size": 64,
        },
        "spectrum": {
            "batch_size": 64,
            "max_updates": 40,
            "validate_every": 20,
            "checkpoint_every": 20,
        },
    },
    "studies": {
        "haa": {
            "max_updates": 20,
            "max_epochs": 0,
            "validate_every": 5,
            "patience": 2,
            "warmup_updates": 2,
            "validation_events": 200,
            "batch_size": 32,
            "sweep": {"trials": 2, "seeds": 2, "events": 100},
            "comparison": {"events": [60, 100], "seeds": 2},
            "metrics": {"bootstrap_replicas": 20, "min_background_events": 5},
            "xgboost": {"max_rounds": 20, "depths": [2]},
        },
        "smeft": {
            "replicas_per_universe": 20,
            "batch_size": 64,
            "max_updates": 40,
            "validate_every": 20,
            "patience": 2,
            "warmup_updates": 2,
            "sweep": {"trials": 2, "seeds": 1, "events": 80},
            "comparison": {"events": [80], "seeds": 2},
            "metrics": {
                "test_replicas": 10,
                "anomaly_replicas": 40,
                "pseudo_experiments": 40,
                "bootstrap_replicas": 20,
            },
        },
    },
}

Command = Callable[..., subprocess.CompletedProcess[str]]


def merged(base: dict, overlay: dict) -> dict:
    """Lay one tree over another."""
    tree = dict(base)
    for key, value in overlay.items():
        below = tree.get(key)
        tree[key] = merged(below, value) if isinstance(value, dict) and below else value
    return tree


def make_project(folder: Path) -> Path:
    """Write params.yaml and toy sets below ``data/``."""
    folder.mkdir(parents=True)
    params = yaml.safe_load((PROJECT / "params.yaml").read_text(encoding="utf-8"))
    text = yaml.safe_dump(merged(params, SMALL), sort_keys=False)
    (folder / "params.yaml").write_text(text, encoding="utf-8")
    for name in ("MLproject", "python_env.yaml", "constraints.txt"):
        shutil.copy(PROJECT / name, folder)
    write_toy_set(folder / "data" / "pretrain", 1600, 1, PRETRAINING)
    # Theory is exact and small: no toys are needed.
    shutil.copytree(PROJECT / "starter" / "smeft", folder / "data" / "smeft")
    write_toy_set(folder / "data" / "haa", 3600, 2, SIGNALS + BACKGROUNDS)
    return folder


@pytest.fixture(scope="session")
def toy_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One project for all tests of a worker that only add to it."""
    return make_project(tmp_path_factory.mktemp("toy") / "project")


@pytest.fixture(scope="session")
def run_command(toy_project: Path) -> Command:
    """Run ``colliderfm`` in the toy project; by default it must end with exit code 0."""
    return command_in(toy_project)


def command_in(folder: Path) -> Command:
    """Return a function that runs ``colliderfm`` in a folder."""

    def run(*words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        environment.pop("MLFLOW_TRACKING_URI", None)
        environment.pop("MLFLOW_RUN_ID", None)
        done = subprocess.run(
            [sys.executable, "-m", "colliderfm", *words],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == code, (
            f"{words}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        )
        return done

    return run
