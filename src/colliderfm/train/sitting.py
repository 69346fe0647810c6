"""One sitting of a run: update, average, validate, save, stop.

One update: take a batch, seed the generators from (seed, rank, update), loss and backward (in parts,
if so wished), clip, step, average. Validation always sees the averaged weights; the best of them by
the monitored metric are what is left in the model. Read next: :mod:`colliderfm.train.passes`, then
:mod:`colliderfm.train.state`, what a checkpoint holds.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import torch

from colliderfm.errors import CheckpointError, ConfigError, Interrupted, TrainingError
from colliderfm.train import distributed
from colliderfm.train.averaging import WeightAverage
from colliderfm.train.checkpoint import checkpoint_path, read_checkpoint, write_checkpoint
from colliderfm.train.device import autocast
from colliderfm.train.early_stopping import EarlyStopping
from colliderfm.train.interruption import StopSignals
from colliderfm.train.optim import build_optimizer, set_learning_rates
from colliderfm.train.passes import add_gradients, passes_of
from colliderfm.train.progress import ProgressLine
from colliderfm.train.protocols import (
    BatchLoader,
    ScheduledTask,
    SilentTracker,
    Task,
    Tracker,
)
from colliderfm.train.seeding import seed_everything
from colliderfm.train.settings import FitResult, FitSettings
from colliderfm.train.state import TrainingState

_LOG = logging.getLogger(__name__)


class Sitting:
    """One sitting of a training run: from its start or its checkpoint to its end or a signal.

    Parameters
    ----------
    model : torch.nn.Module
        As in ``fit``; moved to the device, and sharded if asked for.
    task : Task
        As in ``fit``.
    loader : BatchLoader
        As in ``fit``.
    settings : FitSettings
        As in ``fit``.
    device : torch.device
        Where to compute.
    identity : dict of str to str
        What else a checkpoint must share to be continued.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        task: Task,
        loader: BatchLoader,
        settings: FitSettings,
        device: torch.device,
        identity: dict[str, str],
    ) -> None:
        self.task, self.loader, self.settings, self.device = task, loader, settings, device
        self.tracker: Tracker = SilentTracker()
        self.folder: Path | None = None
        self.ranks = distributed.current_ranks()
        self.model = model.to(device)
        self.model.train()
        if settings.shard_parameters:
            distributed.shard_parameters(model, device)
        self.step = distributed.averaged_step(
            model, task, is_sharded=settings.shard_parameters, device=device
        )
        self.state = TrainingState(
            model=model,
            average=WeightAverage(model, settings.ema_decay),
            optimizer=build_optimizer(model, settings),
            loader=loader,
            stopping=EarlyStopping(settings.mode, settings.patience),
            fixed={
                **settings.fixed_on_resume(),
                **identity,
                "world_size": self.ranks.world_size,
            },
        )
        self.start = time.monotonic()

    @property
    def is_finished(self) -> bool:
        """True once the cap or a plateau was reached."""
        return bool(self.state.stopped)

    def resume(self) -> int:
        """Continue from the checkpoint, if there is one, and return its update."""
        if self.folder is None:
            return 0
        checkpoint = read_checkpoint(self.folder)
        updates = distributed.from_all_ranks(checkpoint.record["update"] if checkpoint else 0)
        if len(set(updates)) > 1:
            raise CheckpointError(
                f"{self.folder} differs between processes",
                got=f"checkpoints of updates {updates} by rank",
                need="one folder that all processes see",
                fix="put the checkpoint folder on a shared file system",
            )
        if checkpoint is not None:
            self.state.restore(checkpoint, checkpoint_path(self.folder))
            self.start -= self.state.seconds
            _LOG.info("continuing %s after update %d", self.folder, self.state.update)
        return self.state.update

    def train(self, signals: StopSignals, line: ProgressLine) -> None:
        """Do updates until the cap, a plateau or a signal."""
        batches = iter(self.loader)
        while not self.is_finished:
            n_events, loss = self._update(batches)
            self._report()
            line.advance(self.state.update, n_events * self.ranks.world_size, loss)
            must_stop = distributed.on_any_rank(bool(signals.requested), self.device)
            every = self.settings.checkpoint_every
            is_due = every > 0 and self.state.update % every == 0
            if is_due or must_stop or self.is_finished:
                self._save()
            if must_stop and not self.is_finished:
                raise self.interrupted(signals.requested or "another rank", is_saved=True)

    def _update(self, batches: Iterator[Any]) -> tuple[int, float]:
        """Do one update; return the number of events and the loss."""
        update = self.state.update + 1
        try:
            batch = next(batches)
        except StopIteration as err:
            raise TrainingError(
                f"the loader ended before update {update}", need="an endless loader"
            ) from err
        seed_everything(self.settings.seed, self.ranks.rank, update)
        rates = set_learning_rates(self.state.optimizer, update, self.settings)
        if isinstance(self.task, ScheduledTask):
            self.task.begin_update(update)
        self.state.optimizer.zero_grad(set_to_none=True)
        passes = passes_of(self.task, batch.to(self.device), self.settings)
        values = _as_floats(*add_gradients(self.step, passes, self.settings, self.device))
        if distributed.on_any_rank(not math.isfinite(values["train/loss"]), self.device):
            raise self._not_finite("loss", update, values)
        norm = self._clip()
        if not math.isfinite(norm):
            raise self._not_finite("gradient norm", update, {**values, "gradient_norm": norm})
        self.state.optimizer.step()
        self.state.average.update(self.model, update)
        self.state.update = update
        values["train/gradient_norm"] = norm
        values.update({f"train/learning_rate/{name}": rate for name, rate in rates.items()})
        self.state.window.add(values)
        return len(batch), values["train/loss"]

    def _clip(self) -> float:
        """Clip the gradient and return its norm before clipping."""
        groups = self.state.optimizer.param_groups
        norm = torch.nn.utils.clip_grad_norm_(
            [parameter for group in groups for parameter in group["params"]],
            self.settings.clip_norm or math.inf,
        )
        return float(distributed.full_tensors({"norm": norm})["norm"])

    def _report(self) -> None:
        """Send training metrics and validate when due; decide whether to stop."""
        update, settings = self.state.update, self.settings
        is_last = update >= settings.max_updates
        must_validate = is_last or update % settings.validate_every == 0
        if not (must_validate or update % settings.log_every == 0):
            return
        train = distributed.mean_over_ranks(self.state.window.take_means(), self.device)
        self.tracker.log_metrics(train, update)
        if not must_validate:
            return
        metrics = self._validate()
        self.tracker.log_metrics(metrics, update)
        self.state.history.append({"update": update, **train, **metrics})
        if self.state.stopping.observe(metrics[settings.monitor], update):
            self.state.keep_best()
        if self.state.stopping.is_plateau:
            self.state.stopped = "plateau"
        elif is_last:
            self.state.stopped = "cap"

    def _validate(self) -> dict[str, float]:
        """Return the validation metrics of the averaged weights."""
        update, monitor = self.state.update, self.settings.monitor
        seed_everything(self.settings.seed, "validation", update)
        with (
            self.state.average.applied_to(self.model),
            torch.no_grad(),
            autocast(self.device, self.settings.precision),
        ):
            found = self.task.validate()
        metrics = {
            name if name.startswith("val/") else f"val/{name}": float(value)
            for name, value in found.items()
        }
        metrics = cast("dict[str, float]", distributed.from_writer(metrics))
        if monitor not in metrics:
            raise ConfigError(
                "monitored metric", got=monitor, need="one of " + ", ".join(sorted(metrics))
            )
        if not math.isfinite(metrics[monitor]):
            raise self._not_finite(f"monitored metric {monitor}", update, metrics)
        return metrics

    def _save(self) -> None:
        """Write a checkpoint after everything it calls sent has been written."""
        if self.folder is None:
            return
        self.tracker.flush()
        self.state.seconds = time.monotonic() - self.start
        checkpoint = self.state.pack()
        if self.ranks.is_writer:
            write_checkpoint(self.folder, checkpoint)

    def _not_finite(self, what: str, update: int, values: Mapping[str, float]) -> TrainingError:
        self.tracker.flush()
        path = None if self.folder is None else checkpoint_path(self.folder)
        last = f"; the last checkpoint is kept: {path}" if path and path.exists() else ""
        return TrainingError(
            f"{what} is not finite at update {update}",
            got=", ".join(f"{name}={value:.6g}" for name, value in values.items()),
            need="finite values",
            fix="lower the learning rates or clip_norm, or lengthen the warm-up" + last,
        )

    def interrupted(self, by: str, *, is_saved: bool) -> Interrupted:
        """Return the error that says how to go on after a signal."""
        if self.folder is None:
            fix = "the same command starts from update 0 (no checkpoint folder)"
        elif is_saved:
            fix = "the same command continues from there"
        else:
            fix = "the same command continues from the last checkpoint"
        return Interrupted(
            f"training stopped by {by} after update {self.state.update} of "
            f"{self.settings.max_updates}",
            fix=fix,
        )

    def result(self, resumed_from: int) -> FitResult:
        """Put the best weights into the model and describe the run."""
        self.tracker.flush()
        self.state.load_best()
        self.model.eval()
        state = self.state
        return FitResult(
            best_metric=state.stopping.best_metric,
            best_update=state.stopping.best_update,
            updates=state.update,
            stopped=cast("Any", state.stopped),
            seconds=time.monotonic() - self.start if resumed_from < state.update else state.seconds,
            history=state.history,
            resumed_from=resumed_from,
        )


def _as_floats(loss: torch.Tensor, parts: Mapping[str, torch.Tensor | float]) -> dict[str, float]:
    """Loss and parts as named floats, with one wait for the device."""
    values = {"train/loss": loss, **{f"train/loss/{name}": part for name, part in parts.items()}}
    stacked = torch.stack(
        [torch.as_tensor(value, device=loss.device).detach().float() for value in values.values()]
    )
    return dict(zip(values, stacked.tolist(), strict=True))
