"""Study haa, second step: the network of a cell, what it starts from, and its training.

An arm from scratch starts with fresh weights. A pretrained arm takes over the encoder and the heads
it names (``studies.haa.pretrained``); its body has a rate of its own or stays as it is.
Read next: ``study.py``, which calls this.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from colliderfm.config.schema import HaaStudy as HaaSettings
from colliderfm.config.schema import Params
from colliderfm.data.event_table import EventTable
from colliderfm.data.extra_features import require_columns
from colliderfm.data.feature_rules import InputChoice
from colliderfm.data.loader import EventLoader
from colliderfm.data.normalize import Normalizer
from colliderfm.evaluate.inference import infer
from colliderfm.losses.reduce import weighted_total
from colliderfm.models.batch_parts import parts_of
from colliderfm.models.build import build_event_model
from colliderfm.models.event_model import EventModel
from colliderfm.models.pretrained import load_pretrained, match_pretrained
from colliderfm.models.settings import AssignSettings, ClassifySettings, HeadSettings
from colliderfm.studies.haa.data import HaaData, balanced_weight
from colliderfm.studies.haa.metrics import validation_metrics
from colliderfm.studies.haa.subsets import is_signal
from colliderfm.studies.protocol import Cell
from colliderfm.train.loop import fit
from colliderfm.train.protocols import Tracker
from colliderfm.train.settings import FitResult, FitSettings

logger = logging.getLogger(__name__)


@dataclass
class HaaTask:
    """Loss and validation of a fine-tuning (a ``train.protocols.Task``)."""

    model: EventModel
    validation: EventTable
    settings: HaaSettings

    def loss(self, batch: Any) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Return the loss of a batch: balanced classification plus assignment of signal events."""
        losses = self.model.losses(self.model(batch), batch)
        weights = {"assign": self.settings.assign_weight}
        return weighted_total(losses, weights, batch.weight)

    def parts(self, batch: Any, n_events: int) -> Sequence[tuple[Any, torch.Tensor]]:
        """Return parts of a batch and their shares, for several passes."""
        return parts_of(self.model, batch, n_events)

    def validate(self) -> dict[str, float]:
        """Return ``val/auc`` and the classification loss."""
        result = infer(self.model, self.validation, assign=False)
        score = result.probability[:, 1]
        metrics = validation_metrics(score, self.validation, self.settings)
        return metrics | {"val/loss": result.loss["classify"]}


def validation_table(validation: EventTable, settings: HaaSettings) -> EventTable:
    """Return the events that early stopping looks at: fixed, half signal, the same for all arms."""
    rng = np.random.default_rng(0)
    signal = is_signal(validation.process, settings)
    half = settings.validation_events // 2
    chosen = [rng.permutation(np.flatnonzero(kind))[:half] for kind in (signal, ~signal)]
    subset = validation.subset(np.sort(np.concatenate(chosen)))
    return replace(subset, weight=balanced_weight(subset, settings))


def heads(settings: HaaSettings) -> list[HeadSettings]:
    """Return the heads of the study: classification, and assignment unless its weight is 0."""
    classify = ClassifySettings(
        classes=(("background", settings.backgrounds), ("signal", settings.signals))
    )
    return [classify, AssignSettings(decays=("a_bb",))] if settings.assign_weight else [classify]


def input_choice(settings: HaaSettings) -> InputChoice:
    """Return which event-level and extra features the network reads."""
    return InputChoice.of(settings.global_inputs, settings.object_extras)


def check_inputs(data: HaaData, settings: HaaSettings) -> None:
    """Refuse events without the columns beyond the schema that the network reads (``DataError``)."""
    choice, batch = input_choice(settings), data.pool.batch([0])
    require_columns("object", choice.object_extras, batch.object_extras)
    require_columns("global", choice.global_extras, batch.extras)


def check_encoder(params: Params, encoder: Path) -> None:
    """Refuse an encoder, or a head to load with it, that does not fit (``CheckpointError``)."""
    settings = params.studies.haa
    model = _network(params, Normalizer(input_choice(settings)))
    match_pretrained(model, encoder, settings.pretrained.heads, settings.pretrained.normalizer)


