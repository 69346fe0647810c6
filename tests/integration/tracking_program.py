"""Programs that tests start as processes: ``python tracking_program.py NAME ARGUMENTS``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from colliderfm.tracking.promotion import GateResult, promote
from colliderfm.tracking.registry import ensure_shipped
from colliderfm.tracking.run import open_run
from colliderfm.tracking.store import client

NAME = "event-encoder"


def wait_for(signal: Path) -> None:
    """Announce that everything is imported, then start together with the others."""
    client()
    signal.with_name(f"ready-{time.time_ns()}").touch()
    while not signal.exists():
        time.sleep(0.005)


def promote_version(signal: str, version: str) -> None:
    """Promote a version that always wins."""
    wait_for(Path(signal))

    def gate(champion: int | None) -> GateResult:
        return GateResult("macro AUC", 0.9, None if champion is None else 0.5, 0.01, champion)

    outcome = promote(NAME, int(version), gate=gate)
    sys.stdout.write(f"{outcome.is_promoted}\n")


def ship(signal: str, folder: str) -> None:
    """Register the shipped encoder."""
    wait_for(Path(signal))
    sys.stdout.write(f"{ensure_shipped(Path(folder), NAME)}\n")


def write(signal: str, name: str, batches: str) -> None:
    """Write batches of metrics into one run; ``signal`` may be "" to start at once."""
    if signal:
        wait_for(Path(signal))
    with open_run("haa", name, {"seed": name}, {"stage": "finetune", "cell.key": name}) as run:
        for step in range(1, int(batches) + 1):
            run.log_metrics({f"train/m{index}": 1.0 / step for index in range(10)}, step)
            run.flush()
            sys.stdout.write(f"{run.run_id}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    programs = {"promote": promote_version, "ship": ship, "write": write}
    programs[sys.argv[1]](*sys.argv[2:])
