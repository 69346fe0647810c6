"""What the loop asks of the outside world: batches, a task, a tracker.

Structural types only, so that ``train/`` needs neither MLflow nor the event format. Read next:
:mod:`colliderfm.train.loop`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import torch


class Batch(Protocol):
    """B events that can be counted and moved to a device."""

    def __len__(self) -> int:
        """Return the number of events B."""
        ...

    def to(self, device: torch.device) -> Batch:
        """Return the batch on ``device``."""
        ...


class BatchLoader(Protocol):
    """An endless, seeded sequence of batches with an exact position.

    After k batches were taken, ``state_dict()`` (JSON values only) describes the position so that
    ``load_state_dict`` followed by ``iter`` continues with batch k + 1, bit for bit. Batches that
    worker processes prefetched but nobody took do not count.
    """

    def __iter__(self) -> Iterator[Any]:
        """Iterate from the present position."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Return the position after the last batch taken, as JSON values."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Move to a position that ``state_dict`` returned."""
        ...


class Task(Protocol):
    """What is learned: a loss over batches and metrics on the validation split.

    A task calls the very ``model`` object that is handed to ``fit``: weights are swapped in place
    and gradients are averaged through its parameters.
    """

    def loss(self, batch: Any) -> tuple[torch.Tensor, Mapping[str, torch.Tensor | float]]:
        """Return the scalar loss (a mean over the batch) and its named parts."""
        ...

    def validate(self) -> Mapping[str, float]:
        """Return validation metrics by name; the loop adds ``val/`` where it is missing.

        Called with the averaged (EMA) weights in the model, in evaluation mode, without gradients;
        in a distributed run on every rank, over the whole validation split.
        """
        ...


@runtime_checkable
class ScheduledTask(Protocol):
    """A task whose loss depends on how far the training is."""

    def begin_update(self, update: int) -> None:
        """Note which update comes next, counted from 1."""
        ...


@runtime_checkable
class PartedTask(Protocol):
    """A task whose loss on a batch is a sum over parts of it."""

    def parts(self, batch: Any, n_events: int) -> Sequence[tuple[Any, torch.Tensor | float]]:
        """Return parts of at most ``n_events`` and factors.

        The sum of factor times ``loss`` over the parts is the loss of the batch. Called after
        ``begin_update``, with the generators seeded for the update.
        """
        ...


class Tracker(Protocol):
    """Where metrics go; ``step`` is the number of updates done.

    After a resume, metrics of the updates since the last checkpoint are sent again with identical
    values and steps. ``flush`` is called before every checkpoint, so no metric gets lost.
    """

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Record metrics at an update."""
        ...

    def flush(self) -> None:
        """Write everything recorded so far."""
        ...


class SilentTracker:
    """A tracker that drops everything, for sweeps without a store and for tests."""

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Drop the metrics."""

    def flush(self) -> None:
        """Do nothing."""
