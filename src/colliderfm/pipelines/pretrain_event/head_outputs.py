"""What the heads beyond classification say about validation events: arrays beside the truth.

Metrics and figures of these heads are made from the same arrays. Read next: ``head_judge.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from colliderfm.data.event_batch import EventBatch
from colliderfm.data.event_schema import MAX_OBJECTS
from colliderfm.data.event_table import EventTable
from colliderfm.data.loader import sequential
from colliderfm.evaluate.cluster_matching import SegmentationResult, score_segmentation
from colliderfm.evaluate.inference import BATCH_EVENTS
from colliderfm.models.event_model import EventModel
from colliderfm.nn.heads.cloud_features import MET_PHI

SAMPLING_STEPS = 16


@dataclass(frozen=True)
class Pairs:
    """Predicted or generated four-momenta beside the true ones.

    Parameters
    ----------
    found, true : ndarray, shape (n, P, 4), GeV
        Energy, px, py, pz at P places; zero where there is none.
    place : ndarray, shape (n, P), int
        For resonances the index into ``DECAYS``, -1 = none; for invisible particles 0, or -1.
    """

    found: np.ndarray
    true: np.ndarray
    place: np.ndarray


@dataclass(frozen=True)
class HeadOutputs:
    """Outputs for n events; None where the model lacks the head.

    Parameters
    ----------
    segmentation : SegmentationResult, optional
        Resonances found.
    resonances, invisible : Pairs, optional
        Momenta of resonances and of invisible particles.
    met_phi : ndarray, shape (n,), radians, optional
        Direction of the missing momentum of the events of ``invisible``.
    generated, real : ndarray, shape (m, 7), optional
        Objects of clouds that were generated as a whole, and of the events that gave the templates.
    event : ndarray, shape (m,), int, optional
        Event of each of these objects.
    """

    segmentation: SegmentationResult | None = None
    resonances: Pairs | None = None
    invisible: Pairs | None = None
    met_phi: np.ndarray | None = None
    generated: np.ndarray | None = None
    real: np.ndarray | None = None
    event: np.ndarray | None = None

    @property
    def n_events(self) -> int:
        """Number of events n; 0 without any head."""
        if self.event is not None:
            return int(self.event.max(initial=-1)) + 1
        for part in (self.resonances, self.invisible):
            if part is not None:
                return len(part.place)
        return 0 if self.segmentation is None else len(self.segmentation.true_class)


@torch.no_grad()
def head_outputs(model: EventModel, table: EventTable, seed: int) -> HeadOutputs:
    """Run the heads that need truth, and those that generate, over some events.

    Parameters
    ----------
    model : EventModel
        Put into evaluation mode.
    table : EventTable
        Events, read with ``truth=True`` if a head other than ``cloud`` is there.
    seed : int
        Of the generated particles.

    Returns
    -------
    HeadOutputs
        Events in the order of their length.
    """
    model.eval()
    generator = torch.Generator().manual_seed(seed)
    segmentation = _segmentation(model, table) if "segment" in model.heads else None
    resonances = _resonances(model, table) if "regress" in model.heads else None
    outputs = HeadOutputs(segmentation, resonances)
    if "invisible" in model.heads:
        invisible, met_phi = _invisible(model, table, generator)
        outputs = replace(outputs, invisible=invisible, met_phi=met_phi)
    if "cloud" in model.heads:
        generated, real, event = _clouds(model, table, generator)
        outputs = replace(outputs, generated=generated, real=real, event=event)
    return outputs


def _batches(model: EventModel, table: EventTable) -> Iterator[EventBatch]:
    device = next(model.parameters()).device
    for _, batch in sequential(table, BATCH_EVENTS):
        yield batch.to(device)


def _gathered(parts: Iterator[tuple[torch.Tensor, ...]]) -> list[np.ndarray]:
    """Join arrays of all batches; the second axis grows to the widest batch, -1 for integers.

    Batches are as wide as their busiest event: the data sets no limit on resonances and neutrinos.
    """
    columns = zip(*parts, strict=True)
    return [_joined([values.cpu().numpy() for values in column]) for column in columns]


def _joined(arrays: list[np.ndarray]) -> np.ndarray:
    width = max(array.shape[1] for array in arrays)
    padded = []
    for array in arrays:
        missing = [(0, 0), (0, width - array.shape[1]), *[(0, 0)] * (array.ndim - 2)]
        fill = -1 if array.dtype.kind == "i" else 0
        padded.append(np.pad(array, missing, constant_values=fill))
    return np.concatenate(padded)


def _segmentation(model: EventModel, table: EventTable) -> SegmentationResult:
    head: Any = model.heads["segment"]

    def of(batch: EventBatch) -> tuple[torch.Tensor, ...]:
        found = head.predict(model(batch, ["segment"])["segment"])
        targets = head.target(batch)
        masks = _wide(found.masks)
        return found.class_probability, masks, targets.classes, _wide(targets.members)

    return score_segmentation(*_gathered(map(of, _batches(model, table))))


def _wide(masks: torch.Tensor) -> torch.Tensor:
    """Pad the slots of masks (..., N) to the largest number."""
    return torch.nn.functional.pad(masks, (0, MAX_OBJECTS - masks.shape[-1]))


def _resonances(model: EventModel, table: EventTable) -> Pairs:
    head: Any = model.heads["regress"]

    def of(batch: EventBatch) -> tuple[torch.Tensor, ...]:
        found = head.predict(model(batch, ["regress"])["regress"], batch)
        return found, _truth(batch).momenta, batch.decay

    return Pairs(*_gathered(map(of, _batches(model, table))))


def _invisible(
    model: EventModel, table: EventTable, generator: torch.Generator
) -> tuple[Pairs, np.ndarray]:
    head: Any = model.heads["invisible"]

    def of(batch: EventBatch) -> tuple[torch.Tensor, ...]:
        truth = _truth(batch)
        found = head.sample(
            model.encoder(batch),
            batch,
            truth.invisible_mask,
            SAMPLING_STEPS,
            generator=generator,
        )
        met_phi = batch.globals[:, MET_PHI, None]
        return found, truth.invisible, truth.invisible_mask.long() - 1, met_phi

    found, true, place, met_phi = _gathered(map(of, _batches(model, table)))
    return Pairs(found, true, place), met_phi[:, 0]


def _clouds(
    model: EventModel, table: EventTable, generator: torch.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    head: Any = model.heads["cloud"]
    made, real, n_objects = [], [], []
    for batch in _batches(model, table):
        sampled = head.sample(model.encoder, batch, SAMPLING_STEPS, generator=generator)
        made.append(sampled.objects[batch.mask].cpu().numpy())
        real.append(batch.objects[batch.mask].cpu().numpy())
        n_objects.append(batch.mask.sum(dim=1).cpu().numpy())
    counts = np.concatenate(n_objects)
    return np.concatenate(made), np.concatenate(real), np.repeat(np.arange(len(counts)), counts)


def _truth(batch: EventBatch) -> Any:
    if batch.truth is None:
        raise ValueError("the events were read without truth")
    return batch.truth
