"""Worker processes: results, failures with all their fields, and a signal."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path

import jobs
import pytest

from colliderfm.errors import ConfigError, DataError, Interrupted
from colliderfm.pipelines.executor import open_executor, run_all


def is_alive(process: int) -> bool:
    """Whether a process exists and is not a zombie."""
    try:
        status = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def test_results_come_with_the_index_of_their_job(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "colliderfm.pipelines.executor")
    with open_executor(2) as executor:
        results = dict(run_all(executor, jobs.square, [(1,), (2,), (3,)], "square"))
    assert {index: value for index, (value, _) in results.items()} == {0: 1, 1: 4, 2: 9}
    assert os.getpid() not in {process for _, process in results.values()}
    assert [record.getMessage().split("   ")[0] for record in caplog.records] == [
        "square 1/3",
        "square 2/3",
        "square 3/3",
    ]


def test_a_failure_keeps_its_class_and_fields() -> None:
    with pytest.raises(DataError) as caught, open_executor(1) as executor:
        list(run_all(executor, jobs.refuse, [("part-1.parquet",)], "file"))
    error = caught.value
    assert (error.what, error.got, error.need, error.fix) == (
        "part-1.parquet is empty",
        "0 rows",
        "events",
        "make it again",
    )
    assert error.exit_code == 3


def test_a_signal_stops_the_workers_and_is_resumable(tmp_path: Path) -> None:
    mark = tmp_path / "process"
    before = signal.getsignal(signal.SIGTERM)

    def send_when_running() -> None:
        while not (mark.exists() and mark.read_text(encoding="utf-8")):
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    sender = threading.Thread(target=send_when_running)
    started = time.monotonic()
    sender.start()
    with pytest.raises(Interrupted) as caught, open_executor(1) as executor:
        list(run_all(executor, jobs.sleep_long, [(str(mark),)], "sleep"))
    sender.join()
    assert caught.value.exit_code == 75
    assert "resume" in str(caught.value.fix)
    assert time.monotonic() - started < 60
    assert not is_alive(int(mark.read_text(encoding="utf-8")))
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_worker_begins_no_further_job_after_a_signal(tmp_path: Path) -> None:
    first = tmp_path / "0"

    def send_when_running() -> None:
        while not (first.exists() and first.read_text(encoding="utf-8")):
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    sender = threading.Thread(target=send_when_running)
    sender.start()
    queued = [(str(tmp_path / str(index)),) for index in range(5)]
    started = time.monotonic()
    with pytest.raises(Interrupted), open_executor(1) as executor:
        list(run_all(executor, jobs.end_politely, queued, "job"))
    sender.join()
    assert time.monotonic() - started < 50
    assert len(list(tmp_path.iterdir())) < len(queued)
    assert not is_alive(int(first.read_text(encoding="utf-8")))


def test_the_signal_handler_is_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with open_executor(1):
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_scheduler_without_dask_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(ConfigError, match="needs Dask") as caught,
        open_executor(1, "tcp://head:8786"),
    ):
        pass
    assert "cluster" in str(caught.value.fix)
