"""Objectives of spectrum pretraining on real batches."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from toy_corpus import toy_corpus

from colliderfm.data.replica_pairs import PairSettings, ReplicaPairs, sm_noise
from colliderfm.models.spectrum_model import SpectrumEncoderSettings, build_spectrum_model
from colliderfm.models.spectrum_normalization import SpectrumNormalization
from colliderfm.models.spectrum_objectives import OBJECTIVES, kernel_penalty, pretraining_losses

ALL = dict.fromkeys(OBJECTIVES, 1.0)
SETTINGS = PairSettings(
    batch_size=64, positive_fraction=1.0, distances=True, truncation=True, densities=True
)


@pytest.fixture(scope="module")
def pairs():
    return ReplicaPairs(toy_corpus(), SETTINGS, stream=1)


def model_of(pairs, heads=ALL, **settings):
    table = pairs.corpus.table
    sm, sigma = table.sm_pb / table.width_gev, sm_noise(pairs.corpus, "hard").sigma[0]
    scales = SpectrumNormalization(
        *(table.observable, tuple(table.low_gev), tuple(table.high_gev)),
        *(tuple(sm), tuple(sigma), tuple(sm), tuple(sigma)),
    )
    torch.manual_seed(0)
    outputs = {name: pairs.n_directions if name == "directions" else 1 for name in heads}
    shape = SpectrumEncoderSettings(hidden=32, layers=2, latent=4, **settings)
    return build_spectrum_model(shape, scales, outputs)


def losses(model, batch, variant="distance", weights=ALL):
    return pretraining_losses(model, batch, variant=variant, margin=1.0, weights=weights)


def test_objectives_of_weight_zero_are_left_out(pairs):
    model, batch = model_of(pairs, heads={}), pairs.batch(0)
    assert set(losses(model, batch, "contrastive", {})) == {"pairs"}
    assert set(losses(model, batch, "distance", dict.fromkeys(OBJECTIVES, 0.0))) == {
        "same_universe",
        "stress",
    }


@pytest.mark.parametrize("kind", ["dense", "transformer"])
def test_all_objectives_reach_the_encoder_and_their_heads(pairs, kind):
    model = model_of(pairs, kind=kind)
    found = losses(model, pairs.batch(0))
    assert set(OBJECTIVES) < set(found)
    for name in OBJECTIVES:
        model.zero_grad()
        found[name].backward(retain_graph=True)
        for part in (model.encoder, model.heads[name]):
            gradients = [p.grad for p in part.parameters() if p.grad is not None]
            assert sum(float(gradient.abs().sum()) for gradient in gradients) > 0.0, name


def test_weights_multiply(pairs):
    model, batch = model_of(pairs).eval(), pairs.batch(0)
    once = losses(model, batch, weights={"directions": 1.0})["directions"]
    thrice = losses(model, batch, weights={"directions": 3.0})["directions"]
    torch.testing.assert_close(thrice, 3.0 * once)


def test_masked_bins_are_hidden_from_the_encoder(pairs):
    """With everything masked by chance or not, the loss only sees masked bins."""
    model, batch = model_of(pairs).eval(), pairs.batch(0)
    torch.manual_seed(5)
    first = losses(model, batch, weights={"masked_bins": 1.0})["masked_bins"]
    torch.manual_seed(5)
    is_masked = torch.rand_like(batch.first) < 0.3
    changed = torch.where(is_masked, batch.first, 2.0 * batch.first)
    visible = replace(batch, first=changed)
    torch.manual_seed(5)
    second = losses(model, visible, weights={"masked_bins": 1.0})["masked_bins"]
    assert not torch.equal(first, second)
    hidden = replace(batch, first=torch.where(is_masked, 2.0 * batch.first, batch.first))
    scaling = model.encoder.scaling
    seen = torch.where(is_masked, scaling.sm, hidden.first)
    torch.testing.assert_close(model(seen), model(torch.where(is_masked, scaling.sm, batch.first)))


def test_a_few_updates_lower_every_objective(pairs):
    model = model_of(pairs)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    history = []
    for step in range(40):
        torch.manual_seed(step)
        found = losses(model, pairs.batch(step % 4))
        optimizer.zero_grad()
        torch.stack(list(found.values())).sum().backward()
        optimizer.step()
        history.append({name: value.item() for name, value in found.items()})
    for name in ("same_universe", "stress", "decoder", "masked_bins", "directions", "densities"):
        start, end = history[0][name], sum(entry[name] for entry in history[-4:]) / 4
        assert end < start, name


def test_the_kernel_penalty_is_the_sum_of_squares(pairs):
    model = model_of(pairs, heads={})
    expected = sum(
        kernel.square().sum().item()
        for kernel in (model.encoder.network.body[0].weight, model.encoder.network.body[4].weight)
    )
    assert kernel_penalty(model).item() == pytest.approx(expected, rel=1e-5)
