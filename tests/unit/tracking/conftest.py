"""A tracking store per test: one empty sqlite store is made once and copied."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from colliderfm.tracking.store import client


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create an empty store; its tables take a second."""
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    before = os.environ.get("MLFLOW_TRACKING_URI")
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{path}"
    client()
    if before is None:
        del os.environ["MLFLOW_TRACKING_URI"]
    else:
        os.environ["MLFLOW_TRACKING_URI"] = before
    return path


@pytest.fixture
def store(empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test a store of its own, and return its database file."""
    path = tmp_path / "mlflow.db"
    shutil.copy(empty_store, path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{path}")
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    return path


@pytest.fixture
def model_folder(tmp_path: Path) -> Callable[[int], Path]:
    """Make model folders whose weights differ by one byte."""

    def make(content: int) -> Path:
        folder = tmp_path / f"model-{content}"
        folder.mkdir()
        (folder / "model.safetensors").write_bytes(bytes([content]) * 64)
        (folder / "config.json").write_text("{}")
        (folder / "normalization.json").write_text("{}")
        (folder / "card.md").write_text(f"# Encoder {content}\n")
        return folder

    return make
