"""Pretraining of the event encoder: classes, objective, what it is judged by, and the gate.

Objective: which process made the event, and (variant ``cls-assign``) which objects come from which
resonance, for every decay with at least two visible daughters. Events of a class weigh equally in sum.
Splits are by event id; the test split is never read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from colliderfm.config.schema import EventPretraining, Params
from colliderfm.data.event_schema import PROCESS_INDEX
from colliderfm.data.event_table import EventTable
from colliderfm.data.loader import EventLoader
from colliderfm.data.normalize import Normalizer
from colliderfm.evaluate.assignment import decay_efficiencies, score_assignment
from colliderfm.evaluate.classification import confusion_matrix, one_vs_rest_auc
from colliderfm.evaluate.inference import event_tokens, infer
from colliderfm.evaluate.probe import ProbeResult, linear_probe
from colliderfm.losses.reduce import weighted_total
from colliderfm.models.build import build_event_model
from colliderfm.models.event_model import EventModel
from colliderfm.models.settings import AssignSettings, ClassifySettings, HeadSettings
from colliderfm.models.weights import load_encoder, save_model
from colliderfm.physics.decays import ASSIGNABLE
from colliderfm.pipelines.folders import event_set_folder
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
PROBE_EVENTS = 12000


@dataclass(frozen=True)
class PretrainingTables:
    """Training and validation split of the pretraining set, class weights balanced."""

    train: EventTable
    validation: EventTable


def load_tables(params: Params, folder: Path) -> PretrainingTables:
    """Read and check the pretraining set.

    Raises
    ------
    DataError
        If a process is missing or a file is at fault.
    """
    processes = params.pretrain.event.processes
    train = EventTable.read(folder, processes, "train")
    validation = EventTable.read(folder, processes, "validation")
    return PretrainingTables(
        replace(train, weight=class_balanced(train)),
        replace(validation, weight=class_balanced(validation)),
    )


def class_balanced(table: EventTable) -> np.ndarray:
    """Return weights, shape (n,), mean 1, with equal sums for all classes that are present."""
    weight = table.weight.astype(np.float64)
    classes = np.unique(table.process)
    for process in classes:
        rows = table.process == process
        weight[rows] *= len(weight) / (len(classes) * weight[rows].sum())
    return weight.astype(np.float32)


def pretraining_heads(settings: EventPretraining) -> list[HeadSettings]:
    """Return the heads of a variant."""
    classify = ClassifySettings(classes=tuple((name, (name,)) for name in settings.processes))
    if settings.variant == "cls":
        return [classify]
    decays = tuple(decay.name for decay in ASSIGNABLE if not decay.name.startswith("a_"))
    return [classify, AssignSettings(decays=decays)]


@dataclass
class EventPretrainingTask:
    """Loss and validation of event pretraining (a ``train.protocols.Task``)."""

    model: EventModel
    validation: EventTable
    loss_weights: dict[str, float]
    processes: tuple[str, ...]

    def loss(self, batch: Any) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Return the weighted loss of a batch and its parts."""
        losses = self.model.losses(self.model(batch), batch)
        return weighted_total(losses, self.loss_weights, batch.weight)

    def validate(self) -> dict[str, float]:
        """Return loss, accuracy and macro AUC on a fixed part of the validation split."""
        result = infer(self.model, self.validation, assign="assign" in self.model.heads)
        target = class_index(self.validation, self.processes)
        total = sum(self.loss_weights.get(name, 1.0) * value for name, value in result.loss.items())
        return {
            "val/loss": total,
            "val/accuracy": float(np.mean(result.probability.argmax(1) == target)),
            "val/macro_auc": float(np.nanmean(one_vs_rest_auc(target, result.probability))),
        }


def class_index(table: EventTable, processes: tuple[str, ...]) -> np.ndarray:
    """Return the class of every event, shape (n,)."""
    lookup = np.full(max(PROCESS_INDEX.values()) + 1, -1)
    lookup[[PROCESS_INDEX[name] for name in processes]] = np.arange(len(processes))
    return lookup[table.process]


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
    model = build_event_model(
        params.model.event.size,
        heads=pretraining_heads(settings),
        normalizer=Normalizer.fit(tables.train),
        pair_features=params.model.event.pair_features,
        dropout=params.model.event.dropout,
    )
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(len(tables.validation))[:VALIDATION_EVENTS])
    task = EventPretrainingTask(
        model,
        tables.validation.subset(rows),
        {"classify": 1.0, "assign": settings.assign_weight},
        settings.processes,
    )
    loader = EventLoader(
        tables.train, settings.batch_size, seed, rank=ranks.rank, world_size=ranks.world_size
    )
    return Pretraining("event", task, loader).train(params, model, seed, folder, tracker)


