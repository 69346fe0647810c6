from __future__ import annotations

import numpy as np
import pytest

from colliderfm.data.replica_corpus import ReplicaCorpus
from colliderfm.errors import PhysicsError
from colliderfm.studies.smeft.data import (
    SmeftData,
    labeled_replicas,
    prepare_data,
    sensitive_directions,
)


def test_labeled_replicas_are_balanced_and_belong_to_their_seed(data: SmeftData) -> None:
    found = labeled_replicas(data, 40, 0)
    assert set(np.bincount(found.universe, minlength=12)) == {3, 4}
    again, other = labeled_replicas(data, 40, 0), labeled_replicas(data, 40, 1)
    assert np.array_equal(found.values, again.values)
    assert not np.array_equal(found.values, other.values)


def test_a_smaller_set_is_the_beginning_of_a_larger_one(data: SmeftData) -> None:
    small, large = labeled_replicas(data, 15, 3), labeled_replicas(data, 100, 3)
    assert np.array_equal(small.universe, large.universe[:15])
    assert np.array_equal(small.values, large.values[:15])


def test_no_replica_of_training_is_tested(data: SmeftData) -> None:
    seen = {row.tobytes() for row in labeled_replicas(data, 600, 0).values}
    for part in (data.validation, data.test):
        assert not seen & {row.tobytes() for row in part.values}
        assert set(np.bincount(part.universe)) == {len(part) // 12}


def test_every_universe_needs_a_label(data: SmeftData) -> None:
    with pytest.raises(PhysicsError, match="labeled"):
        labeled_replicas(data, 11, 0)


def test_replicas_scatter_about_their_universe(data: SmeftData) -> None:
    found = labeled_replicas(data, 2400, 0)
    pulls = (found.values - data.seen.mean[found.universe]) / data.sigma
    assert np.abs(pulls.mean(axis=0)).max() < 5.0 / np.sqrt(2400)
    assert pulls.std() == pytest.approx(1.0, abs=0.01)


def test_the_two_tasks_differ_by_their_noise_alone(corpus: ReplicaCorpus, data: SmeftData) -> None:
    study = prepare_data(corpus, "study", 3)
    assert np.array_equal(study.seen.mean, data.seen.mean)
    assert (study.sigma < data.sigma).all()
    assert (
        np.count_nonzero(data.covariance) == data.table.n_bins < np.count_nonzero(study.covariance)
    )


def test_sensitive_directions_are_orthonormal_and_fewer_than_seven(data: SmeftData) -> None:
    singular, directions = sensitive_directions(data)
    assert 1 <= len(singular) <= 7
    assert (singular > 1.0).all()
    assert (np.diff(singular) < 0.0).all()
    assert directions @ directions.T == pytest.approx(np.eye(len(directions)), abs=1e-10)


def test_fresh_universes_follow_the_prior_of_the_corpus(data: SmeftData) -> None:
    fresh = data.new_universes(50, 9)
    assert fresh.order == data.corpus.seen.order
    assert not np.isin(fresh.wilson[fresh.wilson != 0.0], data.corpus.seen.wilson).any()
