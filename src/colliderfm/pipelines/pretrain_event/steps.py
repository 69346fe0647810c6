"""Pretraining of the event encoder: classes, objective, what it is judged by, and the gate.

What each variant learns stands in ``variants.py``. Events of a class weigh equally in sum. Splits are
by event id; the test split is never read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from colliderfm.config.schema import EventPretraining, Params
from colliderfm.data.balance import class_balance, topology_balance
from colliderfm.data.event_table import EventTable
from colliderfm.data.loader import EventLoader
from colliderfm.data.normalize import Normalizer
from colliderfm.evaluate.inference import event_tokens
from colliderfm.evaluate.probe import ProbeResult, linear_probe
from colliderfm.models.build import build_event_model
from colliderfm.models.event_model import EventModel
from colliderfm.models.weights import load_encoder, save_model
from colliderfm.pipelines.folders import event_set_folder
from colliderfm.pipelines.pretrain_event.card import card_text, data_record
from colliderfm.pipelines.pretrain_event.class_judge import judge_classes
from colliderfm.pipelines.pretrain_event.head_judge import head_metrics
from colliderfm.pipelines.pretrain_event.head_outputs import head_outputs
from colliderfm.pipelines.pretrain_event.judgment import EventJudgment
from colliderfm.pipelines.pretrain_event.task import EventPretrainingTask, class_index
from colliderfm.pipelines.pretrain_event.variants import (
    loss_weights,
    needs_truth,
    pretraining_heads,
    stages_of,
    visible_decays,
)
from colliderfm.pipelines.pretrain_steps import (
    Pretraining,
    TrainedEncoder,
    compare_versions,
    pretraining_recipe,
    rounded,
    write_json,
)
from colliderfm.train.distributed import current_ranks
from colliderfm.train.protocols import Tracker

if TYPE_CHECKING:
    from colliderfm.tracking.promotion import GateResult

# Validation during training looks at this many events; the final numbers use the whole split.
VALIDATION_EVENTS = 4000
SCALE_EVENTS = 20000
PROBE_EVENTS = 12000


@dataclass(frozen=True)
class PretrainingTables:
    """Training and validation split of the pretraining set in ``folder``, class weights balanced."""

    train: EventTable
    validation: EventTable
    folder: Path


def load_tables(params: Params, folder: Path) -> PretrainingTables:
    """Read and check the pretraining set.

    Raises
    ------
    DataError
        If a process is missing or a file is at fault.
    """
    settings = params.pretrain.event
    truth = needs_truth(settings)
    train = EventTable.read(folder, settings.processes, "train", truth=truth)
    validation = EventTable.read(folder, settings.processes, "validation", truth=truth)
    return PretrainingTables(
        *(replace(table, weight=balanced_weight(table, settings)) for table in (train, validation)),
        folder=folder,
    )


def balanced_weight(table: EventTable, settings: EventPretraining) -> np.ndarray:
    """Return event weights, shape (n,): classes weigh equally, and topologies of a class if asked."""
    largest = settings.largest_topology_weight
    weight = topology_balance(table, largest=largest) if largest > 0 else table.weight
    return class_balance(table.process, weight)


def train_encoder(
    params: Params, tables: PretrainingTables, seed: int, folder: Path, tracker: Tracker
) -> TrainedEncoder[EventModel]:
    """Train the event encoder, resumable in ``folder``; under ``torchrun`` each rank calls it.

    Parameters
    ----------
    params : Params
        ``pretrain.event`` and ``model.event``.
    tables : PretrainingTables
        Training and validation split.
    seed : int
        Initial weights, dropout and order of the events.
    folder : Path
        Holds the checkpoint.
    tracker : Tracker
        Receives the metrics.

    Returns
    -------
    TrainedEncoder
    """
    settings = params.pretrain.event
    ranks = current_ranks()
    torch.set_num_threads(params.compute.threads)
    torch.manual_seed(seed)
    model = initial_model(params, tables.train)
    rows = _some_rows(len(tables.validation), VALIDATION_EVENTS, seed)
    task = EventPretrainingTask(
        model,
        tables.validation.subset(rows),
        loss_weights(settings),
        settings.processes,
        stages_of(settings),
    )
    loader = EventLoader(
        tables.train, settings.batch_size, seed, rank=ranks.rank, world_size=ranks.world_size
    )
    return Pretraining("event", task, loader).train(params, model, seed, folder, tracker)


def initial_model(params: Params, train: EventTable) -> EventModel:
    """Return the network of a variant before training, with the scales of the training events."""
    model = build_event_model(
        params.model.event.size,
        heads=pretraining_heads(params.pretrain.event),
        normalizer=Normalizer.fit(train),
        pair_features=params.model.event.pair_features,
        dropout=params.model.event.dropout,
    )
    measure_head_scales(model, train)
    return model


def measure_head_scales(model: EventModel, train: EventTable) -> None:
    """Set the scales of the heads that generate, from a part of the training events."""
    rows = _some_rows(len(train), SCALE_EVENTS, 0)
    for head in model.heads.values():
        measure: Any = getattr(head, "fit", None)
        if measure is not None:
            measure([train.batch(part) for part in np.array_split(rows, 1 + len(rows) // 4096)])


def _some_rows(n_events: int, n_wanted: int, seed: int) -> np.ndarray:
    """Return positions of some events, drawn once, in their order."""
    return np.sort(np.random.default_rng(seed).permutation(n_events)[:n_wanted])


def judge(params: Params, model: EventModel, tables: PretrainingTables, seed: int) -> EventJudgment:
    """Judge a network on the whole validation split, and by the gap to training events."""
    processes, validation = params.pretrain.event.processes, tables.validation
    seen = tables.train.subset(_some_rows(len(tables.train), len(validation), seed))
    classes = judge_classes(model, seen, validation, processes)
    some = validation.subset(_some_rows(len(validation), VALIDATION_EVENTS, seed))
    heads = head_outputs(model, some, seed)
    tokens = event_tokens(model.encoder, validation)
    probe = probe_encoder(model.encoder, tables, processes, tokens)
    metrics = classes.metrics | head_metrics(heads)
    metrics |= {"val/probe_macro_auc": probe.macro_auc, "val/probe_error": probe.error}
    return EventJudgment(metrics, classes, tokens, heads)


def probe_encoder(
    encoder: Any, tables: PretrainingTables, processes: tuple[str, ...], tokens: np.ndarray
) -> ProbeResult:
    """Return the linear probe of a frozen encoder on the classes, given its validation tokens."""
    rng = np.random.default_rng(0)
    train = tables.train.subset(np.sort(rng.permutation(len(tables.train))[:PROBE_EVENTS]))
    return linear_probe(
        event_tokens(encoder, train),
        class_index(train, processes),
        tokens,
        class_index(tables.validation, processes),
    )


def measure_gate(
    params: Params, name: str, version: int, champion_version: int | None
) -> GateResult:
    """Probe a candidate and the champion on the same validation events.

    Parameters
    ----------
    params : Params
        Names the pretraining set.
    name : str
        Registered model.
    version, champion_version : int
        Versions to compare; None = there is no champion.

    Returns
    -------
    GateResult
        With the bootstrap error of the paired difference.
    """
    from colliderfm.tracking.registry import resolve

    torch.set_num_threads(params.compute.threads)
    processes = params.pretrain.event.processes
    folder, _ = event_set_folder(params, params.pretrain.event.set)
    tables = load_tables(params, folder)

    def probe(number: int) -> ProbeResult:
        encoder = load_encoder(resolve(f"models:/{name}/{number}").folder)
        return probe_encoder(encoder, tables, processes, event_tokens(encoder, tables.validation))

    return compare_versions(
        "probe macro AUC", probe, lambda found: found.macro_auc, version, champion_version
    )


def save_encoder(
    params: Params,
    trained: TrainedEncoder[EventModel],
    tables: PretrainingTables,
    metrics: dict[str, float],
    seed: int,
    folder: Path,
) -> None:
    """Save a pretrained model with its card and its recipe (``pretraining.json``)."""
    network = params.model.event.model_dump(mode="json")
    recipe = pretraining_recipe(params.pretrain.event, network, trained.result, metrics, seed)
    recipe, card = described(recipe, trained.model, tables)
    save_model(folder, trained.model, card)
    write_json(folder / "pretraining.json", recipe)


def described(
    recipe: dict[str, Any], model: EventModel, tables: PretrainingTables
) -> tuple[dict[str, Any], str]:
    """Return a recipe with what it says of network and data, and the card."""
    recipe = recipe | {
        "heads": list(model.heads),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "data": data_record(tables.train, tables.validation, tables.folder),
    }
    return recipe, card_text(recipe)


def write_outputs(
    params: Params, trained: TrainedEncoder[EventModel], judgment: EventJudgment, out: Path
) -> None:
    """Write metrics.json, the loss curves and the figures of the validation split."""
    from colliderfm.pipelines.pretrain_event.figures import write_figures
    from colliderfm.pipelines.pretrain_event.head_figures import write_head_figures

    write_json(out / "metrics.json", rounded(judgment.metrics))
    settings = params.pretrain.event
    history = trained.result.history
    write_figures(out, settings.processes, judgment, history, stages_of(settings))
    write_head_figures(out, judgment.heads, judgment.metrics, visible_decays())
