"""Objects: categories, conditioning, invariances, physical samples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from colliderfm.data.event_schema import EVENT_SCHEMA, GLOBAL_FEATURES, OBJECT_FEATURES
from colliderfm.data.normalize import GLOBAL_INPUTS, OBJECT_INPUTS, Normalizer
from colliderfm.data.toys import toy_table
from colliderfm.models.event_model import EventEncoder
from colliderfm.models.sizes import encoder_settings
from colliderfm.nn import diffusion
from colliderfm.nn.heads import cloud_features
from colliderfm.nn.heads.cloud_features import NoisedObjects, raw_objects, split_objects
from colliderfm.nn.heads.generate_cloud import CloudHead
from colliderfm.nn.heads.object_noise import choose_objects

PROCESSES = ("qcd", "tt", "zjets", "tt_2l")


@pytest.fixture(scope="module")
def table():
    events = toy_table(56, 3, PROCESSES)
    return events.subset(events.n_objects >= 2)


@pytest.fixture(scope="module")
def batch(table):
    return table.batch(np.arange(len(table)))


@pytest.fixture
def encoder(table):
    torch.manual_seed(0)
    return EventEncoder(Normalizer.fit(table), encoder_settings("tiny")).eval()


@pytest.fixture
def head():
    torch.manual_seed(1)
    return CloudHead(24, 32).eval()


def run(head, encoder, perturbed):
    return head(encoder(perturbed.batch, perturbed.token_shift), perturbed)


def test_columns_are_where_the_normalizer_and_the_schema_have_them():
    names = ("pt_gev", "eta", "cos_phi", "sin_phi")
    assert tuple(OBJECT_INPUTS[i] for i in cloud_features.CONTINUOUS) == names
    assert tuple(OBJECT_INPUTS[i] for i in cloud_features.FLAGS) == ("btag", "is_lepton", "charge")
    assert len(OBJECT_INPUTS) == cloud_features.N_INPUTS
    assert len(GLOBAL_INPUTS) == cloud_features.N_GLOBAL_INPUTS
    assert GLOBAL_FEATURES[cloud_features.MET] == "met_gev"
    assert GLOBAL_FEATURES[cloud_features.MET_PHI] == "met_phi"
    assert cloud_features._OBJECT_NAMES == OBJECT_FEATURES


def test_features_and_categories_give_back_the_objects(encoder, batch):
    batch = batch.map(lambda tensor: tensor.double() if tensor.is_floating_point() else tensor)
    normalizer, none = encoder.normalizer.double(), torch.zeros_like(batch.mask)
    # Jets with a mass; rounding has put some of the massless ones below their momentum.
    batch.objects[..., 0] = batch.objects[..., 1] * batch.objects[..., 2].cosh() * 1.05
    x, category = split_objects(batch, normalizer)
    clean = NoisedObjects(x, category, none, batch.mask, torch.zeros(len(batch)))
    again = raw_objects(clean, batch.globals[:, 1], normalizer)[batch.mask]
    expected = batch.objects[batch.mask]
    assert ((again[:, 0] - expected[:, 0]) / expected[:, 0]).abs().max() < 1e-6
    assert ((again - expected).abs() / (1 + expected.abs())).max() < 1e-6
    assert torch.equal(again[:, 4:], expected[:, 4:])


def test_masses_are_of_order_one_as_a_feature(encoder, batch):
    objects = torch.zeros(1, 2, 7)
    objects[0, :, 0] = torch.tensor([50.0, 26.0]).sqrt()
    objects[0, :, 1] = 5.0
    pair = replace(
        batch, objects=objects, mask=torch.ones(1, 2, dtype=torch.bool), globals=batch.globals[:1]
    )
    x, _ = split_objects(pair, encoder.normalizer)
    # Masses of 5 and 1 GeV.
    assert torch.allclose(x[0, :, 0], (torch.tensor([6.0, 2.0]).log() - 2.0) / 0.8, atol=1e-4)


def test_flags_are_one_of_four_categories(encoder, batch):
    objects = torch.zeros(1, 4, 7)
    objects[0, :, 4:] = torch.tensor(cloud_features.CATEGORIES)
    four = replace(
        batch, objects=objects, mask=torch.ones(1, 4, dtype=torch.bool), globals=batch.globals[:1]
    )
    assert split_objects(four, encoder.normalizer)[1].tolist() == [[0, 1, 2, 3]]


def test_every_event_gets_noise_and_no_padding_does(batch):
    torch.manual_seed(0)
    for fraction in (0.0, 0.3, 1.0):
        is_noised = choose_objects(batch.mask, fraction)
        assert is_noised.any(dim=1).all()
        assert not (is_noised & ~batch.mask).any()
    assert torch.equal(choose_objects(batch.mask, 1.0), batch.mask)
    assert choose_objects(batch.mask, 0.0).sum() == len(batch)
    many = torch.ones(4000, 5, dtype=torch.bool)
    share = choose_objects(many, 0.6).float().mean()
    # (1 - 0.6)^5 of the events get one object that they would not have.
    assert abs(share - 0.6 - 0.4**5 / 5) < 0.01


def test_an_event_without_objects_gets_no_noise():
    assert not choose_objects(torch.zeros(2, 3, dtype=torch.bool), 1.0).any()


def test_objects_without_noise_stay_as_they_are_and_get_no_shift(head, encoder, batch):
    torch.manual_seed(0)
    perturbed = head.perturb(batch, 0.4, encoder.normalizer)
    kept = ~perturbed.is_noised
    assert torch.equal(perturbed.batch.objects[kept], batch.objects[kept])
    assert not perturbed.token_shift[kept].any()
    assert (perturbed.token_shift[perturbed.is_noised] != 0).any(dim=-1).all()
    assert (perturbed.category[kept] == -1).all()


def test_at_time_zero_the_shift_is_zero_and_the_objects_are_the_true_ones(head, encoder, batch):
    x, category = split_objects(batch, encoder.normalizer)
    zero, none = torch.zeros(len(batch)), torch.zeros_like(batch.mask)
    start = diffusion.noised(x, torch.randn_like(x), zero)
    noised = NoisedObjects(start, category, none, batch.mask, zero)
    events, shift = head.conditioned(batch, noised, encoder.normalizer)
    assert torch.equal(shift, torch.zeros_like(shift))
    assert torch.allclose(events.objects, batch.objects, rtol=2e-3, atol=2e-3)


def test_only_the_missing_momentum_is_given_of_the_globals(head, encoder, batch):
    """A change of anything that is to be generated changes nothing that the encoder sees."""
    noised = NoisedObjects(
        torch.randn(*batch.mask.shape, 5),
        torch.zeros_like(batch.mask, dtype=torch.int64),
        batch.mask,
        batch.mask,
        torch.full((len(batch),), 0.5),
    )
    other = replace(batch, objects=2.0 * batch.objects, globals=batch.globals + 1.0)
    other.globals[:, :2] = batch.globals[:, :2]
    seen, shift = head.conditioned(batch, noised, encoder.normalizer)
    seen_other, shift_other = head.conditioned(other, noised, encoder.normalizer)
    assert torch.equal(seen.objects[batch.mask], seen_other.objects[batch.mask])
    assert torch.equal(seen.globals, seen_other.globals)
    assert torch.equal(seen.globals[:, :2], batch.globals[:, :2])
    assert torch.equal(shift, shift_other)
    assert encoder.normalizer(seen)[1][:, 1:].abs().max() < 1e-5


def test_a_hidden_category_shows_nothing_of_itself(head, encoder, batch):
    x = torch.randn(*batch.mask.shape, 5)
    t = torch.full((len(batch),), 0.5)
    views = [
        head.conditioned(
            batch,
            NoisedObjects(x, torch.full(batch.mask.shape, c), batch.mask, batch.mask, t),
            encoder.normalizer,
        )
        for c in range(4)
    ]
    assert all(torch.equal(events.objects, views[0][0].objects) for events, _ in views)
    assert all(torch.equal(shift, views[0][1]) for _, shift in views)
    assert not views[0][0].objects[..., 4:][batch.mask].any()


def test_extras_of_noised_objects_are_withheld(head, encoder, batch):
    batch = replace(batch, object_extras={"ip3d_cm": torch.ones(batch.mask.shape)})
    torch.manual_seed(0)
    perturbed = head.perturb(batch, 0.5, encoder.normalizer)
    hidden = perturbed.batch.object_extras["ip3d_cm"].isnan()
    assert torch.equal(hidden, perturbed.is_noised)


def test_categories_are_asked_where_they_are_hidden_and_are_hidden_with_probability_t(
    head, encoder, table
):
    torch.manual_seed(0)
    batch = table.batch(np.tile(np.arange(len(table)), 20))
    perturbed = head.perturb(batch, 1.0, encoder.normalizer)
    hidden = perturbed.noised.is_hidden
    assert torch.equal(perturbed.category >= 0, hidden)
    _, category = split_objects(batch, encoder.normalizer)
    assert torch.equal(perturbed.category[hidden], category[hidden])
    late = perturbed.t > 0.8
    assert abs(hidden[late][batch.mask[late]].float().mean() - 0.9) < 0.03
    # Flags that are known are shown as they are, hidden ones are zero.
    known = perturbed.is_noised & ~hidden
    shown = perturbed.batch.objects
    assert torch.equal(shown[known][:, 4:], batch.objects[known][:, 4:])
    assert not shown[hidden][:, 4:].any()


def test_clarity_falls_from_one_to_zero(head, encoder, batch):
    torch.manual_seed(0)
    full = head.perturb(batch, 1.0, encoder.normalizer)
    assert torch.allclose(full.clarity, diffusion.alpha(full.t) ** 2, atol=1e-6)
    part = head.perturb(batch, 0.2, encoder.normalizer)
    assert (part.clarity >= diffusion.alpha(part.t) ** 2 - 1e-6).all()


def test_training_and_sampling_are_conditioned_alike(head, encoder, batch):
    """The first call of a sampling path equals a training step at t = 1 with the same noise."""
    seen = []
    hook = encoder.register_forward_hook(lambda _, inputs, __: seen.append(inputs))
    generator = torch.Generator().manual_seed(3)
    head.sample(encoder, batch, 1, generator=generator)
    hook.remove()
    events, shift = seen[0]
    generator = torch.Generator().manual_seed(3)
    torch.rand(batch.mask.shape, generator=generator)
    start = torch.randn(*batch.mask.shape, 5, generator=generator)
    _, category = split_objects(batch, encoder.normalizer)
    noised = NoisedObjects(start, category, batch.mask, batch.mask, torch.ones(len(batch)))
    expected, expected_shift = head.conditioned(batch, noised, encoder.normalizer)
    assert torch.equal(events.objects, expected.objects)
    assert torch.equal(events.globals, expected.globals)
    assert torch.equal(shift, expected_shift)


def test_sampling_does_not_look_at_what_it_generates(head, encoder, batch):
    def generate(events):
        generator = torch.Generator().manual_seed(3)
        return head.sample(encoder, events, 3, generator=generator).objects

    other = replace(batch, objects=torch.where(batch.mask[..., None], 1.0, batch.objects))
    assert torch.equal(generate(batch), generate(other))


def test_order_of_objects_and_padding_do_not_matter(head, encoder, batch):
    torch.manual_seed(0)
    perturbed = head.perturb(batch, 0.5, encoder.normalizer)
    velocity, logits = head.predict(
        encoder(perturbed.batch, perturbed.token_shift), perturbed.noised
    )
    order = torch.randperm(batch.mask.shape[1])
    moved = replace(batch, objects=batch.objects[:, order], mask=batch.mask[:, order])
    noised = NoisedObjects(*(part[:, order] for part in perturbed.noised[:4]), perturbed.t)
    moved_out = head.predict(encoder(*head.conditioned(moved, noised, encoder.normalizer)), noised)
    real = moved.mask
    assert torch.allclose(moved_out[0][real], velocity[:, order][real], atol=1e-4)
    assert torch.allclose(moved_out[1][real], logits[:, order][real], atol=1e-4)
    pad = torch.nn.functional.pad
    longer = replace(
        batch, objects=pad(batch.objects, (0, 0, 0, 2), value=9.0), mask=pad(batch.mask, (0, 2))
    )
    noised = NoisedObjects(
        pad(perturbed.noised.x_t, (0, 0, 0, 2), value=3.0),
        *(pad(part, (0, 2)) for part in perturbed.noised[1:4]),
        perturbed.t,
    )
    padded = head.predict(encoder(*head.conditioned(longer, noised, encoder.normalizer)), noised)
    n_slots = batch.mask.shape[1]
    assert torch.allclose(padded[0][:, :n_slots][batch.mask], velocity[batch.mask], atol=1e-4)


def test_a_rotated_template_gives_rotated_objects(head, encoder, batch):
    encoder, head = encoder.double(), head.double()
    batch = batch.map(lambda tensor: tensor.double() if tensor.is_floating_point() else tensor)

    def turned(phi):
        return torch.atan2((phi + 2.1).sin(), (phi + 2.1).cos())

    rotated = replace(batch, objects=batch.objects.clone(), globals=batch.globals.clone())
    rotated.objects[..., 3], rotated.globals[:, 1] = (
        turned(batch.objects[..., 3]),
        turned(batch.globals[:, 1]),
    )
    some = torch.rand(batch.mask.shape, generator=torch.Generator().manual_seed(0)) < 0.5

    def generate(events):
        generator = torch.Generator().manual_seed(3)
        return head.sample(encoder, events, 3, is_generated=some, generator=generator).objects

    plain, result = generate(batch)[batch.mask], generate(rotated)[batch.mask]
    assert torch.allclose(result[:, [0, 1, 2, 4, 5, 6]], plain[:, [0, 1, 2, 4, 5, 6]], rtol=1e-6)
    assert torch.allclose((result[:, 3] - plain[:, 3] - 2.1).cos(), torch.ones(()).double())


@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_samples_are_physical_and_inside_the_ranges_of_the_columns(head, encoder, batch, scale):
    """Even from a head that predicts nonsense."""
    with torch.no_grad():
        head.layers[-1].weight *= scale
    result = head.sample(encoder, batch, 4, generator=torch.Generator().manual_seed(0))
    objects = result.objects[batch.mask]
    assert objects.isfinite().all()
    for i, name in enumerate(OBJECT_FEATURES):
        column = EVENT_SCHEMA.find(name)
        assert objects[:, i].min() >= column.low
        assert objects[:, i].max() <= column.high
    energy, pt, eta = objects[:, :3].T
    assert (energy >= pt * eta.cosh() * (1 - 1e-5)).all()
    is_lepton = objects[:, 5] > 0
    assert torch.allclose(energy[is_lepton], (pt * eta.cosh())[is_lepton], rtol=1e-5)
    flags = {tuple(flags) for flags in objects[:, 4:].tolist()}
    assert flags <= set(cloud_features.CATEGORIES)
    assert not result.objects[~batch.mask].any()


def test_kept_objects_are_kept_and_the_globals_follow_from_the_objects(head, encoder, batch):
    some = torch.zeros_like(batch.mask)
    some[:, 1] = True
    result = head.sample(encoder, batch, 2, is_generated=some)
    assert torch.equal(result.objects[~some], batch.objects[~some])
    assert torch.equal(result.globals[:, :2], batch.globals[:, :2])
    is_lepton = result.objects[..., 5] * batch.mask
    assert torch.equal(result.globals[:, 2], is_lepton.sum(dim=1))
    ht = (result.objects[..., 1] * batch.mask * (1 - is_lepton)).sum(dim=1)
    assert torch.allclose(result.globals[:, 5], ht, rtol=1e-5, atol=1e-3)


def test_nothing_to_generate_gives_back_the_events(head, encoder, batch):
    result = head.sample(encoder, batch, 2, is_generated=torch.zeros_like(batch.mask))
    assert torch.equal(result.objects, batch.objects)
    # The recomputed globals are those of the toys, which are rounded in the files.
    assert torch.allclose(result.globals[:, 2:6], batch.globals[:, 2:6], rtol=2e-3, atol=0.5)


def test_a_known_category_is_drawn_from_the_prediction_given_all_objects(head, encoder, batch):
    """A head that is sure of b jets makes nothing else."""
    with torch.no_grad():
        head.layers[-1].bias[5:] = torch.tensor([0.0, 100.0, 0.0, 0.0])
    result = head.sample(encoder, batch, 3)
    flags = result.objects[batch.mask][:, 4:]
    assert torch.equal(flags, torch.tensor([1.0, 0.0, 0.0]).expand_as(flags))


def test_loss_reaches_every_parameter(head, encoder, batch):
    torch.manual_seed(0)
    outputs = run(head, encoder, head.perturb(batch, 1.0, encoder.normalizer))
    values = head.loss(outputs, batch)
    assert values.shape == (len(batch),)
    assert values.isfinite().all()
    values.mean().backward()
    assert all(parameter.grad is not None for parameter in head.parameters())
