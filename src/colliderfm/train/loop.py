"""``fit``: train a model, or continue a run that was killed.

Called again with the same arguments after a kill at any moment, ``fit`` continues from its
checkpoint and ends with the same bits (same machine, same number of threads). Read next:
:mod:`colliderfm.train.sitting`, the updates themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import torch

from colliderfm.train.checkpoint import exclusive_folder
from colliderfm.train.device import resolve_device
from colliderfm.train.distributed import current_ranks
from colliderfm.train.interruption import StopSignals
from colliderfm.train.progress import open_progress
from colliderfm.train.protocols import BatchLoader, SilentTracker, Task, Tracker
from colliderfm.train.settings import FitResult, FitSettings
from colliderfm.train.sitting import Sitting


def fit(
    model: torch.nn.Module,
    task: Task,
    loader: BatchLoader,
    settings: FitSettings,
    *,
    tracker: Tracker | None = None,
    checkpoint_folder: Path | str | None = None,
    progress: str | None = "training",
    identity: Mapping[str, str] | None = None,
) -> FitResult:
    """Train a model, or continue training it, and leave the best averaged weights in it.

    Parameters
    ----------
    model : torch.nn.Module
        Trained in place; its parameters below ``model.encoder`` have their own learning rate. It is
        left in evaluation mode.
    task : Task
        Loss and validation over that same ``model``.
    loader : BatchLoader
        Endless batches; each is moved to the device.
    settings : FitSettings
        The numbers of the run.
    tracker : Tracker, optional
        Receives metrics with the update as step.
    checkpoint_folder : Path, optional
        Holds ``checkpoint.safetensors``. If it exists the run continues from it; a finished run
        returns its result at once. Without a folder nothing is saved.
    progress : str or None
        Label of the progress bar or log lines; None shows nothing.
    identity : mapping of str to str, optional
        What else a checkpoint must share to be continued, e.g. the md5 of the data.

    Returns
    -------
    FitResult
        Best metric and update, number of updates, why it stopped, seconds, history.

    Raises
    ------
    TrainingError
        If the loss, the gradient or the monitored metric is not finite; the last checkpoint stays.
    CheckpointError
        If a checkpoint is damaged, belongs to another run, is in use or cannot be written.
    ConfigError
        If the task does not report the monitored metric.
    Interrupted
        On SIGTERM or SIGINT, after a checkpoint at the end of the update.
    """
    device = resolve_device(settings.device)
    folder = None if checkpoint_folder is None else Path(checkpoint_folder)
    is_writer = current_ranks().is_writer
    with ExitStack() as stack:
        if folder is not None and is_writer:
            stack.enter_context(exclusive_folder(folder))
        sitting = Sitting(model, task, loader, settings, device, dict(identity or {}))
        sitting.tracker = tracker if tracker is not None and is_writer else SilentTracker()
        sitting.folder = folder
        resumed_from = sitting.resume()
        signals = stack.enter_context(StopSignals())
        label = None if sitting.is_finished or not is_writer else progress
        line = stack.enter_context(open_progress(label, settings.max_updates, resumed_from))
        try:
            sitting.train(signals, line)
        except RuntimeError as err:
            # A signal to the process group also ends loader workers or other ranks.
            if signals.requested:
                raise sitting.interrupted(signals.requested, is_saved=False) from err
            raise
        return sitting.result(resumed_from)
