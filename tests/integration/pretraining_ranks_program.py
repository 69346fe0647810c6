"""One rank of a tiny two-stage event pretraining with every head, in double precision.

torchrun --nproc-per-node 2 pretraining_ranks_program.py FOLDER ranks [UPDATE]
python pretraining_ranks_program.py FOLDER joint

``joint`` does in one process what two ranks should do together: of every update it takes the batches of
both, draws the noise of each as that rank would, and averages the two losses. UPDATE: the update in
which rank 1 gets a SIGTERM.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from colliderfm.config.load import load_params
from colliderfm.data.event_batch import EventBatch
from colliderfm.data.event_table import EventTable
from colliderfm.data.loader import EventLoader
from colliderfm.data.toys import toy_table
from colliderfm.errors import Interrupted
from colliderfm.pipelines.pretrain_event.steps import initial_model
from colliderfm.pipelines.pretrain_event.task import EventPretrainingTask
from colliderfm.pipelines.pretrain_event.variants import loss_weights, stages_of
from colliderfm.train.distributed import process_group
from colliderfm.train.loop import fit
from colliderfm.train.seeding import seed_everything
from colliderfm.train.settings import FitSettings

SEED, N_RANKS, UPDATES = 3, 2, 12
PROCESSES = ("qcd", "tt_2l", "zz")
CHANGES = (
    *("pretrain.event.variant=all", "model.event.size=tiny", "model.event.dropout=0.1"),
    *(f"pretrain.event.max_updates={UPDATES}", "pretrain.event.self_supervised_fraction=0.5"),
)
PROJECT = Path(__file__).resolve().parents[2]


def double(batch: EventBatch) -> EventBatch:
    return batch.map(lambda tensor: tensor.double() if tensor.is_floating_point() else tensor)


@dataclass
class SeveralBatches:
    """The batches of several ranks in one update."""

    batches: tuple[EventBatch, ...]

    def __len__(self) -> int:
        return sum(map(len, self.batches))

    def to(self, device: torch.device) -> SeveralBatches:
        return SeveralBatches(tuple(batch.to(device) for batch in self.batches))


class Loader:
    """Batches in double precision: of one rank, or of several together."""

    def __init__(self, table: EventTable, ranks: tuple[int, ...]) -> None:
        place = {"workers": 0, "world_size": N_RANKS}
        self.loaders = [EventLoader(table, 16, SEED, rank=rank, **place) for rank in ranks]

    def __iter__(self) -> Iterator[SeveralBatches]:
        for batches in zip(*self.loaders, strict=True):
            yield SeveralBatches(tuple(map(double, batches)))

    def state_dict(self) -> dict[str, Any]:
        return {str(i): loader.state_dict() for i, loader in enumerate(self.loaders)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        for i, loader in enumerate(self.loaders):
            loader.load_state_dict(state[str(i)])


class Task(EventPretrainingTask):
    """The task of event pretraining on the batches of one rank or of several."""

    terminate_at = 0

    def loss(self, batch: SeveralBatches) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        if self.update == self.terminate_at:
            os.kill(os.getpid(), signal.SIGTERM)
        if len(batch.batches) == 1:
            return super().loss(batch.batches[0])
        found = []
        for rank, one in enumerate(batch.batches):
            seed_everything(SEED, rank, self.update)
            found.append(super().loss(one))
        total = torch.stack([loss for loss, _ in found]).mean()
        names = found[0][1]
        return total, {n: torch.stack([parts[n] for _, parts in found]).mean() for n in names}

    def validate(self) -> dict[str, float]:
        self.model.eval()
        torch.manual_seed(0)
        batch = double(self.validation.batch(range(len(self.validation))))
        losses = self.model.losses(self.model(batch), batch)
        wanted = {name: float(losses[name].mean()) for name in self.loss_weights}
        total = sum(self.loss_weights[name] * value for name, value in wanted.items())
        return {"loss": total, **{f"loss_{name}": value for name, value in wanted.items()}}


def main() -> int:
    folder, is_joint = Path(sys.argv[1]), sys.argv[2] == "joint"
    torch.set_num_threads(1)
    params = load_params(PROJECT, (), CHANGES)
    pretraining = params.pretrain.event
    settings = FitSettings(
        max_updates=UPDATES,
        validate_every=3,
        encoder_learning_rate=2e-3,
        head_learning_rate=2e-3,
        warmup_updates=3,
        ema_decay=0.8,
        checkpoint_every=4,
        device="cpu",
        monitor="val/loss",
        seed=SEED,
    )
    with process_group("cpu") as ranks:
        table, validation = (toy_table(192, seed, PROCESSES) for seed in (0, 1))
        torch.manual_seed(SEED)
        model = initial_model(params, table).double()
        weights, stages = loss_weights(pretraining), stages_of(pretraining)
        task = Task(model, validation, weights, pretraining.processes, stages)
        task.terminate_at = int(sys.argv[3]) if len(sys.argv) > 3 and ranks.rank == 1 else 0
        loader = Loader(table, tuple(range(N_RANKS)) if is_joint else (ranks.rank,))
        checkpoint = folder / "checkpoint"
        try:
            result = fit(
                *(model, task, loader, settings), checkpoint_folder=checkpoint, progress=None
            )
        except Interrupted as err:
            (folder / f"interrupted_{ranks.rank}").write_text(str(err))
            return 0
        save_file(model.state_dict(), folder / f"final_{ranks.rank}.safetensors")
        if ranks.is_writer:
            (folder / "history.json").write_text(json.dumps(result.history))
    return 0


if __name__ == "__main__":
    sys.exit(main())
