from __future__ import annotations

import io
import logging
import re
import sys

import pytest

from colliderfm.train import progress
from colliderfm.train.progress import open_progress


def test_without_a_terminal_one_line_comes_at_the_end(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with caplog.at_level(logging.INFO), open_progress("pretraining", 10, 4) as line:
        line.advance(5, 32, 1.25)
        line.advance(10, 32, 0.125)
    assert len(caplog.messages) == 1
    assert re.fullmatch(
        r"pretraining: update 10/10, \d+ events/s, loss 0\.125, 0:00:00 left", caplog.messages[0]
    )


def test_lines_come_at_the_set_interval(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with caplog.at_level(logging.INFO), open_progress("training", 100, 0) as line:
        for update in range(1, 9):
            now[0] += 10.0
            line.advance(update, 50, 1.0)
    # 8 updates of 10 s and 50 events: lines at 30 s and 60 s, and the last one.
    assert caplog.messages == [
        "training: update 3/100, 5 events/s, loss 1, 0:16:10 left",
        "training: update 6/100, 5 events/s, loss 1, 0:15:40 left",
        "training: update 8/100, 5 events/s, loss 1, 0:15:20 left",
    ]


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "200")
    with open_progress("pretraining", 10, 0) as line:
        line.advance(10, 64, 0.5)
    assert "pretraining" in terminal.getvalue()
    assert "update 10/10" in terminal.getvalue()


def test_no_label_shows_nothing(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.INFO), open_progress(None, 10, 0) as line:
        line.advance(1, 64, 0.5)
    assert caplog.messages == []
    assert capsys.readouterr() == ("", "")
