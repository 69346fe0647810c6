"""Where jobs run: spawned processes on this machine, or a Dask cluster, behind one interface."""

from __future__ import annotations

import logging
import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

from colliderfm.errors import ConfigError, Interrupted

log = logging.getLogger(__name__)


@contextmanager
def open_executor(workers: int, scheduler: str = "") -> Iterator[Executor]:
    """Yield an executor of spawned worker processes, or of a Dask cluster.

    Parameters
    ----------
    workers : int
        Processes on this machine.
    scheduler : str
        Address of a Dask scheduler, e.g. ``tcp://head:8786``; empty means this machine.

    Raises
    ------
    ConfigError
        If a scheduler is named and the extra ``cluster`` is not installed.
    Interrupted
        On SIGTERM; the workers are told to stop first.
    """
    if scheduler:
        with _dask_executor(scheduler) as executor:
            yield executor
        return
    # Spawn, since a forked child would share open database handles and torch threads.
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
    previous = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield pool
    except BaseException:
        _stop(pool)
        raise
    finally:
        signal.signal(signal.SIGTERM, previous)
        pool.shutdown(wait=True, cancel_futures=True)


def run_all(
    executor: Executor,
    function: Callable[..., Any],
    jobs: Sequence[tuple[Any, ...]],
    noun: str,
) -> Iterator[tuple[int, Any]]:
    """Yield ``(index, result)`` of each job as it ends, with progress and time left in the log.

    Parameters
    ----------
    executor : Executor
        From ``open_executor``.
    function : callable
        Importable function; called with the values of one job.
    jobs : sequence of tuple
        Arguments, one tuple per job.
    noun : str
        What a job is called in the progress lines.
    """
    started = time.monotonic()
    futures: dict[Future[Any], int] = {
        executor.submit(function, *job): index for index, job in enumerate(jobs)
    }
    for n_done, future in enumerate(as_completed(futures), start=1):
        result = future.result()
        rate = n_done / max(time.monotonic() - started, 1e-9)
        left = (len(jobs) - n_done) / rate
        log.info(
            "%s %d/%d   %.1f per minute   %.0f s left", noun, n_done, len(jobs), 60 * rate, left
        )
        yield futures[future], result


@contextmanager
def _dask_executor(scheduler: str) -> Iterator[Executor]:
    try:
        from distributed import Client
    except ImportError:
        raise ConfigError(
            "--scheduler needs Dask", fix="pip install -c constraints.txt -e '.[cluster]'"
        ) from None
    with Client(scheduler) as client:
        yield client.get_executor()


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Interrupted("stopped by SIGTERM", fix="run the same command to resume")


def _stop(pool: ProcessPoolExecutor) -> None:
    # A worker that ends its job politely begins the next one it had fetched: it is told again.
    workers = list((getattr(pool, "_processes", None) or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    while alive := [process for process in workers if process.is_alive()]:
        for process in alive:
            process.terminate()
        alive[0].join(timeout=1.0)
