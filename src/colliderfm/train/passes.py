"""The passes of one update: forward and backward over a batch, at once or in parts.

Read next: :mod:`colliderfm.train.sitting`, which calls this once per update.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import torch

from colliderfm.train.device import autocast
from colliderfm.train.distributed import Loss, gradients_kept
from colliderfm.train.protocols import PartedTask, Task
from colliderfm.train.settings import FitSettings


def passes_of(
    task: Task, batch: Any, settings: FitSettings
) -> Sequence[tuple[Any, torch.Tensor | float]]:
    """Return what goes through the network one after another, with its factor in the loss."""
    n_events = settings.events_per_pass
    if isinstance(task, PartedTask) and 0 < n_events < len(batch):
        return task.parts(batch, n_events)
    return [(batch, 1.0)]


def add_gradients(
    step: Callable[[Any], Loss],
    passes: Sequence[tuple[Any, torch.Tensor | float]],
    settings: FitSettings,
    device: torch.device,
) -> Loss:
    """Add the gradients of all passes to those of the parameters.

    Parameters
    ----------
    step : callable
        Loss and its parts, from ``averaged_step``; gradients are averaged over the ranks once, in
        the last pass.
    passes : sequence of tuple
        From ``passes_of``.
    settings : FitSettings
        Gives the precision.
    device : torch.device
        Where to compute.

    Returns
    -------
    tuple of Tensor and dict
        Loss of the batch and its named parts, detached.
    """
    total: torch.Tensor | float = 0.0
    sums: dict[str, torch.Tensor | float] = {}
    for number, (batch, factor) in enumerate(passes, start=1):
        with gradients_kept(step) if number < len(passes) else nullcontext():
            with autocast(device, settings.precision):
                loss, parts = step(batch)
            loss = factor * loss
            loss.backward()
        total = total + loss.detach()
        for name, part in parts.items():
            sums[name] = sums.get(name, 0.0) + factor * part
    return torch.as_tensor(total), sums
