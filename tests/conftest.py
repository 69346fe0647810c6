"""Fixtures of all tests."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

# Both tools would otherwise send usage data from a test run.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DVC_NO_ANALYTICS", "1")

PROJECT = Path(__file__).resolve().parents[1]

# Code that tests share lies beside them and is imported by its bare name, in worker processes too.
SHARED = sorted(
    {
        str(path.parent)
        for path in Path(__file__).parent.rglob("*.py")
        if not path.name.startswith(("test_", "conftest", "__init__"))
    }
)
sys.path[:0] = [folder for folder in SHARED if folder not in sys.path]


@pytest.fixture(scope="session")
def project() -> Path:
    """The folder with params.yaml, dvc.yaml and src/."""
    return PROJECT


@pytest.fixture
def project_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project of its own with the real params.yaml, as working directory."""
    folder = tmp_path / "project"
    folder.mkdir()
    shutil.copy(PROJECT / "params.yaml", folder)
    monkeypatch.chdir(folder)
    return folder
