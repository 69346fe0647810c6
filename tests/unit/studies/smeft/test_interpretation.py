from __future__ import annotations

import numpy as np
import pytest

from colliderfm.physics.identifiability import noise_whitener
from colliderfm.physics.operators import CONTRIBUTING
from colliderfm.studies.smeft.data import SmeftData
from colliderfm.studies.smeft.interpretation import (
    alignment,
    fisher_rank_correlation,
    rank_correlation,
    trajectories,
)


def test_whitened_bins_keep_every_angle(data: SmeftData) -> None:
    whitener = noise_whitener(data.covariance)
    n_bins = len(whitener)
    found = alignment(
        lambda values: (values - data.sm) @ whitener, data.table, data.covariance, np.eye(n_bins)
    )
    assert found.correlation == pytest.approx(1.0, abs=1e-3)
    assert found.class_angles_deg == pytest.approx(found.true_class_angles_deg, abs=0.2)
    assert np.diagonal(found.class_angles_deg) == pytest.approx(0.0, abs=0.1)
    assert "semileptonic" in found.classes


def test_one_bin_keeps_no_angle(data: SmeftData) -> None:
    found = alignment(
        lambda values: (values - data.sm)[:, :1] / data.sigma[0],
        *(data.table, data.covariance, np.eye(1)),
    )
    assert found.class_angles_deg == pytest.approx(0.0)
    assert found.class_angle_difference_deg > 10.0


def test_linear_theory_draws_straight_lines(data: SmeftData) -> None:
    whitener = noise_whitener(data.covariance)
    paths = trajectories(
        lambda values: (values - data.sm) @ whitener,
        *(data.table, data.covariance, np.eye(len(whitener)), "linear"),
    )
    assert [path.operator for path in paths] == list(CONTRIBUTING)
    for path in paths:
        assert path.straightness == pytest.approx(1.0, abs=1e-3)
        assert path.is_monotonic
        assert path.length == pytest.approx(path.true_length, rel=1e-3)


def test_a_curved_latent_turns(data: SmeftData) -> None:
    """Put the effect of an operator on a circle: constant speed, turning by its angle."""
    column = int(np.argmax(np.abs(data.table.linear_pb[0])))

    def embed(values: np.ndarray) -> np.ndarray:
        angle = (values[:, column] - data.sm[column]) / data.sm[column]
        return np.column_stack([np.cos(angle), np.sin(angle)])

    path = trajectories(
        embed, data.table, data.covariance, np.eye(2), "linear", names=[CONTRIBUTING[0]]
    )[0]
    angle = np.arctan2(path.path[-1, 1], path.path[-1, 0] + 1.0)
    assert path.length == pytest.approx(abs(angle), rel=1e-2)
    assert path.turning_deg == pytest.approx(np.degrees(abs(angle)) * 19 / 20, rel=2e-2)


def test_a_latent_that_does_not_move_has_no_length(data: SmeftData) -> None:
    paths = trajectories(
        lambda values: np.zeros((len(values), 2)), data.table, data.covariance, np.eye(2)
    )
    assert {path.length for path in paths} == {0.0}
    assert {path.straightness for path in paths} == {1.0}


def test_rank_correlation_of_distances(data: SmeftData) -> None:
    mean = data.unseen.mean
    whitener = noise_whitener(data.covariance)
    same = fisher_rank_correlation((mean - data.sm) @ whitener, mean, data.covariance)
    assert same == pytest.approx(1.0)
    random = np.random.default_rng(0).standard_normal((len(mean), 8))
    assert abs(fisher_rank_correlation(random, mean, data.covariance)) < 0.6
    assert rank_correlation(np.zeros(5), np.arange(5.0)) == 0.0
