from __future__ import annotations

import math

import numpy as np
import pytest

from colliderfm.studies.smeft.calibration import calibrate, calibration_metrics
from colliderfm.studies.smeft.data import LabeledReplicas
from colliderfm.studies.smeft.heads import (
    DirichletHead,
    dirichlet_parameters,
    dirichlet_uncertainty,
)


def two_universes(apart: float, concentration: float, half_distance: float) -> DirichletHead:
    """Universes at 0 and ``apart`` on a line, with unit noise."""
    head = DirichletHead(2, 1, concentration)
    head.place_universes(np.array([[0.0], [apart]]), np.arange(2), np.eye(1))
    head.log_scale.data.zero_()
    head.log_half_distance.data.fill_(math.log(half_distance))
    return head


def replicas(place: float, share_of_first: float, n_replicas: int = 4000) -> LabeledReplicas:
    """Replicas at one place, a share of them from universe 0."""
    universe = (np.arange(n_replicas) >= share_of_first * n_replicas).astype(np.int64)
    return LabeledReplicas(np.full((n_replicas, 1), place, dtype=np.float32), universe)


def probability_of_first(head: DirichletHead, place: float) -> float:
    alpha = dirichlet_parameters(head, np.full((1, 1), place, dtype=np.float32))[0]
    return float(alpha[0] / alpha.sum())


def test_the_temperature_of_an_overconfident_head_is_that_of_the_odds() -> None:
    """At -2 the odds of 0 against 3 are exp((25 - 4)/2), but only three in four are from 0."""
    head = two_universes(3.0, 1e6, 1e3)
    assert probability_of_first(head, -2.0) > 0.9999
    calibrate(head, replicas(-2.0, 0.75))
    # The prior, worth one replica of 4000, pulls it down by a quarter of a percent.
    assert head.temperature.item() == pytest.approx(10.5 / math.log(3.0), rel=4e-3)
    assert probability_of_first(head, -2.0) == pytest.approx(0.75, abs=1e-3)


def test_an_underconfident_head_is_sharpened() -> None:
    """Halfway but 0.1 the odds are exp(0.3); nine in ten are from the nearer one."""
    head = two_universes(3.0, 1e6, 1e3)
    calibrate(head, replicas(1.4, 0.9))
    assert head.temperature.item() == pytest.approx(0.3 / math.log(9.0), rel=5e-3)


def test_validation_that_says_nothing_changes_nothing() -> None:
    head = two_universes(200.0, 1e6, 1e3)
    calibrate(head, replicas(0.0, 1.0, 20))
    assert head.temperature.item() == pytest.approx(1.0, abs=0.02)
    assert head.reach.item() == pytest.approx(1.0, abs=0.02)


def test_known_replicas_beyond_the_gate_get_evidence() -> None:
    """All are from 0, three units away, where a gate that halves at one unit is nearly closed."""
    head = two_universes(-20.0, 10.0, 1.0)
    known = np.full((1, 1), 3.0, dtype=np.float32)
    closed = dirichlet_uncertainty(dirichlet_parameters(head, known)).mutual_information
    calibrate(head, replicas(3.0, 1.0))
    opened = dirichlet_uncertainty(dirichlet_parameters(head, known)).mutual_information
    assert head.reach.item() > 5.0
    assert opened < 0.5 * closed


def test_what_the_head_was_before_stays_known() -> None:
    head = two_universes(3.0, 1e6, 1e3)
    calibrate(head, replicas(-2.0, 0.75))
    test = replicas(-2.0, 0.75, 100)
    found = calibration_metrics(head, test.values, test.universe)
    assert found["calibration_error_before_calibration"] == pytest.approx(0.25, abs=1e-3)
    # A quarter of the replicas misses by the full odds.
    assert found["log_loss_before_calibration"] == pytest.approx(0.25 * 10.5, rel=0.01)
    assert found["temperature"] == pytest.approx(head.temperature.item())
