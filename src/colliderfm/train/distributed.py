"""Many processes under ``torchrun``: who is who, averaged gradients, sharded parameters.

Without a process group everything here does what one process would do. Each rank draws its own
share of the batches (``EventLoader(rank=…, world_size=…)``), gradients are averaged over the ranks,
and rank 0 alone writes files and metrics. Examples: ``docs/scaling.md``.
"""

from __future__ import annotations

import atexit
import gc
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from colliderfm.train.device import resolve_device
from colliderfm.train.protocols import Task

Loss = tuple[torch.Tensor, Mapping[str, torch.Tensor | float]]


@dataclass(frozen=True)
class Ranks:
    """Place of this process among all: ``rank`` of ``world_size``."""

    rank: int = 0
    world_size: int = 1

    @property
    def is_writer(self) -> bool:
        """True for the one process that writes checkpoints and metrics."""
        return self.rank == 0


def current_ranks() -> Ranks:
    """Return this process' place; rank 0 of 1 without a process group."""
    if dist.is_available() and dist.is_initialized():
        return Ranks(dist.get_rank(), dist.get_world_size())
    return Ranks()


@contextmanager
def process_group(device: str = "auto") -> Iterator[Ranks]:
    """Join the process group that ``torchrun`` describes, and leave it at the end.

    Parameters
    ----------
    device : str
        ``"auto"``, ``"cpu"`` or ``"cuda"``: gloo on a CPU, nccl on GPUs.

    Yields
    ------
    Ranks
        Rank 0 of 1, and no group, when ``torchrun`` did not start this process.
    """
    if dist.is_initialized() or int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield current_ranks()
        return
    place = resolve_device(device)
    if place.type == "cuda":
        torch.cuda.set_device(place)
    dist.init_process_group("nccl" if place.type == "cuda" else "gloo")
    try:
        yield current_ranks()
    finally:
        dist.destroy_process_group()


def shard_parameters(model: torch.nn.Module, device: torch.device) -> None:
    """Shard a model's parameters over all ranks in place (FSDP); nothing without a group.

    Members of module lists (the transformer blocks) are gathered one at a time, the rest with the
    whole model. Only a call of the model itself gathers parameters, so a task must not use them
    outside ``model(batch)``.
    """
    n_ranks = current_ranks().world_size
    if n_ranks == 1:
        return
    mesh = init_device_mesh(device.type, (n_ranks,))
    atexit.register(_release_group, mesh)
    for module in list(model.modules()):
        if isinstance(module, torch.nn.ModuleList):
            for child in module:
                fully_shard(child, mesh=mesh)
    fully_shard(model, mesh=mesh)


def _release_group(mesh: DeviceMesh) -> None:
    """Free the process group of a mesh that PyTorch's caches keep, and so end gloo's threads.

    A thread that frees a tensor while the interpreter ends would abort the process (SIGABRT,
    https://github.com/pytorch/pytorch/issues/190489).
    """
    mesh._pg_registry.clear()
    gc.collect()


def averaged_step(
    model: torch.nn.Module, task: Task, *, is_sharded: bool, device: torch.device
) -> Callable[[Any], Loss]:
    """Return the task's loss as a callable whose gradients are averaged over the ranks.

    Gradients equal those of one process on the joint batch if every rank's loss is a mean over
    equally many events.
    """
    if current_ranks().world_size == 1 or is_sharded:
        return task.loss
    # Heads without a target in a batch leave parameters without gradient.
    return torch.nn.parallel.DistributedDataParallel(
        _LossModule(model, task),
        device_ids=[device] if device.type == "cuda" else None,
        find_unused_parameters=True,
    )


@contextmanager
def gradients_kept(step: Callable[[Any], Loss]) -> Iterator[None]:
    """Leave the gradients of a pass on their rank: a later pass of the update averages the sum."""
    if isinstance(step, torch.nn.parallel.DistributedDataParallel):
        with step.no_sync():
            yield
    else:
        yield


class _LossModule(torch.nn.Module):
    """The loss as a module, so that DDP sees its forward pass and its parameters."""

    def __init__(self, model: torch.nn.Module, task: Task) -> None:
        super().__init__()
        self.model = model
        # In a tuple: a task that is a module must not register the parameters twice.
        self._task = (task,)

    def forward(self, batch: Any) -> Loss:
        """Return loss and parts of a batch."""
        return self._task[0].loss(batch)


def on_any_rank(flag: bool, device: torch.device) -> bool:
    """Return True on all ranks if ``flag`` is True on one."""
    if current_ranks().world_size == 1:
        return flag
    value = torch.tensor(float(flag), device=device)
    dist.all_reduce(value, dist.ReduceOp.MAX)
    return bool(value.item())


def mean_over_ranks(metrics: Mapping[str, float], device: torch.device) -> dict[str, float]:
    """Return the mean of every metric over the ranks; names must agree."""
    n_ranks = current_ranks().world_size
    if n_ranks == 1 or not metrics:
        return dict(metrics)
    kind = torch.float64 if device.type == "cpu" else torch.float32
    values = torch.tensor(list(metrics.values()), dtype=kind, device=device)
    dist.all_reduce(values)
    return dict(zip(metrics, (values / n_ranks).tolist(), strict=True))


def from_writer(value: Any) -> Any:
    """Return the writer's value of a plain object on all ranks."""
    if current_ranks().world_size == 1:
        return value
    box = [value]
    dist.broadcast_object_list(box, src=0)
    return box[0]


def from_all_ranks(value: Any) -> list[Any]:
    """Return the plain objects of all ranks, in rank order."""
    n_ranks = current_ranks().world_size
    if n_ranks == 1:
        return [value]
    values: list[Any] = [None] * n_ranks
    dist.all_gather_object(values, value)
    return values


def full_tensors(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Gather sharded tensors; every rank must call it. Plain tensors pass through."""
    return {
        name: value.full_tensor() if isinstance(value, DTensor) else value
        for name, value in tensors.items()
    }


def own_shard(tensor: torch.Tensor) -> torch.Tensor:
    """Return the part of a sharded tensor that this rank holds, sharing its memory."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def laid_out_like(value: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return a full tensor on the device, and with the sharding, of ``target``."""
    moved = value.to(target.device)
    if isinstance(target, DTensor):
        return distribute_tensor(moved, target.device_mesh, target.placements)
    return moved


def full_state(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Return the whole state of a possibly sharded model on the CPU; every rank must call it."""
    return {name: value.cpu() for name, value in full_tensors(model.state_dict()).items()}
