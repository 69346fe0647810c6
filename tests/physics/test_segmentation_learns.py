"""A short training on toy events: resonances are found far more often than by chance."""

from __future__ import annotations

import numpy as np
import torch

from colliderfm.data.normalize import Normalizer
from colliderfm.data.toys import toy_table
from colliderfm.evaluate.cluster_matching import score_segmentation
from colliderfm.evaluate.segmentation import class_confusion, cluster_purity, count_confusion
from colliderfm.models.event_model import EventEncoder
from colliderfm.models.sizes import encoder_settings
from colliderfm.nn.heads.segment import SegmentHead
from colliderfm.physics.decays import DECAY_INDEX, DECAYS

PROCESSES = ("qcd", "tt", "zz", "wjets")
CLASSES = [DECAYS[DECAY_INDEX[name]] for name in ("t_bqq", "t_bl", "Z_qq", "Z_ll", "W_l")]


def test_a_short_training_finds_resonances():
    torch.manual_seed(0)
    train, validation = toy_table(1600, 1, PROCESSES), toy_table(400, 2, PROCESSES)
    encoder = EventEncoder(Normalizer.fit(train), encoder_settings("tiny", dropout=0.0))
    head = SegmentHead(encoder.settings.width, encoder.settings.n_heads, CLASSES, n_queries=4)
    parameters = [*encoder.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=5e-3)
    generator = np.random.default_rng(0)
    for _ in range(100):
        batch = train.batch(generator.choice(len(train), 128, replace=False))
        loss = head.loss(head(encoder(batch), batch), batch).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
    batch = validation.batch(np.arange(len(validation)))
    with torch.no_grad():
        found = head.predict(head(encoder(batch), batch))
    targets = head.target(batch)
    result = score_segmentation(
        found.class_probability.numpy(),
        found.masks.numpy(),
        targets.classes.numpy(),
        targets.members.numpy(),
    )
    purity = cluster_purity(result)
    # A fresh network finds no class and less than 2% of the masks.
    assert purity["class"].value > 0.8
    assert purity["right_class"].value > 0.4
    assert np.diag(class_confusion(result)).min() > 0.6
    assert np.diag(count_confusion(result, 2)).min() > 0.6
