"""The same code against a server: nothing but ``MLFLOW_TRACKING_URI`` changes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from colliderfm.errors import TrackingError
from colliderfm.tracking.promotion import GateResult, history, promote, rollback
from colliderfm.tracking.registry import ensure_shipped, register, resolve
from colliderfm.tracking.results import results
from colliderfm.tracking.run import open_run
from colliderfm.tracking.runs import find_cell, reap
from colliderfm.tracking.store import client
from colliderfm.tracking.views import save_view


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_healthy(address: str) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{address}/health", timeout=5).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
        else:
            return
    pytest.fail("the server did not start")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run ``mlflow server`` on a database and an artifact folder of its own."""
    folder = tmp_path_factory.mktemp("server")
    port = free_port()
    command = ["--backend-store-uri", f"sqlite:///{folder}/server.db", "--port", str(port)]
    command += ["--artifacts-destination", str(folder / "artifacts"), "--workers", "1"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", *command],
            cwd=folder,
            env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_healthy(address)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def model_folder(folder: Path, content: int) -> Path:
    folder.mkdir()
    for name in ("config.json", "normalization.json", "card.md"):
        (folder / name).write_text("{}")
    (folder / "model.safetensors").write_bytes(bytes([content]) * 64)
    return folder


@pytest.mark.slow
def test_runs_registry_and_view_work_through_a_server(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    params = {"init": "scratch", "events": 100, "seed": 0}
    with open_run("haa", "scratch", params, {"stage": "finetune", "cell.key": "k"}) as run:
        run.log_metrics({"train/loss": 0.5, "test/auc": float("inf")}, 10)
        run.log_dataset("haa", "0" * 32, "data/haa", "train")
        run.log_folder(model_folder(tmp_path / "run", 9), "model")
    assert find_cell("haa", "k").finished == run.run_id
    assert results("haa").loc[0, "events"] == 100
    assert reap() == []
    name = "event-encoder"
    assert ensure_shipped(model_folder(tmp_path / "one", 1), name) == 1
    assert register(model_folder(tmp_path / "two", 2), name, run_id=run.run_id) == 2
    assert promote(name, 2, gate=GateResult("m", 0.9, 0.5, 0.1, 1)).is_promoted
    model = resolve(f"models:/{name}@champion", tmp_path / "champion")
    assert (model.version, (model.folder / "model.safetensors").read_bytes()) == (2, b"\x02" * 64)
    assert rollback(name).version == 1
    assert len(history(name)) == 5
    url = save_view("haa", "k", ["params.init", "metrics.test/auc"], ["init"])
    assert url.startswith(f"{server}/#/experiments/")
    assert client().get_run(run.run_id).info.artifact_uri.startswith("mlflow-artifacts:")
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err == ""


@pytest.mark.slow
def test_server_that_is_away_is_reported_within_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    began = time.monotonic()
    with pytest.raises(TrackingError, match="could not connect to the tracking store"):
        client()
    assert time.monotonic() - began < 60
