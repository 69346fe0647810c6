"""All that a run is made of at one update, packed into a checkpoint and taken from one.

Read next: :mod:`colliderfm.train.checkpoint` (the file) and :mod:`colliderfm.train.loop`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from colliderfm.errors import CheckpointError
from colliderfm.train.averaging import WeightAverage, load_state
from colliderfm.train.checkpoint import Checkpoint, matched_tensors
from colliderfm.train.distributed import (
    current_ranks,
    from_all_ranks,
    full_tensors,
    laid_out_like,
)
from colliderfm.train.early_stopping import EarlyStopping
from colliderfm.train.optim import optimizer_tensors, restore_optimizer
from colliderfm.train.protocols import BatchLoader
from colliderfm.train.seeding import random_states, restore_random_states


@dataclass
class MetricWindow:
    """Sums of the training metrics since they were last sent."""

    sums: dict[str, float] = field(default_factory=dict)
    n_updates: int = 0

    def add(self, metrics: Mapping[str, float]) -> None:
        """Take the metrics of one update in."""
        for name, value in metrics.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.n_updates += 1

    def take_means(self) -> dict[str, float]:
        """Return the means and start a new window."""
        means = {name: value / max(self.n_updates, 1) for name, value in self.sums.items()}
        self.sums, self.n_updates = {}, 0
        return means


@dataclass
class TrainingState:
    """State of a run after ``update`` updates.

    Parameters
    ----------
    model, average, optimizer, loader, stopping
        The moving parts.
    fixed : dict
        Settings and identity that a resumed run must share.
    best : dict of str to Tensor
        Averaged weights at the best validation; empty before the first.
    stopped : str
        ``""`` while running, then ``"plateau"`` or ``"cap"``.
    """

    model: torch.nn.Module
    average: WeightAverage
    optimizer: torch.optim.Optimizer
    loader: BatchLoader
    stopping: EarlyStopping
    fixed: dict[str, Any]
    update: int = 0
    seconds: float = 0.0
    stopped: str = ""
    window: MetricWindow = field(default_factory=MetricWindow)
    history: list[dict[str, float]] = field(default_factory=list)
    best: dict[str, torch.Tensor] = field(default_factory=dict)

    def keep_best(self) -> None:
        """Remember the averaged weights as the best so far."""
        self.best = {name: value.clone() for name, value in self.average.state.items()}

    def load_best(self) -> None:
        """Put the best averaged weights into the model."""
        load_state(self.model, self.best)

    def pack(self) -> Checkpoint:
        """Collect everything into a checkpoint; every rank must call it."""
        parts = {
            "model": full_tensors(self.model.state_dict()),
            "ema": full_tensors(self.average.state),
            "best": full_tensors(self.best),
            "optimizer": full_tensors(optimizer_tensors(self.optimizer)),
            "random": random_states(),
        }
        tensors = {
            f"{part}/{name}": value
            for part, values in parts.items()
            for name, value in values.items()
        }
        own = {
            "loader": self.loader.state_dict(),
            "window": [self.window.sums, self.window.n_updates],
        }
        record = {
            "update": self.update,
            "seconds": self.seconds,
            "stopped": self.stopped,
            "stopping": self.stopping.state_dict(),
            "history": self.history,
            "fixed": self.fixed,
            "ranks": from_all_ranks(own),
        }
        return Checkpoint(tensors, record)

    def restore(self, checkpoint: Checkpoint, path: Path) -> None:
        """Continue from a checkpoint.

        Parameters
        ----------
        checkpoint : Checkpoint
            Packed by an earlier sitting.
        path : Path
            Its file, for messages.

        Raises
        ------
        CheckpointError
            If it belongs to other settings, data or another model; nothing is changed then.
        """
        record = checkpoint.record
        check_fixed(record["fixed"], self.fixed, path)
        parts = self._checked_parts(checkpoint, path)
        own = record["ranks"][current_ranks().rank]
        self.loader.load_state_dict(own["loader"])
        load_state(self.model, parts["model"])
        self.average.state = parts["ema"]
        self.best = parts["best"]
        restore_optimizer(self.optimizer, parts["optimizer"])
        restore_random_states(checkpoint.tensors_of("random"))
        self.update, self.seconds = record["update"], record["seconds"]
        self.stopped, self.history = record["stopped"], record["history"]
        self.stopping.load_state_dict(record["stopping"])
        self.window = MetricWindow(*own["window"])

    def _checked_parts(
        self, checkpoint: Checkpoint, path: Path
    ) -> dict[str, dict[str, torch.Tensor]]:
        """Tensors by part, in the layout of this run, after comparing names and shapes."""
        state = self.model.state_dict()
        targets = {"model": state, "ema": state, "best": state, "optimizer": self._moment_targets()}
        parts: dict[str, dict[str, torch.Tensor]] = {}
        for part, wanted in targets.items():
            found = checkpoint.tensors_of(part)
            # Parameters without a gradient have no moments; before a validation none is best.
            may_lack = part in ("optimizer", "best")
            expected = {k: v for k, v in wanted.items() if k in found} if may_lack else wanted
            found = matched_tensors(found, expected, path)
            parts[part] = {k: laid_out_like(value, wanted[k]) for k, value in found.items()}
        return parts

    def _moment_targets(self) -> dict[str, torch.Tensor]:
        targets: dict[str, torch.Tensor] = {}
        for group in self.optimizer.param_groups:
            for name, parameter in zip(group["parameter_names"], group["params"], strict=True):
                targets[f"{name}:step"] = torch.zeros((), device=parameter.device)
                targets[f"{name}:exp_avg"] = targets[f"{name}:exp_avg_sq"] = parameter.detach()
        return targets


def check_fixed(found: Mapping[str, Any], wanted: Mapping[str, Any], path: Path) -> None:
    """Refuse a checkpoint that other settings, data or numbers of processes made.

    Parameters
    ----------
    found : mapping
        What the checkpoint was made with.
    wanted : mapping
        What this run has.
    path : Path
        Its file, for the message.

    Raises
    ------
    CheckpointError
        Naming what differs.
    """
    differing = [key for key in sorted({*found, *wanted}) if found.get(key) != wanted.get(key)]
    if differing:
        raise CheckpointError(
            f"{path} belongs to a run with other settings",
            got=", ".join(f"{key}={found.get(key)}" for key in differing),
            need=", ".join(f"{key}={wanted.get(key)}" for key in differing),
            fix=f"use the values of that run, or delete the file to start again: rm {path}",
        )
