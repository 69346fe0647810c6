from __future__ import annotations

import numpy as np
import pytest

from colliderfm.physics.operators import CONTRIBUTING, INERT
from colliderfm.studies.smeft.anomalies import (
    ACTIVE_ABOVE,
    CASES,
    HELD_OUT_OPERATORS,
    anomalies,
    area_under_curve,
    distort,
    held_out_wilson,
    mass_to_pt,
    without_held_out,
)
from colliderfm.studies.smeft.data import SmeftData


def pulls(data: SmeftData, mean: np.ndarray) -> np.ndarray:
    return (mean - data.sm) / data.sigma


def test_every_single_anomaly_has_the_same_significance(data: SmeftData) -> None:
    found = anomalies(data.table, data.sigma, 5.0)
    assert [one.name for one in found] == list(CASES)
    for one in found[:3]:
        assert np.linalg.norm(pulls(data, one.mean)) == pytest.approx(5.0)
    together = sum(pulls(data, one.mean) for one in found[:3])
    assert pulls(data, found[3].mean) == pytest.approx(together)


def test_anomalies_sit_where_their_names_say(data: SmeftData) -> None:
    table = data.table
    is_mass = np.array(table.observable) == "mll"
    tail, peak, resonance, _ = (
        np.where(is_mass, pulls(data, one.mean), 0.0) for one in anomalies(table, data.sigma)
    )
    assert not tail[table.high_gev <= 300.0].any()
    assert (tail[is_mass & (table.low_gev >= 310.0)] > 0.0).all()
    assert peak[is_mass & (table.low_gev == 80.0)] < 0.0 < peak[is_mass & (table.low_gev == 90.0)]
    assert table.low_gev[resonance.argmax()] in (490.0, 500.0)


def test_transverse_momenta_hold_the_same_events(data: SmeftData) -> None:
    table = data.table
    names = np.array(table.observable)
    for one in anomalies(table, data.sigma):
        change_pb = (one.mean - data.sm) * table.width_gev
        in_mass, in_pt = change_pb[names == "mll"].sum(), change_pb[names == "pt"].sum()
        assert in_pt == pytest.approx(in_mass, abs=1e-3 * np.abs(change_pb).sum())


def test_no_muon_carries_more_than_half_the_mass(data: SmeftData) -> None:
    share = mass_to_pt(data.table)
    names = np.array(data.table.observable)
    mass_high, pt_low = data.table.high_gev[names == "mll"], data.table.low_gev[names == "pt"]
    assert share.sum(axis=1) == pytest.approx(1.0)
    assert not share[pt_low >= mass_high[:, None] / 2].any()


def test_the_map_to_transverse_momentum_agrees_with_the_theory(data: SmeftData) -> None:
    """Photon and Z see 1 + cos^2 up to acceptance in rapidity, which the map leaves out."""
    names = np.array(data.table.observable)
    found = data.table.sm_pb[names == "mll"] @ mass_to_pt(data.table)
    true = data.table.sm_pb[names == "pt"]
    assert np.corrcoef(found, true)[0, 1] > 0.98


def test_held_out_universes_have_nothing_else() -> None:
    wilson = held_out_wilson(30, 1)
    names = (*CONTRIBUTING, *INERT)
    columns = [names.index(name) for name in HELD_OUT_OPERATORS]
    assert (np.abs(wilson[:, columns]) >= 0.5).all()
    assert not np.delete(wilson, columns, axis=1).any()
    assert len(without_held_out(wilson)) == 0
    wilson[3, columns] = 0.9 * ACTIVE_ABOVE
    assert without_held_out(wilson).tolist() == [3]


def test_distortions_have_the_size_that_is_asked_for(data: SmeftData) -> None:
    values = np.repeat(data.sm[None], 200, axis=0)
    changed = distort(
        np.random.default_rng(0), values, data.table.observable, data.sigma, (3.0, 30.0)
    )
    size = np.linalg.norm((changed - data.sm) / data.sigma, axis=1)
    assert 2.9 < size.min() < 6.0
    assert 15.0 < size.max() < 30.1


def test_area_under_the_curve_by_hand() -> None:
    assert area_under_curve(np.array([0.0, 1.0]), np.array([2.0, 3.0])) == 1.0
    assert area_under_curve(np.array([0.0, 2.0]), np.array([1.0, 3.0])) == 0.75
    assert area_under_curve(np.ones(4), np.ones(3)) == 0.5
