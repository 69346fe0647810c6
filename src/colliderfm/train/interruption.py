"""SIGTERM and SIGINT become a polite request to stop after the current update."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any


class StopSignals:
    """Context manager that remembers a stop signal instead of dying of it.

    ``requested`` is the name of the last signal, or an empty string. A second SIGINT acts as it did
    before, so an impatient Ctrl-C Ctrl-C still ends the process; a second SIGTERM does not, since a
    batch system and ``torchrun`` may both send one. Outside the main thread, where Python allows no
    handlers, nothing is changed.
    """

    _signals = (signal.SIGTERM, signal.SIGINT)

    def __init__(self) -> None:
        self.requested = ""
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> StopSignals:
        if threading.current_thread() is threading.main_thread():
            for number in self._signals:
                self._previous[number] = signal.signal(number, self._remember)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number in list(self._previous):
            self._put_back(number)

    def _remember(self, number: int, _frame: FrameType | None) -> None:
        self.requested = signal.Signals(number).name
        if number == signal.SIGINT:
            self._put_back(signal.SIGINT)

    def _put_back(self, number: signal.Signals) -> None:
        # None stands for a handler installed by C code, which Python cannot put back.
        handler = self._previous.pop(number)
        signal.signal(number, signal.SIG_DFL if handler is None else handler)
