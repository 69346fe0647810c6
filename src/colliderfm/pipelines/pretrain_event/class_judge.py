"""Metrics of classification and assignment on validation events, and the gap to training events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from colliderfm.data.event_table import EventTable
from colliderfm.evaluate.assignment import decay_efficiencies, score_assignment
from colliderfm.evaluate.classification import RocReplicas, one_vs_rest_auc, roc_replicas
from colliderfm.evaluate.inference import infer
from colliderfm.models.event_model import EventModel
from colliderfm.pipelines.pretrain_event.task import class_index
from colliderfm.stats.bootstrap import replica_counts, summarize

_REPLICAS = 50
# Efficiencies of a class at which the others' efficiency is followed through the replicas.
ROC_POINTS = tuple(float(at) for at in np.linspace(0.02, 1.0, 50))


@dataclass(frozen=True)
class ClassJudgment:
    """What a network says of the classes of n validation events.

    Parameters
    ----------
    metrics : dict of str to float
        Empty for a model that does not classify.
    target : ndarray, shape (n,), int
        True class.
    probability : ndarray, shape (n, C)
        Class probabilities; empty for a model that does not classify.
    roc : dict of str to RocReplicas
        Bootstrap replicas of each class that occurs, against all others, with the background
        efficiency at ``ROC_POINTS``; all classes have the same draws.
    """

    metrics: dict[str, float]
    target: np.ndarray
    probability: np.ndarray
    roc: dict[str, RocReplicas]


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
    target = class_index(validation, processes)
    if "classify" not in model.heads:
        return ClassJudgment({}, target, np.zeros((0, 0)), {})
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
    roc = _replicas(target, result.probability, processes)
    metrics |= {f"val/auc_{name}_error": summarize(one.auc).error for name, one in roc.items()}
    macro_auc = np.mean([one.auc for one in roc.values()], axis=0)
    metrics["val/macro_auc_error"] = summarize(macro_auc).error
    metrics |= {f"val/loss_{name}": value for name, value in result.loss.items()}
    metrics |= assignment_metrics(validation, result.slots)
    return ClassJudgment(metrics, target, result.probability, roc)


def _replicas(
    target: np.ndarray, probability: np.ndarray, processes: tuple[str, ...]
) -> dict[str, RocReplicas]:
    """Return the paired bootstrap replicas of the curve of each class that occurs."""
    counts = replica_counts(len(target), _REPLICAS, 0)
    return {
        name: roc_replicas(
            target == index, probability[:, index], None, counts, signal_efficiencies=ROC_POINTS
        )
        for index, name in enumerate(processes)
        if (target == index).any()
    }


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
