"""``<out>-runs.json`` and ``<out>-run.json``: which MLflow runs stand behind the outs of a stage.

They stand beside the outs and not in them: run ids differ from time to time, outs must not.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path


def runs_file(out: Path) -> Path:
    """Return the file beside ``out`` that lists run id, time and key of each cell."""
    return out.with_name(out.name + "-runs.json")


def run_file(out: Path) -> Path:
    """Return the file beside ``out`` that names the runs of a stage."""
    return out.with_name(out.name + "-run.json")


def write_run_record(out: Path, run_ids: Sequence[str]) -> None:
    """Record the runs behind a stage's outs."""
    out.parent.mkdir(parents=True, exist_ok=True)
    run_file(out).write_text(
        json.dumps({"run_ids": list(run_ids)}, indent=1) + "\n", encoding="utf-8"
    )


def read_run_record(out: Path) -> list[str]:
    """Return the runs behind a stage's outs; empty if none are recorded."""
    path = run_file(out)
    if not path.is_file():
        return []
    return list(json.loads(path.read_text(encoding="utf-8"))["run_ids"])
