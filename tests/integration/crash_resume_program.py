"""One training command that can be told to die; run in a process of its own.

    python crash_resume_program.py FOLDER toy|events WORKERS [KIND UPDATE]

KIND: ``update`` (kill -9 inside the update), ``writing`` (kill -9 with half a checkpoint on disk),
``written`` (kill -9 with a complete one not yet renamed), ``wait`` (say so and wait to be killed),
``term`` (SIGTERM to itself inside the update), ``nan``.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from event_training import EventTask, event_loader, event_model, toy_events
from safetensors.torch import save_file
from toy_training import FileTracker, ToyLoader, ToyNet, ToyTask

from colliderfm.data.loader import EventLoader
from colliderfm.errors import ColliderFMError
from colliderfm.train.loop import fit
from colliderfm.train.settings import FitSettings

SETTINGS = FitSettings(
    max_updates=30,
    validate_every=5,
    patience=20,
    encoder_learning_rate=0.01,
    head_learning_rate=0.02,
    warmup_updates=4,
    ema_decay=0.8,
    checkpoint_every=4,
    log_every=3,
    seed=3,
)


def updates_taken(loader: ToyLoader | EventLoader) -> int:
    """Number of the update whose batch was taken last, over all sittings."""
    if isinstance(loader, ToyLoader):
        return loader.position
    state = loader.state_dict()
    return int(str(state["epoch"])) * loader.batches_in_epoch() + int(str(state["step"]))


class DyingTask:
    def __init__(
        self, task: ToyTask | EventTask, loader: ToyLoader | EventLoader, folder: Path
    ) -> None:
        self.task, self.loader, self.folder = task, loader, folder
        self.kind, self.at = "", 0
        self.validate = task.validate

    def loss(self, batch: Any) -> tuple[torch.Tensor, dict[str, torch.Tensor | float]]:
        loss, parts = self.task.loss(batch)
        if updates_taken(self.loader) == self.at:
            if self.kind == "update":
                os.kill(os.getpid(), signal.SIGKILL)
            elif self.kind == "wait":
                (self.folder / "waiting").touch()
                time.sleep(60)
            elif self.kind == "term":
                os.kill(os.getpid(), signal.SIGTERM)
            elif self.kind == "nan":
                loss = loss * float("nan")
        return loss, parts


def die_in_checkpoint(kind: str, at: int, loader: ToyLoader | EventLoader) -> None:
    """Kill this process at the first flush of a checkpoint file after update ``at``."""
    flush: Callable[[int], None] = os.fsync

    def flush_or_die(descriptor: int) -> None:
        if updates_taken(loader) >= at:
            if kind == "writing":
                partial = Path(f"/proc/self/fd/{descriptor}").resolve()
                os.truncate(partial, partial.stat().st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)
        flush(descriptor)

    os.fsync = flush_or_die


def main() -> int:
    folder, workers = Path(sys.argv[1]), int(sys.argv[3])
    torch.set_num_threads(1)
    if sys.argv[2] == "toy":
        model, loader = ToyNet(seed=1, dropout=0.3), ToyLoader(workers=workers)
        task = DyingTask(ToyTask(model), loader, folder)
    else:
        table = toy_events()
        model, loader = event_model(table), event_loader(table, workers)
        task = DyingTask(EventTask(model), loader, folder)
    if len(sys.argv) > 4:
        task.kind, task.at = sys.argv[4], int(sys.argv[5])
    if task.kind in ("writing", "written"):
        die_in_checkpoint(task.kind, task.at, loader)
    try:
        result = fit(
            model,
            task,
            loader,
            SETTINGS,
            tracker=FileTracker(folder / "metrics.txt"),
            checkpoint_folder=folder / "checkpoint",
            progress=None,
        )
    except ColliderFMError as err:
        sys.stderr.write(f"{err}\n")
        return err.exit_code
    save_file(model.state_dict(), folder / "final.safetensors")
    (folder / "result.txt").write_text(f"{result.best_update} {result.best_metric!r}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
