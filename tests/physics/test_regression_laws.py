"""Laws of the regressed momenta through the whole network, and a short training that must help."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from colliderfm.data.event_schema import GLOBAL_FEATURES, OBJECT_FEATURES
from colliderfm.data.normalize import Normalizer
from colliderfm.data.toys import toy_table
from colliderfm.evaluate.regression import matched_decays
from colliderfm.models.event_model import EventEncoder
from colliderfm.models.sizes import encoder_settings
from colliderfm.nn.heads.regress import RegressHead
from colliderfm.nn.heads.resonance_quantities import turned
from colliderfm.physics.decays import DECAY_INDEX, DECAYS

PHI, MET_PHI = OBJECT_FEATURES.index("phi"), GLOBAL_FEATURES.index("met_phi")
TOYS = toy_table(90, 3, ("tt", "tth", "zz", "tt_2l", "qcd", "hww"))
TOLERANCE = 1e-9


def built(table, **changes):
    """A tiny encoder and a head that knows every decay of the toys."""
    torch.manual_seed(0)
    settings = encoder_settings("tiny", dropout=0.0, **changes)
    names = ("t_bqq", "t_bl", "Z_qq", "Z_ll", "H_bb", "H_WW", "W_l")
    head = RegressHead(settings.width, [DECAYS[DECAY_INDEX[n]] for n in names], hidden=32)
    return EventEncoder(Normalizer.fit(table), settings), head


@pytest.fixture(scope="module")
def network():
    encoder, head = built(TOYS)
    nn.init.normal_(head.guess_weight)
    return encoder.double().eval(), head.double()


@pytest.fixture(scope="module")
def batch():
    made = TOYS.batch(np.arange(len(TOYS)))
    return replace(made, objects=made.objects.double(), globals=made.globals.double())


@torch.no_grad()
def predicted(network, batch):
    """Momenta, GeV, and per-event losses."""
    encoder, head = network
    outputs = head(encoder(batch), batch)
    return head.predict(outputs, batch), head.loss(outputs, batch)


def assert_close(first, second):
    scale = float(first.abs().max())
    torch.testing.assert_close(first, second, atol=TOLERANCE * scale, rtol=0)


def test_a_turned_event_has_turned_resonances(network, batch):
    angle = torch.linspace(-3.0, 3.0, len(batch), dtype=torch.float64)
    objects, event = batch.objects.clone(), batch.globals.clone()
    objects[..., PHI] = (objects[..., PHI] + angle[:, None] + torch.pi) % (2 * torch.pi) - torch.pi
    event[:, MET_PHI] = (event[:, MET_PHI] + angle + torch.pi) % (2 * torch.pi) - torch.pi
    truth = replace(batch.truth, momenta=turned(batch.truth.momenta.double(), angle))
    momenta, loss = predicted(network, batch)
    same, same_loss = predicted(
        network, replace(batch, objects=objects, globals=event, truth=truth)
    )
    assert_close(turned(momenta, angle), same)
    torch.testing.assert_close(loss, same_loss)


def test_the_order_of_the_objects_does_not_matter(network, batch):
    order = torch.randperm(batch.mask.shape[1], generator=torch.Generator().manual_seed(0))
    moved = replace(batch, objects=batch.objects[:, order], mask=batch.mask[:, order])
    for first, second in zip(predicted(network, batch), predicted(network, moved), strict=True):
        assert_close(first, second)


def test_padded_slots_do_not_matter(network, batch):
    wide = replace(
        batch,
        objects=nn.functional.pad(batch.objects, (0, 0, 0, 4), value=3.0),
        mask=nn.functional.pad(batch.mask, (0, 4)),
    )
    for first, second in zip(predicted(network, batch), predicted(network, wide), strict=True):
        assert_close(first, second)


def test_a_short_training_beats_the_best_constant():
    train, test = (toy_table(n, seed, ("tt",)) for n, seed in ((2000, 1), (500, 2)))
    encoder, head = built(train, n_blocks=1, n_edge_layers=0)
    parameters = [*encoder.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=8e-3)
    generator = np.random.default_rng(0)
    for _ in range(80):
        batch = train.batch(generator.choice(len(train), 128, replace=False))
        loss = head.loss(head(encoder(batch), batch), batch).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    batch = test.batch(np.arange(len(test)))
    momenta, _ = predicted((encoder.eval(), head), batch)
    found = matched_decays(momenta.numpy(), batch.truth.momenta.numpy(), batch.decay.numpy())
    for name, row in found.items():
        for quantity in ("pt_gev", "momentum_gev", "eta", "phi"):
            assert row.width(quantity) < 0.8 * row.constant_width(quantity), (name, quantity)
