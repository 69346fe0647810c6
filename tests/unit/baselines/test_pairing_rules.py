"""Both pairing rules on events built by hand."""

from __future__ import annotations

import numpy as np
import pytest

from colliderfm.baselines.pairing_rules import (
    four_jets,
    mass_of_objects_gev,
    object_delta_r,
    pair_by_rule,
    take_objects,
)


def event(*rows: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Massless objects from rows of (pt, eta, phi, btag, is_lepton)."""
    table = np.array(
        [
            [pt * np.cosh(eta), pt, eta, phi, btag, lepton, 0.0]
            for pt, eta, phi, btag, lepton in rows
        ]
    )
    return table[None], np.ones((1, len(rows)), dtype=bool)


def pairs_of(pairs: np.ndarray) -> set[frozenset[int]]:
    return {frozenset(pair) for pair in pairs[0].tolist()}


CLOSE = event(
    (50, 0.0, 0.0, 1, 0), (40, 0.0, 3.0, 1, 0), (30, 0.3, 0.1, 1, 0), (20, 0.2, -3.0, 1, 0)
)


def test_closest_pairs_are_found_across_the_phi_boundary() -> None:
    assert pairs_of(pair_by_rule(*CLOSE, "closest_dr")) == {frozenset({0, 2}), frozenset({1, 3})}


def test_equal_masses_are_found_where_distances_mislead() -> None:
    # Two back-to-back pairs of mass 60 GeV; neighbors in phi have unequal masses.
    objects, mask = event(
        (30, 0, 0.0, 1, 0), (30, 0, np.pi, 1, 0), (45, 0, 0.4, 1, 0), (20, 0, 0.4 + np.pi, 1, 0)
    )
    assert pairs_of(pair_by_rule(objects, mask, "equal_mass")) == {
        frozenset({0, 1}),
        frozenset({2, 3}),
    }
    assert pairs_of(pair_by_rule(objects, mask, "closest_dr")) == {
        frozenset({0, 2}),
        frozenset({1, 3}),
    }
    chosen = take_objects(objects, np.array([[[0, 1], [2, 3]]]))
    assert mass_of_objects_gev(chosen)[0] == pytest.approx([60.0, 60.0])


def test_b_tagged_jets_come_first_then_transverse_momentum() -> None:
    objects, mask = event(
        (90, 0, 0, 0, 0), (80, 0, 1, 0, 0), (30, 0, 2, 1, 0), (20, 0, 3, 1, 0), (70, 0, -1, 0, 0)
    )
    assert four_jets(objects, mask)[0].tolist() == [2, 3, 0, 1]


def test_leptons_and_padding_are_not_jets() -> None:
    objects, mask = event(
        (90, 0, 0, 0, 1), (80, 0, 1, 1, 0), (30, 0, 2, 1, 0), (20, 0, 3, 1, 0), (70, 0, -1, 1, 0)
    )
    mask[0, 4] = False
    assert four_jets(objects, mask)[0].tolist() == [1, 2, 3, -1]
    assert (pair_by_rule(objects, mask, "closest_dr") == -1).all()


def test_events_with_fewer_than_four_slots_are_left_unpaired() -> None:
    objects, mask = event((90, 0, 0, 1, 0), (80, 0, 1, 1, 0))
    assert four_jets(objects, mask)[0].tolist() == [0, 1, -1, -1]
    assert (pair_by_rule(objects, mask, "equal_mass") == -1).all()


def test_missing_slots_give_zeros() -> None:
    taken = take_objects(CLOSE[0], np.array([[2, -1]]))
    assert taken[0, 0, 1] == 30.0
    assert (taken[0, 1] == 0).all()


def test_distance_wraps_in_phi() -> None:
    objects, _ = CLOSE
    assert object_delta_r(objects[:, 1], objects[:, 3])[0] == pytest.approx(
        np.hypot(0.2, 2 * np.pi - 6.0)
    )