def judge(
    params: Params, model: EventModel, tables: PretrainingTables, seed: int
) -> dict[str, float]:
    """Return the final metrics on the whole validation split, and the gap to training events."""
    processes = params.pretrain.event.processes
    target = class_index(tables.validation, processes)
    result = infer(model, tables.validation)
    rng = np.random.default_rng(seed)
    seen = tables.train.subset(
        np.sort(rng.permutation(len(tables.train))[: len(tables.validation)])
    )
    seen_result = infer(model, seen, assign=False)
    auc = one_vs_rest_auc(target, result.probability)
    metrics = {
        "val/accuracy": float(np.mean(result.probability.argmax(1) == target)),
        "val/macro_auc": float(np.nanmean(auc)),
        "val/gap_loss": result.loss["classify"] - seen_result.loss["classify"],
        "val/gap_accuracy": float(
            np.mean(seen_result.probability.argmax(1) == class_index(seen, processes))
            - np.mean(result.probability.argmax(1) == target)
        ),
    }
    metrics |= {f"val/auc_{name}": float(value) for name, value in zip(processes, auc, strict=True)}
    metrics |= {f"val/loss_{name}": value for name, value in result.loss.items()}
    metrics |= assignment_metrics(tables.validation, result.slots)
    probe = probe_encoder(model.encoder, tables, processes)
    return metrics | {"val/probe_macro_auc": probe.macro_auc, "val/probe_error": probe.error}


def assignment_metrics(table: EventTable, slots: np.ndarray | None) -> dict[str, float]:
    """Return the efficiency of each decay over its matchable resonances, in percent."""
    if slots is None:
        return {}
    batch = table.batch(np.arange(len(table)))
    decay, truth = batch.decay.numpy(), batch.assignment.numpy()
    shape = (len(table), decay.shape[1], truth.shape[2])
    guess = np.full(shape, -1, dtype=np.int64)
    guess[:, : slots.shape[1], : slots.shape[2]] = slots[:, : shape[1], : shape[2]]
    efficiencies = decay_efficiencies(score_assignment(guess, truth, decay))
    return {
        f"val/assignment_efficiency_matchable_pct_{name}": 100.0 * efficiency["matchable"].value
        for name, efficiency in efficiencies.items()
        if efficiency["matchable"].n
    }


def probe_encoder(
    encoder: Any, tables: PretrainingTables, processes: tuple[str, ...]
) -> ProbeResult:
    """Return the linear probe of a frozen encoder on the pretraining classes."""
    rng = np.random.default_rng(0)
    train = tables.train.subset(np.sort(rng.permutation(len(tables.train))[:PROBE_EVENTS]))
    return linear_probe(
        event_tokens(encoder, train),
        class_index(train, processes),
        event_tokens(encoder, tables.validation),
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
        return probe_encoder(encoder, tables, processes)

    return compare_versions(
        "probe macro AUC", probe, lambda found: found.macro_auc, version, champion_version
    )


def save_encoder(
    params: Params,
    trained: TrainedEncoder[EventModel],
    metrics: dict[str, float],
    seed: int,
    folder: Path,
) -> None:
    """Save a pretrained model with its card and its recipe (``pretraining.json``)."""
    network = params.model.event.model_dump(mode="json")
    recipe = pretraining_recipe(params.pretrain.event, network, trained.result, metrics, seed)
    save_model(folder, trained.model, card_text(recipe))
    write_json(folder / "pretraining.json", recipe)


def card_text(recipe: dict[str, Any]) -> str:
    """Return the model card of a pretrained event encoder."""
    metrics, settings = recipe["metrics"], recipe["settings"]
    rows = "\n".join(f"| {name} | {value:.4g} |" for name, value in sorted(metrics.items()))
    return (
        f"# Event encoder, variant {recipe['variant']}, size {recipe['model']['size']}\n\n"
        f"Pretrained on simulated 13 TeV proton collisions: {', '.join(settings['processes'])}.\n"
        f"{recipe['updates']} updates of {settings['batch_size']} events, seed {recipe['seed']}, "
        f"best validation at update {recipe['best_update']}.\n\n"
        "Input: up to 18 reconstructed leptons and jets (energy and pT in GeV, eta, phi, b-tag, lepton "
        "flag, charge) and event globals; see `normalization.json` for scales.\n\n"
        f"Validation split (by event id):\n\n| metric | value |\n|---|---:|\n{rows}\n\n"
        "Known limits: parametrized detector without pile-up, photons and taus; leading-order matrix "
        "elements with parton shower; ttH stands for the ttW and ttZ classes of other studies.\n"
    )


def write_outputs(
    params: Params,
    trained: TrainedEncoder[EventModel],
    tables: PretrainingTables,
    metrics: dict[str, float],
    out: Path,
) -> None:
    """Write metrics.json, the loss curves and the figures of the validation split."""
    from colliderfm.pipelines.pretrain_event.figures import write_figures

    write_json(out / "metrics.json", rounded(metrics))
    processes = params.pretrain.event.processes
    target = class_index(tables.validation, processes)
    inference = infer(trained.model, tables.validation, assign=False)
    matrix = confusion_matrix(target, inference.probability.argmax(1), len(processes))
    tokens = event_tokens(trained.model.encoder, tables.validation)
    history = trained.result.history
    write_figures(out, processes, target, inference.probability, matrix, tokens, history)
