"""Pairs of replicas: what is in a batch, and that a batch depends on its number alone."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from itertools import islice

import numpy as np
import pytest
import torch
from toy_corpus import toy_corpus

from colliderfm.data.replica_loader import ReplicaLoader
from colliderfm.data.replica_pairs import PairSettings, ReplicaPairs, scaled_directions, sm_noise
from colliderfm.errors import CheckpointError, ConfigError, DataError
from colliderfm.physics.identifiability import mahalanobis_distances

EVERYTHING = PairSettings(
    batch_size=64, positive_fraction=1.0, distances=True, truncation=True, densities=True
)


@pytest.fixture(scope="module")
def corpus():
    return toy_corpus()


def same(first, second) -> bool:
    return all(torch.equal(getattr(first, f.name), getattr(second, f.name)) for f in fields(first))


def test_the_given_share_of_pairs_is_of_one_universe(corpus):
    settings = PairSettings(batch_size=200, positive_fraction=0.5, universes="seen")
    batch = ReplicaPairs(corpus, settings, stream=1).batch(0)
    assert len(batch) == 200
    assert batch.is_same.sum() == 100
    sigma = torch.from_numpy(sm_noise(corpus, "hard").sigma[0]).float()
    gap = ((batch.first - batch.second) / sigma).square().mean(dim=1)
    # Two replicas of one universe differ by twice the variance of one.
    assert gap[batch.is_same].mean() == pytest.approx(2.0, rel=0.05)
    assert gap[~batch.is_same].mean() > 10.0


def test_replicas_scatter_about_the_mean_of_their_universe(corpus):
    batch = ReplicaPairs(corpus, replace(EVERYTHING, batch_size=1024), stream=1).batch(0)
    sigma = torch.from_numpy(sm_noise(corpus, "hard").sigma[0]).float()
    pull = (batch.first - batch.mean) / sigma
    assert abs(float(pull.mean())) < 4.0 / np.sqrt(pull.numel())
    assert float(pull.std()) == pytest.approx(1.0, abs=4.0 / np.sqrt(2 * pull.numel()))


def test_distances_are_those_of_the_spectra_without_noise(corpus):
    settings = PairSettings(batch_size=8, positive_fraction=0.5, universes="seen", distances=True)
    pairs = ReplicaPairs(corpus, settings, stream=3)
    batch = pairs.batch(0)
    mean = corpus.seen.mean_pb_per_gev
    true = mahalanobis_distances(mean, mean, sm_noise(corpus, "hard").covariance())
    expected = true[batch.universe[:4]][:, batch.universe[:4]]
    torch.testing.assert_close(
        batch.distance[:4, :4], torch.from_numpy(expected).float(), rtol=1e-4, atol=1e-3
    )


def test_fresh_universes_differ_from_batch_to_batch_and_from_the_corpus(corpus):
    pairs = ReplicaPairs(corpus, EVERYTHING, stream=1)
    first, second = pairs.batch(0), pairs.batch(1)
    seen = torch.from_numpy(corpus.seen.mean_pb_per_gev.astype(np.float32))
    rows = torch.cat([first.mean, second.mean, seen])
    assert len(torch.unique(rows, dim=0)) == len(rows)


def test_choices_hold_both_kinds_in_equal_numbers(corpus):
    batch = ReplicaPairs(corpus, EVERYTHING, stream=1).batch(0)
    assert batch.truncation.shape == batch.densities.shape == (16, 92)
    assert batch.is_quadratic.sum() == batch.is_new_physics.sum() == 8
    # The second table differs above 200 GeV alone, so below it there is noise about the SM only.
    table = corpus.table
    sigma, low = sm_noise(corpus, "hard").sigma[0], table.center_gev < 200.0
    pull = (batch.densities.double().numpy() - table.sm_pb / table.width_gev) / sigma
    assert pull[:8, low].std() == pytest.approx(1.0, abs=0.2)
    assert pull[8:, low].std() > 2.0


def test_directions_have_unit_spread_over_the_universes(corpus):
    directions, spread = scaled_directions(corpus, "hard")
    along = corpus.seen.wilson[:, :17] @ directions.T / spread
    np.testing.assert_allclose(along.std(axis=0), 1.0)
    np.testing.assert_allclose(directions @ directions.T, np.eye(len(directions)), atol=1e-12)
    batch = ReplicaPairs(corpus, replace(EVERYTHING, universes="seen"), stream=1).batch(0)
    np.testing.assert_allclose(batch.directions, along[batch.universe], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("task", ["hard", "study"])
@pytest.mark.parametrize("universes", ["fresh", "seen"])
def test_a_loader_continues_exactly_where_its_state_says(corpus, task, universes):
    settings = replace(EVERYTHING, batch_size=16, task=task, universes=universes)
    straight = list(islice(ReplicaLoader(corpus, settings, seed=4), 5))
    loader = ReplicaLoader(corpus, settings, seed=4)
    list(islice(loader, 3))
    state = json.loads(json.dumps(loader.state_dict()))
    assert state["batch"] == 3
    resumed = ReplicaLoader(corpus, settings, seed=4)
    resumed.load_state_dict(state)
    for batch, expected in zip(islice(resumed, 2), straight[3:], strict=True):
        assert same(batch, expected)


def test_another_seed_or_rank_gives_other_replicas(corpus):
    def first(seed, rank=0, world_size=1):
        loader = ReplicaLoader(corpus, EVERYTHING, seed, rank=rank, world_size=world_size)
        return next(iter(loader)).first

    assert not torch.equal(first(0), first(1))
    assert torch.equal(first(0), first(0, 0, 2))
    assert not torch.equal(first(0, 0, 2), first(0, 1, 2))


@pytest.mark.parametrize(
    "change", [{"seed": 5}, {"settings": replace(EVERYTHING, batch_size=32)}, {"universes": 11}]
)
def test_a_state_of_another_loader_is_refused_by_name(corpus, change):
    state = ReplicaLoader(corpus, EVERYTHING, seed=4).state_dict()
    settings, seed = change.get("settings", EVERYTHING), change.get("seed", 4)
    other = toy_corpus(universes=change["universes"]) if "universes" in change else corpus
    with pytest.raises(CheckpointError, match="cannot resume the replica loader") as caught:
        ReplicaLoader(other, settings, seed=seed).load_state_dict(state)
    assert caught.value.exit_code == 4


def test_what_a_corpus_lacks_is_said_before_training(corpus):
    with pytest.raises(DataError, match="other parton densities"):
        ReplicaLoader(replace(corpus, other_table=None), EVERYTHING)
    linear = replace(corpus.table, quadratic_pb=np.zeros((0, 92)))
    poor = replace(corpus, table=linear)
    with pytest.raises(DataError, match="no quadratic terms"):
        ReplicaLoader(poor, EVERYTHING)


def test_impossible_settings_are_configuration_errors(corpus):
    with pytest.raises(ConfigError, match="pairs per batch"):
        PairSettings(batch_size=1)
    with pytest.raises(ConfigError, match="share of equal pairs"):
        PairSettings(positive_fraction=0.0)
    with pytest.raises(ConfigError, match="rank"):
        ReplicaLoader(corpus, EVERYTHING, rank=2, world_size=2)
    with pytest.raises(ConfigError, match="task"):
        ReplicaLoader(corpus, replace(EVERYTHING, task="easy"))


@pytest.mark.parametrize("sampling", ["gaussian", "informed"])
def test_other_samplings_reach_fresh_universes(sampling):
    corpus = toy_corpus(sampling=sampling)
    batch = ReplicaPairs(corpus, PairSettings(batch_size=32), stream=1).batch(0)
    assert torch.isfinite(batch.first).all()
