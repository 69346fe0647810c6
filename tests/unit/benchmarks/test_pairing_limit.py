"""Which pairings can be told from masses."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.pairing_limit import (
    Pairings,
    added_features,
    fit_scores,
    joint_features,
    right_pct,
)

from colliderfm.config.load import load_params
from colliderfm.data.event_schema import PROCESS_INDEX


def equal_mass_events(n_events: int) -> Pairings:
    """Pairs of every pairing have masses of one distribution; only those of the true one are equal."""
    rng = np.random.default_rng(0)
    masses = rng.choice([20.0, 40.0, 80.0], size=(n_events, 3, 2))
    masses[:, :, 1] = masses[:, :, 0] * rng.choice([0.5, 2.0], size=(n_events, 3))
    right = rng.integers(0, 3, n_events)
    rows = np.arange(n_events)
    masses[rows, right, 1] = masses[rows, right, 0]
    process = np.full(n_events, PROCESS_INDEX["haa_ma30"])
    return Pairings(np.sort(masses, axis=2), np.full(n_events, 125.0), right, process)


@pytest.mark.parametrize(
    ("features", "is_enough"), [(joint_features, True), (added_features, False)]
)
def test_equal_masses_can_only_be_seen_by_a_score_of_both_pairs(features, is_enough):
    events = equal_mass_events(400)
    heights = fit_scores(features(events), events.right, np.ones(400))
    share = np.mean(np.argmax(features(events) @ heights, axis=1) == events.right)
    assert share > 0.99 if is_enough else share < 0.75


def test_features_do_not_depend_on_the_order_of_the_pairs():
    events = equal_mass_events(5)
    turned = Pairings(
        events.pair_mass_gev[..., ::-1], events.four_jet_mass_gev, events.right, events.process
    )
    np.testing.assert_allclose(added_features(turned), added_features(events))


def test_efficiencies_are_by_mass_with_binomial_errors(project):
    settings = load_params(project).studies.haa.model_copy(update={"signals": ("haa_ma30",)})
    events = equal_mass_events(4)
    chosen = events.right.copy()
    chosen[0] = (chosen[0] + 1) % 3
    assert right_pct(chosen, events, settings) == {
        "ma30": {"right_pct": 75.0, "error": 21.7, "events": 4}
    }
