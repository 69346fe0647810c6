"""One rank of a tiny training; also runs alone.

torchrun --nproc-per-node 2 distributed_program.py FOLDER ddp|fsdp toy|parts|events [UPDATE]

UPDATE: the update in which rank 1 gets a SIGTERM. The threads left at the very end are written to
FOLDER/threads_RANK.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
from pathlib import Path
from typing import Any

import torch
from event_training import EventTask, event_loader, event_model, toy_events
from safetensors.torch import save_file
from torch.distributed.tensor import DTensor
from toy_training import FileTracker, ToyLoader, ToyNet, ToyTask

from colliderfm.errors import Interrupted
from colliderfm.train.distributed import full_state, process_group
from colliderfm.train.loop import fit
from colliderfm.train.settings import FitSettings


class PartedToyTask(ToyTask):
    """The toy task, whose loss is a mean over events, in parts."""

    def parts(self, batch: torch.Tensor, n_events: int) -> list[tuple[torch.Tensor, float]]:
        return [(part, len(part) / len(batch)) for part in batch.split(n_events)]


class TerminatedTask:
    def __init__(self, task: ToyTask | EventTask, at: int) -> None:
        self.task, self.at, self.n_losses = task, at, 0
        self.validate = task.validate
        if isinstance(task, PartedToyTask):
            self.parts = task.parts

    def loss(self, batch: Any) -> tuple[torch.Tensor, dict[str, torch.Tensor | float]]:
        self.n_losses += 1
        if self.n_losses == self.at:
            os.kill(os.getpid(), signal.SIGTERM)
        return self.task.loss(batch)


def write_threads(folder: Path) -> None:
    tasks = Path("/proc/self/task").glob("*/comm")
    names = "".join(task.read_text() for task in tasks)
    (folder / f"threads_{os.environ.get('RANK', '0')}").write_text(names)


def main() -> int:
    folder, kind = Path(sys.argv[1]), sys.argv[2]
    # Registered first, so called after all that the project registers.
    atexit.register(write_threads, folder)
    terminate_at = int(sys.argv[4]) if len(sys.argv) > 4 else 0
    torch.set_num_threads(1)
    settings = FitSettings(
        max_updates=12,
        validate_every=4,
        encoder_learning_rate=0.01,
        head_learning_rate=0.02,
        warmup_updates=3,
        ema_decay=0.8,
        checkpoint_every=5,
        device="cpu",
        shard_parameters=kind == "fsdp",
        # Ranks of 8 events of the toy task: parts of 3, 3 and 2.
        events_per_pass=3,
    )
    with process_group("cpu") as ranks:
        place = {"rank": ranks.rank, "world_size": ranks.world_size}
        # Neither dropout nor batch norm: both see the batch of one rank only.
        if sys.argv[3] in ("toy", "parts"):
            model, loader = ToyNet(seed=1, dropout=0.0, has_norm=False), ToyLoader(**place)
            task = ToyTask(model) if sys.argv[3] == "toy" else PartedToyTask(model)
        else:
            table = toy_events()
            model, loader = event_model(table, dropout=0.0), event_loader(table, **place)
            # Assignment is a mean over matchable events, of which ranks have unequal numbers; and
            # a head without a loss must not stop DDP.
            task = EventTask(model, heads=("classify",))
        task = TerminatedTask(task, terminate_at if ranks.rank == 1 else 0)
        try:
            result = fit(
                model,
                task,
                loader,
                settings,
                tracker=FileTracker(folder / "metrics.txt"),
                checkpoint_folder=folder / "checkpoint",
                progress=None,
            )
        except Interrupted as err:
            (folder / f"interrupted_{ranks.rank}").write_text(str(err))
            return 0
        n_sharded = sum(isinstance(value, DTensor) for value in model.parameters())
        state = full_state(model)
        if ranks.is_writer:
            save_file(state, folder / "final.safetensors")
            (folder / "result.txt").write_text(
                f"{ranks.world_size} processes, best {result.best_update}, {n_sharded} sharded"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
