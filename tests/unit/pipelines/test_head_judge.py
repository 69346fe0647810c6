"""Metrics of the heads and their errors: one bootstrap over events, by hand-made outputs."""

from __future__ import annotations

import numpy as np
import pytest

from colliderfm.data.event_schema import OBJECT_FEATURES
from colliderfm.pipelines.pretrain_event.head_judge import head_metrics
from colliderfm.pipelines.pretrain_event.head_outputs import HeadOutputs, Pairs

N = 400


def test_a_share_over_objects_has_the_error_of_its_events() -> None:
    # Four equal objects per event: the error is that of N events, not of 4 N objects.
    rng = np.random.default_rng(0)
    real = rng.normal(30.0, 5.0, (N, len(OBJECT_FEATURES)))
    real[:, OBJECT_FEATURES.index("btag")] = rng.random(N) < 0.25
    real = np.repeat(real, 4, axis=0)
    found = head_metrics(HeadOutputs(generated=real, real=real, event=np.arange(4 * N) // 4))
    share = real[:, OBJECT_FEATURES.index("btag")].mean()
    assert found["val/cloud_btag_share"] == pytest.approx(share)
    assert found["val/cloud_btag_share_error"] == pytest.approx(
        np.sqrt(share * (1 - share) / N), rel=0.2
    )
    # A sample has no distance to itself, in no replica.
    assert found["val/cloud_eta_distance"] == pytest.approx(0.0, abs=1e-12)
    assert found["val/cloud_eta_distance_error"] == pytest.approx(0.0, abs=1e-12)


def test_neutrinos_that_follow_the_truth_have_correlation_one() -> None:
    true = np.random.default_rng(0).normal(0.0, 30.0, (N, 1, 4))
    place = np.where(np.arange(N) % 2, 0, -1)[:, None]
    true[place < 0] = 0.0
    found = head_metrics(HeadOutputs(invisible=Pairs(2.0 * true, true, place)))
    assert found["val/invisible_energy_gev_correlation"] == pytest.approx(1.0)
    assert found["val/invisible_energy_gev_correlation_error"] == pytest.approx(0.0, abs=1e-9)
    assert found["val/invisible_phi_distance"] == pytest.approx(0.0, abs=1e-6)


def test_events_without_neutrinos_have_no_metrics() -> None:
    none = Pairs(np.zeros((3, 1, 4)), np.zeros((3, 1, 4)), np.full((3, 1), -1))
    assert head_metrics(HeadOutputs(invisible=none)) == {}
    assert head_metrics(HeadOutputs()) == {}
