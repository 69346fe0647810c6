"""Endless batches with exact resume: batch (epoch, step) is a pure function of the seed.

An epoch gives every event once. Each global batch is dealt to the ranks event by event, so ranks
are disjoint, complete and equally long. Batches of an epoch have nearly equal size, at most
``batch_size`` per rank: there is no small last batch. Bucketing sorts by length inside a stretch
of some batches, then shuffles the batches. Read next: ``windows.py``.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from itertools import count
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from colliderfm.data.event_batch import EventBatch
from colliderfm.data.event_table import EventTable
from colliderfm.data.loader_state import check_identity, check_rank
from colliderfm.data.windows import MemorySource, WindowSource
from colliderfm.errors import ConfigError

_BUCKET_BATCHES = 16
_PREFETCHED_BATCHES = 4


class _BatchPlan(Dataset[EventBatch]):
    """Map (epoch, step) to a batch; the part of a loader that workers hold."""

    def __init__(
        self,
        source: WindowSource,
        batch_size: int,
        seed: int,
        *,
        shuffle: bool,
        bucket: bool,
        rank: int,
        world_size: int,
    ) -> None:
        self.source, self.batch_size, self.seed = source, batch_size, seed
        self.shuffle, self.bucket = shuffle, bucket and shuffle
        self.rank, self.world_size = rank, world_size
        self._epoch: tuple[int, np.ndarray, np.ndarray] | None = None
        self._window: tuple[tuple[int, int], EventTable, list[np.ndarray]] | None = None

    def epoch_layout(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the order of the pieces and the first step of each window, the end included."""
        if self._epoch is None or self._epoch[0] != epoch:
            order = np.arange(self.source.n_pieces)
            if self.shuffle:
                order = np.random.default_rng([self.seed, epoch]).permutation(order)
            steps = [self._n_batches(size) for size in self.source.sizes(order)]
            self._epoch = (epoch, order, np.concatenate([[0], np.cumsum(steps)]))
        return self._epoch[1], self._epoch[2]

    def _n_batches(self, n_events: int) -> int:
        n_batches = -(-n_events // (self.batch_size * self.world_size))
        if n_events // n_batches < self.world_size:
            raise ConfigError(
                "too few events for the number of ranks",
                got=f"{n_events} events in {n_batches} batches, {self.world_size} ranks",
                need="an event per rank in every batch",
                fix="start fewer ranks or take a larger batch",
            )
        return n_batches

    def __getitem__(self, key: tuple[int, int]) -> EventBatch:
        epoch, step = key
        order, first_step = self.epoch_layout(epoch)
        window = int(np.searchsorted(first_step, step, side="right")) - 1
        if self._window is None or self._window[0] != (epoch, window):
            table = self.source.load(order, window)
            self._window = ((epoch, window), table, self._batches(table, epoch, window))
        _, table, batches = self._window
        return table.batch(batches[step - int(first_step[window])][self.rank :: self.world_size])

    def _batches(self, table: EventTable, epoch: int, window: int) -> list[np.ndarray]:
        """Cut a window into the index arrays of its global batches, in the order of the steps."""
        order = np.arange(len(table))
        if not self.shuffle:
            return np.array_split(order, self._n_batches(len(table)))
        rng = np.random.default_rng([self.seed, epoch, window])
        order = rng.permutation(order)
        if self.bucket:
            stretch = np.arange(len(order)) // (_BUCKET_BATCHES * self.batch_size * self.world_size)
            order = order[np.lexsort((table.n_objects[order], stretch))]
        batches = np.array_split(order, self._n_batches(len(table)))
        return [batches[position] for position in rng.permutation(len(batches))]


class EventLoader:
    """Endless, deterministic, resumable batches.

    Parameters
    ----------
    source : EventTable or WindowSource
        Events in memory, or a ``StreamedSource``.
    batch_size : int
        Largest number of events per batch and rank.
    seed : int
        Sets the order of the events in every epoch.
    shuffle : bool
        Draw a new order per epoch; without it batches follow the source's order.
    rank : int
        Which part of every global batch to give.
    world_size : int
        Number of parts; they are disjoint and complete.
    workers : int
        Processes that prepare batches; any number gives the same sequence.
    bucket : bool
        Put events of similar length together; needs ``shuffle``.

    Raises
    ------
    ConfigError
        For an impossible batch size or rank, or fewer events than ranks.
    """

    def __init__(
        self,
        source: EventTable | WindowSource,
        batch_size: int,
        seed: int = 0,
        *,
        shuffle: bool = True,
        rank: int = 0,
        world_size: int = 1,
        workers: int = 0,
        bucket: bool = True,
    ) -> None:
        if batch_size < 1:
            raise ConfigError("batch_size", got=batch_size, need="at least 1")
        check_rank(rank, world_size)
        windows = MemorySource(source) if isinstance(source, EventTable) else source
        self._plan = _BatchPlan(
            *(windows, batch_size, seed),
            shuffle=shuffle,
            bucket=bucket,
            rank=rank,
            world_size=world_size,
        )
        self._workers = workers
        self._epoch, self._step = 0, 0
        self._plan.epoch_layout(0)

    @property
    def epoch(self) -> int:
        """Number of complete passes given so far."""
        return self._epoch

    def batches_in_epoch(self, epoch: int = 0) -> int:
        """Return the number of batches of an epoch."""
        return int(self._plan.epoch_layout(epoch)[1][-1])

    def __iter__(self) -> Iterator[EventBatch]:
        following = self._keys(skip=1)
        for batch in self._produce():
            # Moved before the batch is handed out: a state taken meanwhile points behind it.
            self._epoch, self._step = next(following)
            yield batch

    def _keys(self, skip: int = 0) -> Iterator[tuple[int, int]]:
        step = self._step + skip
        for epoch in count(self._epoch):
            for position in range(step, self.batches_in_epoch(epoch)):
                yield epoch, position
            step = 0

    def _produce(self) -> Iterator[EventBatch]:
        if not self._workers:
            yield from map(self._plan.__getitem__, self._keys())
            return
        loader = DataLoader(
            self._plan,
            batch_size=None,
            sampler=self._keys(),
            num_workers=self._workers,
            collate_fn=_unchanged,
            worker_init_fn=_ignore_interrupt,
            prefetch_factor=_PREFETCHED_BATCHES,
            # Without a generator of its own the loader would draw from the global one.
            generator=torch.Generator().manual_seed(0),
        )
        yield from loader

    def state_dict(self) -> dict[str, object]:
        """Return the position of the next batch and what it depends on, as plain JSON values."""
        return {"epoch": self._epoch, "step": self._step, **self._identity()}

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Continue at a position: the batches that follow are those of the saved loader.

        Parameters
        ----------
        state : dict
            From ``state_dict`` of a loader with the same events, seed, batch size and ranks.

        Raises
        ------
        CheckpointError
            If any of these differ.
        """
        check_identity("event", "data", self._identity(), state)
        self._epoch, self._step = int(str(state["epoch"])), int(str(state["step"]))

    def _identity(self) -> dict[str, object]:
        plan = self._plan
        return {
            "events": plan.source.fingerprint,
            "seed": plan.seed,
            "batch_size": plan.batch_size,
            "world_size": plan.world_size,
            "shuffle": plan.shuffle,
            "bucket": plan.bucket,
        }


def sequential(table: EventTable, batch_size: int) -> Iterator[tuple[np.ndarray, EventBatch]]:
    """Give every event once, sorted by length so that little is padded.

    Parameters
    ----------
    table : EventTable
        Events to evaluate.
    batch_size : int
        Events per batch; the last one may be smaller.

    Yields
    ------
    tuple[np.ndarray, EventBatch]
        Positions in ``table``, shape (B,), and those events: ``result[indices] = output`` restores
        the order.
    """
    order = np.argsort(table.n_objects, kind="stable")
    for start in range(0, len(order), batch_size):
        indices = order[start : start + batch_size]
        yield indices, table.batch(indices)


def _unchanged(batch: Any) -> Any:
    return batch


def _ignore_interrupt(_worker: int) -> None:
    # Ctrl-C goes to the whole process group; only the main process may answer it, by a checkpoint.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
