"""Loss and validation of event pretraining (a ``train.protocols.Task``). Read next: ``steps.py``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from colliderfm.data.event_schema import PROCESS_INDEX
from colliderfm.data.event_table import EventTable
from colliderfm.evaluate.classification import one_vs_rest_auc
from colliderfm.evaluate.inference import infer
from colliderfm.losses.reduce import weighted_total
from colliderfm.models.batch_parts import parts_of
from colliderfm.models.event_model import EventModel
from colliderfm.pipelines.pretrain_event.variants import Stages

_NO_STAGES = Stages(0, 1.0)


@dataclass
class EventPretrainingTask:
    """What an event encoder learns in pretraining.

    Parameters
    ----------
    model : EventModel
        Trained in place.
    validation : EventTable
        Fixed part of the validation split.
    loss_weights : dict of str to float
        Weight of each loss; a loss without weight is not computed in validation.
    processes : tuple of str
        Classes.
    stages : Stages
        Which updates are self-supervised, and how much of an event is noised.
    """

    model: EventModel
    validation: EventTable
    loss_weights: dict[str, float]
    processes: tuple[str, ...]
    stages: Stages = _NO_STAGES
    update: int = 1

    def begin_update(self, update: int) -> None:
        """Note which update comes next, counted from 1."""
        self.update = update

    def loss(self, batch: Any) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Return the weighted loss of a batch and its parts."""
        outputs = self.model(batch, self._heads, masked_fraction=self._masked_fraction)
        losses = self.model.losses(outputs, batch)
        wanted = {name: losses[name] for name in losses if name in self.loss_weights}
        return weighted_total(wanted, self.loss_weights, batch.weight)

    def parts(self, batch: Any, n_events: int) -> Sequence[tuple[Any, torch.Tensor]]:
        """Return parts of a batch and their shares, for several passes."""
        return parts_of(
            self.model, batch, n_events, self._heads, masked_fraction=self._masked_fraction
        )

    @property
    def _heads(self) -> tuple[str, ...]:
        """Heads that learn in the present update."""
        if self.stages.is_self_supervised(self.update):
            return ("cloud",)
        return tuple(self.loss_weights)

    @property
    def _masked_fraction(self) -> float:
        """Share of noised objects in the present update."""
        return self.stages.masked_fraction(self.update)

    def validate(self) -> dict[str, float]:
        """Return the loss of stage 2 on a fixed part of validation, and how well classes are told.

        The loss is that of the last stage from the first validation on, so that the values of one
        run compare.
        """
        result = infer(self.model, self.validation, heads=tuple(self.model.heads))
        losses = {name: value for name, value in result.loss.items() if name in self.loss_weights}
        metrics = {
            "val/loss": sum(self.loss_weights[name] * value for name, value in losses.items())
        }
        metrics |= {f"val/loss_{name}": value for name, value in losses.items() if len(losses) > 1}
        if result.probability.size:
            target = class_index(self.validation, self.processes)
            auc = one_vs_rest_auc(target, result.probability)
            metrics["val/accuracy"] = float(np.mean(result.probability.argmax(1) == target))
            metrics["val/macro_auc"] = float(np.nanmean(auc))
        return metrics


def class_index(table: EventTable, processes: tuple[str, ...]) -> np.ndarray:
    """Return the class of every event, shape (n,)."""
    lookup = np.full(max(PROCESS_INDEX.values()) + 1, -1)
    lookup[[PROCESS_INDEX[name] for name in processes]] = np.arange(len(processes))
    classes: np.ndarray = lookup[table.process]
    return classes
