"""What the pretraining of all families shares: gate and files."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pytest

from colliderfm.config.load import load_params
from colliderfm.pipelines.pretrain_steps import (
    compare_versions,
    pretraining_recipe,
    rounded,
    write_json,
)
from colliderfm.train.settings import FitResult


@dataclass(frozen=True)
class Found:
    value: float
    error: float
    replicas: np.ndarray


FOUND = {
    1: Found(0.80, 0.02, np.array([0.78, 0.80, 0.82])),
    2: Found(0.85, 0.03, np.array([0.82, 0.86, 0.84])),
}


def compared(champion):
    return compare_versions("a number", FOUND.__getitem__, lambda found: found.value, 2, champion)


def test_a_first_candidate_has_its_own_error():
    result = compared(None)
    assert (result.metric, result.candidate, result.error) == ("a number", 0.85, 0.03)
    assert (result.champion, result.champion_version) == (None, None)
    assert result.passed


def test_a_champion_is_compared_draw_by_draw():
    result = compared(1)
    # Differences 0.04, 0.06, 0.02: standard deviation 0.02.
    assert result.error == pytest.approx(0.02)
    assert (result.candidate, result.champion, result.champion_version) == (0.85, 0.80, 1)
    assert result.passed


def test_a_recipe_names_settings_network_and_outcome(project, tmp_path):
    settings = load_params(project, (), []).pretrain.spectrum
    history = [{"update": 7, "val/loss": 2 / 3}, {"update": 9, "val/loss": 0.5}]
    outcome = FitResult(0.5, best_update=7, updates=9, stopped="cap", seconds=1.0, history=history)
    recipe = pretraining_recipe(settings, {"latent": 8}, outcome, {"val/loss": 1 / 3}, 4)
    assert recipe["variant"] == settings.variant
    assert (recipe["seed"], recipe["updates"], recipe["best_update"]) == (4, 9, 7)
    assert recipe["metrics"] == rounded({"val/loss": 0.333333}) == {"val/loss": 0.333333}
    assert recipe["history"] == [
        {"update": 7.0, "val/loss": 0.666667},
        {"update": 9.0, "val/loss": 0.5},
    ]
    write_json(tmp_path / "recipe.json", recipe)
    assert json.loads((tmp_path / "recipe.json").read_text()) == recipe
