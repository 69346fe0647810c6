"""Subsets, weights and the signal hypothesis of study haa on toys."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from colliderfm.config.schema import HaaStudy
from colliderfm.data.toys import toy_table, write_toy_set
from colliderfm.errors import PhysicsError
from colliderfm.physics.decays import DECAY_INDEX
from colliderfm.studies.haa.data import HaaData, balanced_weight, load_haa_data, training_table
from colliderfm.studies.haa.pairs import as_signal, true_pairs
from colliderfm.studies.haa.subsets import (
    events_of_fraction,
    is_signal,
    largest_subset,
    process_indices,
    training_subset,
)


def ids(data: HaaData, settings: HaaStudy, n: int, seed: int) -> set[str]:
    return set(data.pool.event_id[training_subset(data.pool, settings, n, seed)].tolist())


def test_splits_are_disjoint_and_complete(data: HaaData) -> None:
    parts = [set(t.event_id.tolist()) for t in (data.pool, data.validation, data.test)]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 4200


def test_a_subset_has_a_tenth_of_signal_with_equal_masses(
    data: HaaData, settings: HaaStudy
) -> None:
    rows = training_subset(data.pool, settings, 100, seed=3)
    assert len(rows) == len(set(rows.tolist())) == 100
    process = data.pool.process[rows]
    counts = [int((process == index).sum()) for index in process_indices(settings.signals)]
    assert counts == [4, 3, 3]
    # background in the mix of the pool: thirds of 90, within five sigma of the draw
    for index in process_indices(settings.backgrounds):
        assert abs(int((process == index).sum()) - 30) < 5 * np.sqrt(90 * 2 / 9)


def test_a_subset_depends_on_size_and_seed_alone(data: HaaData, settings: HaaStudy) -> None:
    chosen = ids(data, settings, 300, 0)
    assert chosen == ids(data, settings, 300, 0)
    assert chosen != ids(data, settings, 300, 1)
    shuffled = np.random.default_rng(0).permutation(len(data.pool))
    assert chosen == ids(replace(data, pool=data.pool.subset(shuffled)), settings, 300, 0)


def test_smaller_subsets_of_a_seed_are_contained_in_larger_ones(
    data: HaaData, settings: HaaStudy
) -> None:
    assert ids(data, settings, 100, 5) < ids(data, settings, 300, 5)


def test_too_large_a_subset_is_refused_with_the_largest_possible(
    data: HaaData, settings: HaaStudy
) -> None:
    largest = largest_subset(data.pool, settings)
    assert largest == data.n_available
    assert len(training_subset(data.pool, settings, largest, 0)) == largest
    with pytest.raises(PhysicsError, match=f"at most {largest} events"):
        training_subset(data.pool, settings, largest + 2, 0)


def test_a_subset_without_every_mass_is_refused(data: HaaData, settings: HaaStudy) -> None:
    with pytest.raises(PhysicsError, match="each mass"):
        training_subset(data.pool, settings, 20, 0)


def test_fractions_and_events_go_both_ways() -> None:
    assert events_of_fraction(1.0, 5000) == 5000
    assert events_of_fraction(0.1, 5000) == 500
    assert events_of_fraction(1e-9, 5000) == 1
    with pytest.raises(PhysicsError, match="fraction"):
        events_of_fraction(1.5, 5000)


def test_weights_balance_signal_and_background_and_the_masses(
    data: HaaData, settings: HaaStudy
) -> None:
    table = training_table(data, settings, 100, 0)
    signal = is_signal(table.process, settings)
    assert table.weight[signal].sum() == pytest.approx(50.0, rel=1e-5)
    assert table.weight[~signal].sum() == pytest.approx(50.0, rel=1e-5)
    for index in process_indices(settings.signals):
        assert table.weight[table.process == index].sum() == pytest.approx(50 / 3, rel=1e-5)


def test_balanced_weights_keep_the_relative_weights_of_the_background(
    data: HaaData, settings: HaaStudy
) -> None:
    weight = np.where(np.arange(len(data.pool)) % 2 == 0, 3.0, 1.0).astype(np.float32)
    table = replace(data.pool, weight=weight)
    balanced = balanced_weight(table, settings)
    background = ~is_signal(table.process, settings)
    ratio = balanced[background] / weight[background]
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-5)
    np.testing.assert_allclose(
        balanced_weight(replace(table, weight=balanced), settings), balanced, rtol=1e-5
    )


def test_a_set_without_a_background_is_refused(tmp_path: Path, settings: HaaStudy) -> None:
    write_toy_set(tmp_path, 300, 0, (*settings.signals, *settings.backgrounds[:-1]))
    with pytest.raises(PhysicsError, match=settings.backgrounds[-1]):
        load_haa_data(tmp_path, settings)


def test_the_signal_hypothesis_holds_no_truth() -> None:
    table = toy_table(12, 0, ("haa_ma30", "qcd_4b"))
    batch = as_signal(table.batch(np.arange(12)))
    assert (batch.decay == DECAY_INDEX["a_bb"]).all()
    assert tuple(batch.assignment.shape) == (12, 2, 4)
    assert (batch.assignment == -1).all()


def test_true_pairs_are_those_of_the_table() -> None:
    table = toy_table(40, 1, ("haa_ma40", "qcd_4b"))
    slots, decay = true_pairs(table)
    signal = np.arange(40) < 20
    assert (decay[signal] == DECAY_INDEX["a_bb"]).all()
    assert (decay[~signal] == -1).all()
    assert (slots[~signal] == -1).all()
    batch = table.batch(np.arange(20))
    is_pair = (batch.decay == DECAY_INDEX["a_bb"]).numpy()
    np.testing.assert_array_equal(
        slots[signal], batch.assignment.numpy()[is_pair].reshape(20, 2, 4)
    )
    assert (slots[signal][..., :2] >= 0).any()
