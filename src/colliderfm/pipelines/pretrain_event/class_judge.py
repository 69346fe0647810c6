"""Metrics of classification and assignment on validation events, and the gap to training events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from colliderfm.data.event_table import EventTable
from colliderfm.evaluate.assignment import decay_efficiencies, score_assignment
from colliderfm.evaluate.classification import one_vs_rest_auc, roc_replicas
from colliderfm.evaluate.inference import infer
from colliderfm.models.event_model import EventModel
from colliderfm.pipelines.pretrain_event.task import class_index
from colliderfm.stats.bootstrap import replica_counts, summarize

_REPLICAS = 50


@dataclass(frozen=True)
class ClassJudgment:
    """What a network says of the classes of n validation events.

    Parameters
    ----------
    metrics : dict of str to float
        Empty for a model that does not classify.
    probability : ndarray, shape (n, C)
        Class probabilities; empty for a model that does not classify.
    """

    metrics: dict[str, float]
    probability: np.ndarray


def judge_classes(
    model: EventModel, seen: EventTable, validation: EventTable, processes: tuple[str, ...]
) -> ClassJudgment:
    """Measure accuracy, AUC per class and losses, and how much better training events are told.

    Parameters
    ----------
    model : EventModel
        Pretrained.
    seen, validation : EventTable
        Equally many training and validation events.
    processes : tuple of str
        Classes.

    Returns
    -------
    ClassJudgment
    """
    if "classify" not in model.heads:
        return ClassJudgment({}, np.zeros((0, 0)))
    target = class_index(validation, processes)
    result, seen_result = infer(model, validation), infer(model, seen, assign=False)
    accuracy = float(np.mean(result.probability.argmax(1) == target))
    seen_accuracy = np.mean(seen_result.probability.argmax(1) == class_index(seen, processes))
    auc = one_vs_rest_auc(target, result.probability)
    metrics = {
        "val/accuracy": accuracy,
        "val/accuracy_error": float(np.sqrt(accuracy * (1.0 - accuracy) / len(target))),
        "val/macro_auc": float(np.nanmean(auc)),
        "val/gap_loss": result.loss["classify"] - seen_result.loss["classify"],
        "val/gap_accuracy": float(seen_accuracy) - accuracy,
    }
    metrics |= {f"val/auc_{name}": float(value) for name, value in zip(processes, auc, strict=True)}
    metrics |= _auc_errors(target, result.probability, processes)
    metrics |= {f"val/loss_{name}": value for name, value in result.loss.items()}
    metrics |= assignment_metrics(validation, result.slots)
    return ClassJudgment(metrics, result.probability)


def _auc_errors(
    target: np.ndarray, probability: np.ndarray, processes: tuple[str, ...]
) -> dict[str, float]:
    """Return the bootstrap error of each AUC and of their mean; the replicas are paired."""
    counts = replica_counts(len(target), _REPLICAS, 0)
    replicas = {
        name: roc_replicas(target == index, probability[:, index], None, counts).auc
        for index, name in enumerate(processes)
        if (target == index).any()
    }
    errors = {f"val/auc_{name}_error": summarize(auc).error for name, auc in replicas.items()}
    return errors | {"val/macro_auc_error": summarize(np.mean([*replicas.values()], axis=0)).error}


def assignment_metrics(table: EventTable, slots: np.ndarray | None) -> dict[str, float]:
    """Return the efficiency of each decay over its matchable resonances, in percent, and its error."""
    if slots is None:
        return {}
    batch = table.batch(np.arange(len(table)))
    decay, truth = batch.decay.numpy(), batch.assignment.numpy()
    shape = (len(table), decay.shape[1], truth.shape[2])
    guess = np.full(shape, -1, dtype=np.int64)
    guess[:, : slots.shape[1], : slots.shape[2]] = slots[:, : shape[1], : shape[2]]
    metrics = {}
    for name, efficiency in decay_efficiencies(score_assignment(guess, truth, decay)).items():
        if efficiency["matchable"].n:
            stem = f"val/assignment_efficiency_matchable_pct_{name}"
            metrics[stem] = 100.0 * efficiency["matchable"].value
            metrics[f"{stem}_error"] = 100.0 * efficiency["matchable"].error
    return metrics
