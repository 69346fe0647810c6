"""Progress of a run: a bar on a terminal, else one log line every 30 seconds and at the end."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

_LOG = logging.getLogger(__name__)
_SECONDS_BETWEEN_LINES = 30.0


class ProgressLine:
    """Count updates and events and say how far the run is.

    Parameters
    ----------
    label : str
        What runs, e.g. ``"pretraining"``.
    total : int
        Cap on the updates.
    first : int
        Updates done before this sitting.
    bar : rich.progress.Progress, optional
        Bar to move; without it lines go to the log.
    """

    def __init__(self, label: str, total: int, first: int, bar: Progress | None = None) -> None:
        self.label, self.total, self.first, self.bar = label, total, first, bar
        self.update, self.n_events, self.loss = first, 0, float("nan")
        self._start = self._last_line = time.monotonic()
        self._bar_task: TaskID | None = None
        if bar is not None:
            self._bar_task = bar.add_task(label, total=total, completed=first, status="")

    def advance(self, update: int, n_events: int, loss: float) -> None:
        """Take one finished update in and show it when due."""
        self.update, self.loss = update, loss
        self.n_events += n_events
        if self.bar is not None and self._bar_task is not None:
            self.bar.update(self._bar_task, completed=update, status=self.status())
        elif time.monotonic() - self._last_line >= _SECONDS_BETWEEN_LINES:
            self.write_line()

    def status(self) -> str:
        """Return update/total, events/s, loss and time left in one line."""
        seconds = max(time.monotonic() - self._start, 1e-9)
        done = max(self.update - self.first, 1)
        left = timedelta(seconds=round(seconds / done * (self.total - self.update)))
        return (
            f"update {self.update}/{self.total}, {self.n_events / seconds:.0f} events/s, "
            f"loss {self.loss:.4g}, {left} left"
        )

    def write_line(self) -> None:
        """Write the status to the log."""
        self._last_line = time.monotonic()
        _LOG.info("%s: %s", self.label, self.status())


@contextmanager
def open_progress(label: str | None, total: int, first: int) -> Iterator[ProgressLine]:
    """Show progress while a block runs.

    Parameters
    ----------
    label : str or None
        What runs; None shows nothing.
    total : int
        Cap on the updates.
    first : int
        Updates already done.

    Yields
    ------
    ProgressLine
        To be advanced once per update.
    """
    if label is None:
        yield ProgressLine("", total, first, Progress(disable=True))
    elif sys.stderr.isatty():
        name, status = TextColumn("{task.description}"), TextColumn("{task.fields[status]}")
        with Progress(name, BarColumn(), status, console=Console(stderr=True)) as bar:
            yield ProgressLine(label, total, first, bar)
    else:
        line = ProgressLine(label, total, first)
        yield line
        line.write_line()
