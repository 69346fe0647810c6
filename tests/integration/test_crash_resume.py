"""Runs that are killed for real: whatever happened on the way, the final bits are the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import pytest
from safetensors import safe_open

PROGRAM = Path(__file__).with_name("crash_resume_program.py")
TOYS = Path(__file__).parents[1] / "unit" / "train"
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(TOYS)}


def start(folder: Path, workers: int, *fault: str, network: str = "toy") -> subprocess.Popen[bytes]:
    folder.mkdir(exist_ok=True)
    # Into a file: a pipe would stay open until the orphaned loader workers have ended too.
    with (folder / "stderr.txt").open("w") as stderr:
        return subprocess.Popen(
            [sys.executable, str(PROGRAM), str(folder), network, str(workers), *fault],
            env=ENVIRONMENT,
            stderr=stderr,
        )


def run(folder: Path, workers: int, *fault: str, network: str = "toy") -> tuple[int, str]:
    code = start(folder, workers, *fault, network=network).wait(timeout=120)
    return code, (folder / "stderr.txt").read_text()


def checkpoint_update(folder: Path) -> int:
    with safe_open(folder / "checkpoint" / "checkpoint.safetensors", framework="pt") as file:
        record = file.metadata()["record"]
    return int(record.split('"update": ')[1].split(",")[0])


def metrics(folder: Path) -> dict[tuple[str, str], set[str]]:
    """Values sent per (update, name)."""
    values: dict[tuple[str, str], set[str]] = defaultdict(set)
    for line in (folder / "metrics.txt").read_text().splitlines():
        update, name, value = line.split()
        values[update, name].add(value)
    return values


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reference")
    assert run(folder, 0)[0] == 0
    return folder


def assert_same_outcome(folder: Path, reference: Path) -> None:
    for name in ("final.safetensors", "result.txt"):
        assert (folder / name).read_bytes() == (reference / name).read_bytes()
    assert metrics(folder) == metrics(reference)
    assert all(len(values) == 1 for values in metrics(folder).values())


def test_a_run_killed_again_and_again_ends_with_the_same_bits(
    tmp_path: Path, reference: Path
) -> None:
    killed = -signal.SIGKILL
    assert run(tmp_path, 2, "update", "3")[0] == killed  # before the first checkpoint
    assert not (tmp_path / "checkpoint" / "checkpoint.safetensors").exists()
    assert run(tmp_path, 2, "update", "11")[0] == killed  # between two checkpoints
    assert checkpoint_update(tmp_path) == 8
    assert run(tmp_path, 2, "writing", "12")[0] == killed  # half of checkpoint 12 on disk
    assert (tmp_path / "checkpoint" / "checkpoint.safetensors.partial").exists()
    assert checkpoint_update(tmp_path) == 8
    assert run(tmp_path, 1, "written", "16")[0] == killed  # checkpoint 16 complete, not in place
    assert checkpoint_update(tmp_path) == 12
    code, message = run(tmp_path, 0, "term", "18")
    assert (code, checkpoint_update(tmp_path)) == (75, 18)
    assert "stopped by SIGTERM after update 18 of 30" in message
    assert run(tmp_path, 2, "update", "30")[0] == killed  # in the very last update
    assert run(tmp_path, 2) == (0, "")
    assert_same_outcome(tmp_path, reference)


def test_an_event_model_killed_with_loader_workers_on_ends_with_the_same_bits(
    tmp_path: Path,
) -> None:
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    assert run(straight, 0, network="events") == (0, "")
    assert run(broken, 2, "update", "7", network="events")[0] == -signal.SIGKILL
    assert run(broken, 2, "writing", "16", network="events")[0] == -signal.SIGKILL
    assert checkpoint_update(broken) == 12
    assert run(broken, 2, network="events") == (0, "")
    assert_same_outcome(broken, straight)


def test_a_run_killed_from_outside_continues_at_once_although_loader_workers_still_live(
    tmp_path: Path, reference: Path
) -> None:
    process = start(tmp_path, 2, "wait", "6")
    deadline = time.monotonic() + 60
    while not (tmp_path / "waiting").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert run(tmp_path, 2) == (0, "")
    assert_same_outcome(tmp_path, reference)


def test_a_finished_run_started_again_answers_from_its_checkpoint(
    tmp_path: Path, reference: Path
) -> None:
    assert run(tmp_path, 0)[0] == 0
    (tmp_path / "final.safetensors").unlink()
    assert run(tmp_path, 0, "update", "30") == (0, "")  # no update is done, so nothing kills it
    assert_same_outcome(tmp_path, reference)


def test_a_loss_that_is_not_finite_names_update_and_parts_and_keeps_the_checkpoint(
    tmp_path: Path,
) -> None:
    code, message = run(tmp_path, 0, "nan", "14")
    assert code == 5
    assert "loss is not finite at update 14" in message
    assert "train/loss=nan, train/loss/squared=" in message
    assert checkpoint_update(tmp_path) == 12


@pytest.mark.slow
def test_a_run_killed_in_every_single_update_ends_with_the_same_bits(
    tmp_path: Path, reference: Path
) -> None:
    for update in range(1, 31):
        assert run(tmp_path, 1, "update", str(update))[0] == -signal.SIGKILL
    assert run(tmp_path, 1) == (0, "")
    assert_same_outcome(tmp_path, reference)
