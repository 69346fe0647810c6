"""Event-level quantities: units, atoms, conditions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from colliderfm.data.event_schema import GLOBAL_FEATURES
from colliderfm.data.toys import toy_table
from colliderfm.errors import ConfigError, DataError
from colliderfm.nn.heads import quantity_features
from colliderfm.nn.heads.generate_event import EventQuantityHead
from colliderfm.nn.heads.quantity_features import QuantityFeatures

NAMES = ("met_gev", "ht_gev", "n_jet", "mass_leptons_gev", "n_objects")


@pytest.fixture(scope="module")
def batch():
    events = toy_table(120, 3, ("qcd", "tt", "zjets", "haa_ma30")).batch(np.arange(120))
    return replace(events, extras={**events.extras, "score": torch.linspace(-1.0, 1.0, 120)})


@pytest.fixture
def head(batch):
    torch.manual_seed(0)
    return EventQuantityHead(NAMES, 16, conditions=("score",)).fit([batch]).eval()


def fitted(features, *batches):
    """Features with the statistics of some events."""
    return features.fit([(features.read(batch), batch.weight) for batch in batches])


def test_globals_are_those_of_the_schema():
    assert quantity_features.GLOBALS == GLOBAL_FEATURES


def test_quantities_are_read_by_name(batch):
    raw = QuantityFeatures(("n_objects", "ht_gev", "score")).read(batch)
    assert torch.equal(raw[:, 0], batch.mask.sum(dim=1).float())
    assert torch.equal(raw[:, 1], batch.globals[:, GLOBAL_FEATURES.index("ht_gev")])
    assert torch.equal(raw[:, 2], batch.extras["score"])


def test_features_give_back_the_quantities_also_zeros_and_counts(batch):
    features = fitted(QuantityFeatures((*NAMES, "score")), batch).double()
    raw = features.read(batch).double()
    assert (raw[:, 3] == 0).any()
    # Twice: how counts and zeros are spread is random.
    for _ in range(2):
        again = features.inverse(features(raw))
        assert ((again - raw).abs() <= 1e-6 * raw.abs().clamp(min=1.0)).all()
    assert torch.equal(again[:, [2, 4]], raw[:, [2, 4]])


def test_features_are_standardized(batch):
    torch.manual_seed(0)
    many = replace(batch, weight=torch.ones(120))
    features = fitted(QuantityFeatures(NAMES), *[many] * 20)
    x = torch.cat([features(features.read(many)) for _ in range(20)])
    assert x.mean(dim=0).abs().max() < 0.05
    assert (x.std(dim=0) - 1).abs().max() < 0.05


def test_what_is_given_is_not_spread(batch):
    features = QuantityFeatures(("n_jet", "mass_leptons_gev"), is_spread=False)
    features = fitted(features, batch)
    raw = features.read(batch)
    assert torch.equal(features(raw), features(raw))


def test_statistics_are_saved_with_the_weights(head):
    fresh = EventQuantityHead(NAMES, 16, conditions=("score",))
    fresh.load_state_dict(head.state_dict())
    for part in ("mean", "std", "low", "high"):
        assert torch.equal(getattr(fresh.quantities, part), getattr(head.quantities, part))


@pytest.mark.parametrize(
    "arguments",
    [{"names": ()}, {"names": ("met_phi",)}, {"names": ("ht_gev", "ht_gev")}],
)
def test_quantities_that_make_no_sense_are_refused(arguments):
    with pytest.raises(ConfigError):
        EventQuantityHead(**arguments)


def test_a_quantity_that_is_given_cannot_be_generated():
    with pytest.raises(ConfigError, match="ht_gev"):
        EventQuantityHead(("ht_gev",), conditions=("ht_gev",))


def test_an_unknown_quantity_is_named(batch):
    with pytest.raises(DataError, match="thrust"):
        EventQuantityHead(("thrust",))(None, batch)


def test_events_without_a_number_carry_no_loss_and_are_not_sampled(batch):
    torch.manual_seed(0)
    head = EventQuantityHead(("ht_gev",), 16, conditions=("m_a_gev",)).fit([batch])
    values = head.loss(head(None, batch), batch)
    is_known = batch.extras["m_a_gev"].isfinite()
    assert is_known.sum() == 30
    assert (values[is_known] > 0).all()
    assert not values[~is_known].any()
    with pytest.raises(DataError, match="m_a_gev"):
        head.sample(batch, 2)


def test_loss_reaches_every_parameter(head, batch):
    head.loss(head(None, batch), batch).mean().backward()
    assert all(parameter.grad is not None for parameter in head.parameters())


def test_process_and_conditions_matter_and_the_quantities_do_not(head, batch):
    def generate(events):
        return head.sample(events, 3, generator=torch.Generator().manual_seed(1))

    first = generate(batch)
    assert torch.equal(generate(replace(batch, globals=batch.globals * 2)), first)
    assert not torch.equal(generate(replace(batch, process=batch.process + 1)), first)
    other = replace(batch, extras={**batch.extras, "score": -batch.extras["score"]})
    assert not torch.equal(generate(other), first)


def test_training_and_sampling_are_conditioned_alike(head, batch, monkeypatch):
    """What a training step says about an event is what a sampling step says about it."""
    seen = []
    original = EventQuantityHead.velocity

    def spy(self, x_t, t, given):
        seen.append(given)
        return original(self, x_t, t, given)

    monkeypatch.setattr(EventQuantityHead, "velocity", spy)
    head(None, batch)
    head.sample(batch, 2)
    assert len(seen) == 3
    assert torch.equal(seen[0], seen[1])
    assert torch.equal(seen[0], seen[2])


def test_statistics_follow_the_event_weights():
    parts = [
        (torch.tensor([[1.0]]), torch.tensor([3.0])),
        (torch.tensor([[5.0]]), torch.tensor([-1.0])),
    ]
    features = QuantityFeatures(("score",)).fit(parts)
    assert float(features.mean) == 2.0
    assert abs(float(features.std) - 3.0**0.5) < 1e-6
    assert abs(float(features.low * features.std + features.mean) - 1.0) < 1e-6
    with pytest.raises(DataError, match="score"):
        QuantityFeatures(("score",)).fit([(torch.tensor([[float("nan")]]), torch.ones(1))])


@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_samples_stay_in_the_range_of_the_fitted_events(head, batch, scale):
    """Even from a head that predicts nonsense."""
    with torch.no_grad():
        head.to_velocity[1].weight *= scale
    raw, result = head.quantities.read(batch), head.sample(batch, 4)
    assert result.isfinite().all()
    assert (result >= raw.amin(dim=0) - 1e-3).all()
    assert (result <= raw.amax(dim=0) * (1 + 1e-5)).all()
    assert torch.equal(result[:, [2, 4]], result[:, [2, 4]].round())
