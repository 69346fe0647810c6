"""Real parts at the smallest size: toy events, ``EventLoader``, ``EventModel`` with dropout."""

from __future__ import annotations

import torch

from colliderfm.data.event_batch import EventBatch
from colliderfm.data.event_table import EventTable
from colliderfm.data.loader import EventLoader, sequential
from colliderfm.data.normalize import Normalizer
from colliderfm.data.toys import toy_table
from colliderfm.models.build import build_event_model
from colliderfm.models.event_model import EventModel
from colliderfm.models.settings import AssignSettings, ClassifySettings

PROCESSES = ("qcd", "haa_ma30")


def event_model(table: EventTable, dropout: float = 0.2) -> EventModel:
    torch.manual_seed(11)
    classes = (("background", ("qcd",)), ("signal", ("haa_ma30",)))
    return build_event_model(
        "tiny",
        heads=[ClassifySettings(classes), AssignSettings(("a_bb",))],
        normalizer=Normalizer.fit(table),
        dropout=dropout,
    )


def event_loader(
    table: EventTable, workers: int = 0, rank: int = 0, world_size: int = 1
) -> EventLoader:
    return EventLoader(
        table, 32 // world_size, seed=2, workers=workers, rank=rank, world_size=world_size
    )


def toy_events(seed: int = 0) -> EventTable:
    return toy_table(192, seed=seed, processes=PROCESSES)


class EventTask:
    def __init__(self, model: EventModel, heads: tuple[str, ...] = ("classify", "assign")) -> None:
        self.model, self.heads, self.validation = model, heads, toy_events(seed=1)

    def loss(self, batch: EventBatch) -> tuple[torch.Tensor, dict[str, torch.Tensor | float]]:
        losses = self.model.losses(self.model(batch, self.heads), batch)
        parts = {name: value.mean() for name, value in losses.items()}
        total = torch.stack(list(parts.values())).sum()
        return total, {name: value.detach() for name, value in parts.items()}

    def validate(self) -> dict[str, float]:
        n_right = 0
        total = 0.0
        for _, batch in sequential(self.validation, 64):
            outputs = self.model(batch)
            total += self.model.losses(outputs, batch)["classify"].sum().item()
            is_signal = batch.process == batch.process.max()
            n_right += int((outputs["classify"].argmax(dim=1) == is_signal).sum())
        n_events = len(self.validation.process)
        return {"loss": total / n_events, "accuracy": n_right / n_events}
