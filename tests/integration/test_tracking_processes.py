"""Several processes on one store: creating it, writing, dying, promoting, all at the same time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from colliderfm.tracking.promotion import GateResult, history, promote
from colliderfm.tracking.registry import alias_version, list_versions, register
from colliderfm.tracking.run import open_run
from colliderfm.tracking.runs import find_cell, iterate_runs, reap
from colliderfm.tracking.store import client

PROGRAM = Path(__file__).with_name("tracking_program.py")
NAME = "event-encoder"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The address of a store that does not exist yet."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    return tmp_path / "mlflow.db"


def start(*words: object) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-W", "error", str(PROGRAM), *map(str, words)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


def start_together(folder: Path, *commands: tuple[object, ...]) -> list[str]:
    """Run programs that begin their work in the same instant; return what they print."""
    go = folder / "go"
    children = [start(words[0], go, *words[1:]) for words in commands]
    deadline = time.monotonic() + 240
    while len(list(folder.glob("ready-*"))) < len(children) and time.monotonic() < deadline:
        if any(child.poll() for child in children):
            break
        time.sleep(0.01)
    go.touch()
    printed = [child.communicate(timeout=300)[0] for child in children]
    assert [child.returncode for child in children] == [0] * len(children)
    return printed


def model_folder(folder: Path, content: int) -> Path:
    folder = folder / f"model-{content}"
    folder.mkdir()
    for name in ("config.json", "normalization.json", "card.md"):
        (folder / name).write_text("{}")
    (folder / "model.safetensors").write_bytes(bytes([content]) * 64)
    return folder


def test_two_promoters_leave_one_champion_and_both_in_the_history(
    store: Path, tmp_path: Path
) -> None:
    for content in (1, 2, 3):
        register(model_folder(tmp_path, content), NAME)
    promote(NAME, 1, gate=GateResult("macro AUC", 0.5, None, 0.01, None))
    printed = start_together(tmp_path, ("promote", 2), ("promote", 3))
    assert printed == ["True\n", "True\n"]
    champion = alias_version(NAME, "champion")
    loser = {2: 3, 3: 2}[champion]
    promoted = [event for event in history(NAME) if event["event"] == "promoted"]
    assert [event["version"] for event in promoted] == [1, loser, champion]
    assert [event.get("replaced") for event in promoted] == [None, 1, loser]
    assert alias_version(NAME, "previous") == loser
    assert sum("champion" in entry.aliases for entry in list_versions(NAME)) == 1


def test_two_processes_make_a_fresh_store_and_ship_one_encoder(store: Path, tmp_path: Path) -> None:
    folder = model_folder(tmp_path, 1)
    printed = start_together(tmp_path, ("ship", folder), ("ship", folder))
    assert sorted(printed) == ["1\n", "None\n"]
    assert [entry.version for entry in list_versions(NAME)] == [1]


@pytest.mark.slow
def test_four_writers_lose_nothing(store: Path, tmp_path: Path) -> None:
    start_together(tmp_path, *(("write", f"w{index}", 15) for index in range(4)))
    runs = list(iterate_runs(["haa"]))
    assert len(runs) == 4
    for run in runs:
        assert run.info.status == "FINISHED"
        assert len(client().get_metric_history(run.info.run_id, "train/m9")) == 15


def test_kill_9_is_noticed_and_the_same_run_continues(store: Path) -> None:
    child = start("write", "", "cell-a", 100000)
    assert child.stdout is not None
    run_id = child.stdout.readline().strip()
    for _ in range(3):
        child.stdout.readline()
    assert find_cell("haa", "cell-a").running == run_id
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert client().get_run(run_id).info.status == "RUNNING"
    assert find_cell("haa", "cell-a").resumable == run_id
    assert reap() == [run_id]
    assert client().get_run(run_id).info.status == "KILLED"
    with open_run("haa", "cell-a", {"seed": "cell-a"}, run_id=run_id) as run:
        # The checkpoint was older than the last flush: steps 3 and 4 come again.
        for step in (3, 4, 200000):
            run.log_metrics({"train/m0": 1.0 / step}, step)
    steps = [point.step for point in client().get_metric_history(run_id, "train/m0")]
    assert len(steps) == len(set(steps))
    assert {1, 2, 3, 4, 200000} <= set(steps)
    assert client().get_run(run_id).info.status == "FINISHED"
    assert len(list(iterate_runs(["haa"]))) == 1
