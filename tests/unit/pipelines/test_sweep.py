"""Learning rates that a sweep tries."""

from __future__ import annotations

from pathlib import Path

import pytest

from colliderfm.config.load import load_params
from colliderfm.errors import ConfigError
from colliderfm.pipelines.sweep import SWEEP_SEED, SweepRequest, sweep, with_learning_rates

RATES = {"encoder_learning_rate": 3e-4, "head_learning_rate": 2e-3}


def test_rates_of_one_arm_are_replaced_and_nothing_else(project: Path) -> None:
    params = load_params(project)
    tried = with_learning_rates(params, "haa", "scratch", RATES)
    assert tried.studies.haa.scratch.model_dump() == RATES
    assert tried.studies.haa.pretrained == params.studies.haa.pretrained
    same = tried.studies.haa.model_copy(update={"scratch": params.studies.haa.scratch})
    assert same == params.studies.haa
    assert tried.pretrain == params.pretrain


def test_rates_of_the_pretrained_arm_leave_its_other_settings(project: Path) -> None:
    params = load_params(project, assignments=["studies.haa.pretrained.freeze=true"])
    tried = with_learning_rates(params, "haa", "pretrained", RATES).studies.haa.pretrained
    assert tried == params.studies.haa.pretrained.model_copy(update=RATES)
    assert tried.freeze


def test_a_sweep_never_draws_a_compared_subset(project: Path) -> None:
    assert load_params(project).studies.haa.comparison.seeds < SWEEP_SEED


def test_boosted_trees_have_no_learning_rates_to_choose(project_copy: Path) -> None:
    with pytest.raises(ConfigError, match="unknown init"):
        sweep(load_params(project_copy), SweepRequest("haa", "xgboost"))
