"""Apply a network to a whole table: scores, assignments and tokens in the order of its rows."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
import torch

from colliderfm.data.event_batch import EventBatch
from colliderfm.data.event_table import EventTable
from colliderfm.data.loader import sequential
from colliderfm.models.event_model import EventEncoder, EventModel

BATCH_EVENTS = 512


@dataclass(frozen=True)
class Inference:
    """Outputs of a network for n events.

    Parameters
    ----------
    probability : ndarray, shape (n, C)
        Class probabilities; empty without a head that classifies.
    slots : ndarray, shape (n, R, 4), int, or None
        Predicted object slots of each resonance, -1 = none; None without assignment head.
    loss : dict of str to float
        Mean loss of each head.
    """

    probability: np.ndarray
    slots: np.ndarray | None
    loss: dict[str, float]


@torch.no_grad()
def infer(
    model: EventModel,
    table: EventTable,
    *,
    assign: bool = True,
    heads: Collection[str] = ("classify", "assign"),
    hypothesis: Callable[[EventBatch], EventBatch] | None = None,
) -> Inference:
    """Run a network over a table.

    Parameters
    ----------
    model : EventModel
        Put into evaluation mode.
    table : EventTable
        n events.
    assign : bool
        Whether to predict assignments.
    heads : collection of str
        Heads to run, as far as the model has them; the losses of all of them are returned.
    hypothesis : callable, optional
        Changes the batch that assignments are predicted for, e.g. its decays.

    Returns
    -------
    Inference
    """
    model.eval()
    device = next(model.parameters()).device
    wanted = [name for name in model.heads if name in heads and (assign or name != "assign")]
    does_assign = "assign" in wanted
    probability: np.ndarray | None = None
    slots = np.full((len(table), 0, 0), -1, dtype=np.int64)
    sums: dict[str, float] = {}
    for indices, host_batch in sequential(table, BATCH_EVENTS):
        batch = host_batch.to(device)
        outputs = model(batch, wanted)
        if "classify" in outputs:
            values = model.heads["classify"].predict(outputs["classify"]).cpu().numpy()
            if probability is None:
                probability = np.zeros((len(table), values.shape[1]))
            probability[indices] = values
        for name, loss in model.losses(outputs, batch).items():
            sums[name] = sums.get(name, 0.0) + float(loss.sum())
        if does_assign:
            asked = hypothesis(batch) if hypothesis else batch
            predicted = model.heads["assign"].predict(outputs["assign"], asked).cpu().numpy()
            slots = _widened(slots, predicted.shape[1:])
            slots[indices, : predicted.shape[1]] = predicted
    if probability is None:
        probability = np.zeros((0, 0))
    means = {name: value / max(len(table), 1) for name, value in sums.items()}
    return Inference(probability, slots if does_assign else None, means)


def _widened(slots: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if slots.shape[1] >= shape[0] and slots.shape[2] == shape[1]:
        return slots
    wider = np.full((len(slots), max(slots.shape[1], shape[0]), shape[1]), -1, dtype=np.int64)
    wider[:, : slots.shape[1], : slots.shape[2]] = slots
    return wider


@torch.no_grad()
def event_tokens(encoder: EventEncoder, table: EventTable) -> np.ndarray:
    """Return the event token of every row, shape (n, D)."""
    encoder.eval()
    device = next(encoder.parameters()).device
    tokens: np.ndarray | None = None
    for indices, batch in sequential(table, BATCH_EVENTS):
        values = encoder(batch.to(device)).event.float().cpu().numpy()
        if tokens is None:
            tokens = np.zeros((len(table), values.shape[1]), dtype=np.float32)
        tokens[indices] = values
    return tokens if tokens is not None else np.zeros((0, 0), dtype=np.float32)
