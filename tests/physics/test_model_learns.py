"""A short training on toy events: better than chance at classes and at assignment."""

from __future__ import annotations

import numpy as np
import torch

from colliderfm.data.normalize import Normalizer
from colliderfm.data.toys import toy_table
from colliderfm.losses.reduce import weighted_total
from colliderfm.models.build import build_event_model
from colliderfm.models.settings import AssignSettings, ClassifySettings

PROCESSES = ("qcd", "tt", "zjets", "haa_ma40")
HEADS = (
    ClassifySettings(tuple((name, (name,)) for name in PROCESSES)),
    AssignSettings(("t_bqq", "t_bl", "Z_ll", "a_bb")),
)


def test_a_short_training_beats_chance():
    torch.manual_seed(0)
    train, validation = toy_table(2000, 1, PROCESSES), toy_table(600, 2, PROCESSES)
    model = build_event_model("tiny", heads=HEADS, normalizer=Normalizer.fit(train), dropout=0.0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    generator = np.random.default_rng(0)
    for _ in range(120):
        batch = train.batch(generator.choice(len(train), 128, replace=False))
        total, _ = weighted_total(model.losses(model(batch), batch))
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
    model.eval()
    batch = validation.batch(np.arange(len(validation)))
    with torch.no_grad():
        outputs = model(batch)
    classify, assign = model.heads["classify"], model.heads["assign"]
    accuracy = (outputs["classify"].argmax(dim=1) == classify.target(batch)).float().mean()
    assert accuracy > 0.6  # chance: 0.25
    # A fresh network draws every tuple with nearly equal probability.
    torch.manual_seed(1)
    fresh = build_event_model("tiny", heads=HEADS).eval()
    with torch.no_grad():
        blind, is_valid = fresh.heads["assign"].tuple_loss(fresh(batch)["assign"], batch)
        learnt, _ = assign.tuple_loss(outputs["assign"], batch)
    assert learnt[is_valid].mean() < 0.75 * blind[is_valid].mean()
