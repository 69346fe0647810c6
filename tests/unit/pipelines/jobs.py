"""Functions that worker processes of the tests run."""

from __future__ import annotations

import os
import time
from pathlib import Path

from colliderfm.errors import DataError
from colliderfm.train.interruption import StopSignals


def square(x: int) -> tuple[int, int]:
    """Return x squared and the process that did it."""
    return x * x, os.getpid()


def refuse(path: str) -> None:
    """Fail as a reader of event files does."""
    raise DataError(f"{path} is empty", got="0 rows", need="events", fix="make it again")


def end_politely(path: str) -> None:
    """Leave a mark and work until a signal comes, as a training does."""
    with StopSignals() as signals:
        Path(path).write_text(str(os.getpid()), encoding="utf-8")
        for _ in range(1200):
            if signals.requested:
                return
            time.sleep(0.05)


def sleep_long(path: str) -> None:
    """Leave a mark and then wait for a signal."""
    Path(path).write_text(str(os.getpid()), encoding="utf-8")
    time.sleep(120)
