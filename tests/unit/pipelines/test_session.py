"""What every command does first."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from colliderfm.pipelines.session import start


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Put handlers and levels back; ``start`` replaces them."""
    root, ours = logging.getLogger(), logging.getLogger("colliderfm")
    handlers, levels = list(root.handlers), (root.level, ours.level)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


@pytest.mark.parametrize(("debug", "level"), [(False, logging.INFO), (True, logging.DEBUG)])
def test_our_lines_are_shown_and_others_warn_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, debug: bool, level: int
) -> None:
    monkeypatch.chdir(tmp_path)
    start(debug)
    assert logging.getLogger("colliderfm").level == level
    assert logging.getLogger().level == logging.WARNING


def test_usage_data_stays_at_home_unless_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_DISABLE_TELEMETRY", raising=False)
    monkeypatch.setenv("DVC_NO_ANALYTICS", "0")
    start()
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert os.environ["DVC_NO_ANALYTICS"] == "0"
