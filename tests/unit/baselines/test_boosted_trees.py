"""Boosted trees on two Gaussians."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from colliderfm.baselines.boosted_trees import LabelledVariables, TreeSettings, fit_boosted_trees
from colliderfm.errors import PhysicsError

NAMES = ("useful", "noise")
SETTINGS = TreeSettings(depths=(1, 2), max_rounds=60, patience=10)


def sample(n: int, seed: int) -> LabelledVariables:
    rng = np.random.default_rng(seed)
    is_signal = rng.random(n) < 0.5
    values = rng.normal(size=(n, 2)) + np.stack([2.0 * is_signal, np.zeros(n)], axis=1)
    return LabelledVariables(values.astype(np.float32), is_signal, np.ones(n))


def test_trees_find_the_useful_variable() -> None:
    fit = fit_boosted_trees(sample(600, 0), sample(600, 1), NAMES, SETTINGS, seed=0)
    # Two unit Gaussians two apart: AUC = Phi(2 / sqrt 2) = 0.921
    assert fit.validation_auc == pytest.approx(0.921, abs=0.03)
    assert fit.stopped == "plateau"
    assert fit.depth in SETTINGS.depths
    importance = fit.importance()
    assert next(iter(importance)) == "useful"
    assert sum(importance.values()) == pytest.approx(1.0)


def test_equal_seeds_give_equal_scores(tmp_path: Path) -> None:
    scores, files = [], []
    for run in range(2):
        fit = fit_boosted_trees(sample(300, 0), sample(300, 1), NAMES, SETTINGS, seed=4)
        fit.save(tmp_path / f"{run}.json")
        files.append((tmp_path / f"{run}.json").read_bytes())
        scores.append(fit.score(sample(50, 2).values))
    np.testing.assert_array_equal(*scores)
    assert files[0] == files[1]
    assert scores[0].min() >= 0
    assert scores[0].max() <= 1


def test_a_fit_that_never_stops_improving_is_flagged() -> None:
    settings = TreeSettings(depths=(2,), max_rounds=3, patience=50)
    assert (
        fit_boosted_trees(sample(300, 0), sample(300, 1), NAMES, settings, seed=0).stopped == "cap"
    )


def test_one_class_is_refused() -> None:
    train = sample(50, 0)
    background = LabelledVariables(train.values, np.zeros(50, dtype=bool), train.weight)
    with pytest.raises(PhysicsError, match="training sample"):
        fit_boosted_trees(background, train, NAMES, SETTINGS, seed=0)
