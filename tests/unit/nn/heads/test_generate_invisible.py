"""Invisible particles: features, conditioning, invariances, physical samples."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from colliderfm.data.event_schema import EVENT_SCHEMA, GLOBAL_FEATURES
from colliderfm.data.normalize import Normalizer
from colliderfm.data.toys import toy_table
from colliderfm.errors import DataError
from colliderfm.models.event_model import EventEncoder
from colliderfm.models.sizes import encoder_settings
from colliderfm.nn import diffusion
from colliderfm.nn.encoding import Encoding
from colliderfm.nn.heads import generate_invisible
from colliderfm.nn.heads.generate_invisible import InvisibleHead


@dataclass(frozen=True)
class Truth:
    """The part of the truth that the head reads."""

    invisible: torch.Tensor
    invisible_mask: torch.Tensor


@dataclass(frozen=True)
class Batch:
    """The part of a batch that the head reads."""

    globals: torch.Tensor
    weight: torch.Tensor
    truth: Truth | None


def random_truth(n_events: int, generator: torch.Generator) -> Truth:
    momentum = 40 * torch.randn(n_events, 3, 3, generator=generator)
    mask = torch.arange(3) < torch.randint(0, 4, (n_events, 1), generator=generator)
    momenta = torch.cat([momentum.norm(dim=-1, keepdim=True), momentum], dim=-1)
    return Truth(momenta * mask[..., None], mask)


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    event = 3 * (2 * torch.rand(32, len(GLOBAL_FEATURES), generator=generator) - 1)
    return Batch(event, torch.ones(32), random_truth(32, generator))


@pytest.fixture
def encoding():
    generator = torch.Generator().manual_seed(1)
    mask = torch.arange(5) < torch.randint(1, 6, (32, 1), generator=generator)
    objects = torch.randn(32, 5, 16, generator=generator) * mask[..., None]
    return Encoding(objects, torch.randn(32, 16, generator=generator), mask, None)


@pytest.fixture
def head(batch):
    torch.manual_seed(2)
    return InvisibleHead(16, 2).fit([batch]).eval()


def noised(head, batch):
    x = head.features(batch.truth.invisible, batch.globals[:, 1])
    t = torch.linspace(0.02, 0.98, len(x))
    return diffusion.noised(x, torch.randn_like(x), t), t


def test_the_direction_of_the_missing_momentum_is_where_the_schema_has_it():
    assert GLOBAL_FEATURES[generate_invisible.MET_PHI] == "met_phi"


def test_features_are_standardized_and_the_angle_lies_on_a_circle(head, batch):
    mask = batch.truth.invisible_mask
    x = head.features(batch.truth.invisible, batch.globals[:, 1])[mask]
    assert torch.allclose(x[:, :2].mean(dim=0), torch.zeros(2), atol=1e-5)
    assert torch.allclose(x[:, :2].std(dim=0, correction=0), torch.ones(2), atol=1e-5)
    assert torch.allclose(x[:, 2:].square().sum(dim=1), torch.full((len(x),), 2.0), atol=1e-5)


def test_features_give_back_the_momenta(head, batch):
    momenta, met_phi = batch.truth.invisible.double(), batch.globals[:, 1].double()
    again = head.features.inverse(head.features(momenta, met_phi), met_phi)
    mask = batch.truth.invisible_mask
    energy = momenta[mask][:, :1]
    assert ((again[mask] - momenta[mask]) / energy).abs().max() < 1e-6


def test_standardization_is_saved_with_the_weights(head):
    fresh = InvisibleHead(16, 2)
    fresh.load_state_dict(head.state_dict())
    assert torch.equal(fresh.features.mean, head.features.mean)
    assert torch.equal(fresh.features.std, head.features.std)


def test_fitted_mean_follows_the_event_weights():
    def of(pt, weight):
        momenta = torch.tensor([[[pt, pt, 0.0, 0.0]]])
        truth = Truth(momenta, torch.ones(1, 1, dtype=torch.bool))
        return Batch(torch.zeros(1, 11), torch.tensor([weight]), truth)

    head = InvisibleHead(16, 2).fit([of(math.e - 1, 3.0), of(math.e**2 - 1, -1.0)])
    assert math.isclose(float(head.features.mean[0]), 1.25, rel_tol=1e-5)
    assert math.isclose(float(head.features.std[0]), math.sqrt(0.1875), rel_tol=1e-4)


def test_events_without_truth_are_refused(head, encoding, batch):
    with pytest.raises(DataError, match="truth"):
        head(encoding, replace(batch, truth=None))
    none = replace(batch.truth, invisible_mask=torch.zeros(32, 3, dtype=torch.bool))
    with pytest.raises(DataError, match="no invisible"):
        InvisibleHead(16, 2).fit([replace(batch, truth=none)])


def test_events_without_invisible_particles_have_no_loss(head, encoding, batch):
    loss = head.loss(head(encoding, batch), batch)
    has_any = batch.truth.invisible_mask.any(dim=1)
    assert (loss[has_any] > 0).all()
    assert torch.equal(loss[~has_any], torch.zeros(int((~has_any).sum())))


def test_loss_reaches_every_parameter_and_the_encoder(head, encoding, batch):
    encoding = encoding._replace(objects=encoding.objects.requires_grad_())
    head.loss(head(encoding, batch), batch).mean().backward()
    assert all(parameter.grad is not None for parameter in head.parameters())
    assert encoding.objects.grad.abs().sum() > 0


def test_training_and_sampling_are_conditioned_alike(head, encoding, batch, monkeypatch):
    """At the time, noised particles and mask of a training step the sampler computes the same v."""
    truth, met_phi = batch.truth, batch.globals[:, 1]
    x = head.features(truth.invisible, met_phi)
    noise, t = torch.randn(x.shape, generator=torch.Generator().manual_seed(3)), torch.ones(1)
    monkeypatch.setattr(diffusion, "random_times", lambda n, _: t.expand(n))
    monkeypatch.setattr(torch, "randn_like", lambda _: noise)
    trained = head(encoding, batch)
    start = diffusion.noised(x, noise, t)
    monkeypatch.setattr(torch, "randn", lambda *_, **__: start)
    seen = []
    original = InvisibleHead.velocity

    def spy(self, *arguments):
        seen.append(original(self, *arguments))
        return seen[-1]

    monkeypatch.setattr(InvisibleHead, "velocity", spy)
    head.sample(encoding, batch, truth.invisible_mask, 3)
    assert torch.allclose(seen[0], trained.velocity, atol=1e-6)


def test_cached_keys_and_values_change_nothing(head, encoding, batch):
    """The velocity from a cache equals attention to the visible tokens written out."""
    x_t, t = noised(head, batch)
    mask = batch.truth.invisible_mask
    once = head.cache(encoding)
    first = head.velocity(once, x_t, t, mask)
    head.velocity(once, torch.randn_like(x_t), t.flip(0), mask)
    assert torch.equal(head.velocity(once, x_t, t, mask), first)
    assert torch.equal(head.velocity(head.cache(encoding), x_t, t, mask), first)


def test_attention_equals_torch_attention_over_all_tokens():
    torch.manual_seed(0)
    layer = generate_invisible.InvisibleLayer(8, 2).eval()
    visible, tokens = torch.randn(3, 4, 8), torch.randn(3, 2, 8)
    bias = torch.zeros(3, 1, 1, 6)
    bias[0, ..., 3] = -1e4
    out = layer(tokens, layer.cache(visible), bias, torch.zeros(1, 1, 8))
    q, k, v = layer.to_qkv(layer.attention_norm(tokens)).view(3, 2, 3, 2, 4).permute(2, 0, 3, 1, 4)
    k_vis, v_vis = layer.visible_to_kv(visible).view(3, 4, 2, 2, 4).permute(2, 0, 3, 1, 4)
    mixed = torch.nn.functional.scaled_dot_product_attention(
        q, torch.cat([k_vis, k], 2), torch.cat([v_vis, v], 2), attn_mask=bias
    )
    expected = tokens + layer.to_output(mixed.transpose(1, 2).reshape(3, 2, 8))
    expected = expected + layer.feed_forward(layer.feed_forward_norm(expected))
    assert torch.allclose(out, expected, atol=1e-6)


def test_exchange_of_particles_exchanges_velocities(head, encoding, batch):
    x_t, t = noised(head, batch)
    order = torch.tensor([2, 0, 1])
    mask = batch.truth.invisible_mask
    cache = head.cache(encoding)
    moved = head.velocity(cache, x_t[:, order], t, mask[:, order])
    assert torch.allclose(moved, head.velocity(cache, x_t, t, mask)[:, order], atol=1e-6)


def test_order_of_objects_and_padding_do_not_matter(head, encoding, batch):
    x_t, t = noised(head, batch)
    mask = batch.truth.invisible_mask
    expected = head.velocity(head.cache(encoding), x_t, t, mask)
    order = torch.tensor([3, 1, 4, 0, 2])
    moved = encoding._replace(objects=encoding.objects[:, order], mask=encoding.mask[:, order])
    assert torch.allclose(head.velocity(head.cache(moved), x_t, t, mask), expected, atol=1e-6)
    longer = encoding._replace(
        objects=torch.nn.functional.pad(encoding.objects, (0, 0, 0, 2), value=7.0),
        mask=torch.nn.functional.pad(encoding.mask, (0, 2)),
    )
    pad_x, pad_mask = (
        torch.nn.functional.pad(x_t, (0, 0, 0, 1), value=5.0),
        torch.nn.functional.pad(mask, (0, 1)),
    )
    padded = head.velocity(head.cache(longer), pad_x, t, pad_mask)
    assert torch.allclose(padded[:, :3], expected, atol=1e-6)
    assert torch.equal(padded[:, 3], torch.zeros(32, 4))


def test_a_rotated_event_gives_rotated_particles():
    table = toy_table(24, 3, ("tt", "tt_2l"))
    batch = table.batch(np.arange(24))
    torch.manual_seed(0)
    encoder = EventEncoder(Normalizer.fit(table), encoder_settings("tiny")).eval().double()
    head = InvisibleHead(24, 2).eval().double()
    batch = batch.map(lambda tensor: tensor.double() if tensor.is_floating_point() else tensor)
    turned = replace(batch, objects=batch.objects.clone(), globals=batch.globals.clone())
    for values in (turned.objects[..., 3], turned.globals[..., 1]):
        values.copy_(torch.atan2((values + 2.1).sin(), (values + 2.1).cos()))
    mask = torch.ones(24, 2, dtype=torch.bool)

    def generate(events):
        generator = torch.Generator().manual_seed(5)
        return head.sample(encoder(events), events, mask, 4, generator=generator)

    energy, px, py, pz = generate(batch).unbind(-1)
    cos, sin = math.cos(2.1), math.sin(2.1)
    expected = torch.stack([energy, cos * px - sin * py, sin * px + cos * py, pz], dim=-1)
    assert torch.allclose(generate(turned), expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_samples_are_massless_sorted_and_inside_the_ranges_of_the_columns(
    head, encoding, batch, scale
):
    """Even from a head that predicts nonsense."""
    with torch.no_grad():
        head.to_velocity[1].weight *= scale
    mask = batch.truth.invisible_mask
    momenta = head.sample(encoding, batch, mask, 5)
    assert momenta.isfinite().all()
    assert torch.equal(momenta[~mask], torch.zeros_like(momenta[~mask]))
    energy, momentum = momenta[..., 0], momenta[..., 1:].norm(dim=-1)
    assert torch.allclose(energy, momentum, rtol=1e-4)
    pt = torch.hypot(momenta[..., 1], momenta[..., 2])
    assert (pt[:, 1:] <= pt[:, :-1] * (1 + 1e-5) + 1e-6).all()
    for i, part in enumerate(("energy", "px", "py", "pz")):
        column = EVENT_SCHEMA.find(f"invisible_{part}_gev")
        assert column is not None
        assert momenta[..., i].min() >= column.low
        assert momenta[..., i].max() <= column.high