def _network(params: Params, normalizer: Normalizer) -> EventModel:
    shape = params.model.event
    return build_event_model(
        shape.size,
        heads=heads(params.studies.haa),
        normalizer=normalizer,
        pair_features=shape.pair_features,
        dropout=shape.dropout,
    )


def build_network(params: Params, data: HaaData, cell: Cell, encoder: Path | None) -> EventModel:
    """Return the network of a cell before its first update.

    Parameters
    ----------
    params : Params
        The checked parameters; ``studies.haa.pretrained`` says what is loaded and what is frozen.
    data : HaaData
        Its training split gives the scales of the inputs.
    cell : Cell
        Its seed draws the fresh weights.
    encoder : Path or None
        Folder of the pretrained network; None starts from scratch.

    Returns
    -------
    EventModel

    Raises
    ------
    CheckpointError
        As ``load_pretrained``.
    """
    torch.manual_seed(cell.seed)
    settings = params.studies.haa
    # Unlabeled inputs of the whole training split: the same for every cell.
    model = _network(params, Normalizer.fit(data.pool, input_choice(settings)))
    if encoder is not None:
        arm = settings.pretrained
        load_pretrained(model, encoder, arm.heads, arm.normalizer)
        if arm.freeze:
            model.encoder.freeze(but_extras=True)
        rate = "is frozen" if arm.freeze else f"trains at a peak rate of {arm.encoder_rate:g}"
        logger.info("the encoder %s", rate)
    return model


def train_network(
    params: Params,
    data: HaaData,
    train: EventTable,
    cell: Cell,
    encoder: Path | None,
    folder: Path,
    tracker: Tracker,
) -> tuple[EventModel, FitResult]:
    """Train the network of a cell, resumable in ``folder``; return it with how it went.

    Parameters
    ----------
    params : Params
        The checked parameters.
    data : HaaData
        Scales of the inputs and validation events.
    train : EventTable
        Training events with their weights.
    cell : Cell
        Arm and seed.
    encoder : Path or None
        Folder of the pretrained network.
    folder : Path
        Holds the checkpoints.
    tracker : Tracker
        Receives metrics.

    Returns
    -------
    model : EventModel
        With its best averaged weights.
    result : FitResult
    """
    settings = params.studies.haa
    torch.set_num_threads(params.compute.threads)
    model = build_network(params, data, cell, encoder)
    task = HaaTask(model, validation_table(data.validation, settings), settings)
    loader = EventLoader(train, settings.batch_size, cell.seed)
    result = fit(
        model,
        task,
        loader,
        fit_settings(params, cell, len(train)),
        tracker=tracker,
        checkpoint_folder=folder,
        progress=cell.name,
    )
    return model, result


def fit_settings(params: Params, cell: Cell, n_events: int) -> FitSettings:
    """Return the numbers of the training of a cell, with the learning rates of its arm.

    Parameters
    ----------
    params : Params
        The checked parameters.
    cell : Cell
        Arm and seed.
    n_events : int
        Training events: cap and patience are at least so many passes over them.

    Returns
    -------
    FitSettings
    """
    settings = params.studies.haa
    rates = settings.learning_rates("scratch" if cell.init == "scratch" else "pretrained")
    updates_per_pass = math.ceil(n_events / settings.batch_size)
    updates_of_patience = settings.patience_epochs * updates_per_pass
    return FitSettings(
        max_updates=max(settings.max_updates, settings.max_epochs * updates_per_pass),
        validate_every=settings.validate_every,
        monitor="val/auc",
        mode="max",
        patience=max(settings.patience, math.ceil(updates_of_patience / settings.validate_every)),
        encoder_learning_rate=rates.encoder_rate,
        head_learning_rate=rates.head_learning_rate,
        weight_decay=settings.weight_decay,
        warmup_updates=settings.warmup_updates,
        ema_decay=settings.ema_decay,
        clip_norm=settings.clip_norm,
        precision=params.compute.precision,
        device=params.compute.device,
        events_per_pass=params.compute.events_per_pass,
        checkpoint_every=10 * settings.validate_every,
        seed=cell.seed,
    )
