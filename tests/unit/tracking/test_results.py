"""``results``: one row per run, numbers as numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from colliderfm.tracking.results import results
from colliderfm.tracking.run import open_run
from colliderfm.tracking.store import client, experiment_id


def test_one_row_per_run_with_parameters_metrics_and_tags(store: Path) -> None:
    for seed, auc in ((0, 0.8), (1, 0.9)):
        params = {"init": "scratch", "fraction": 0.1, "events": 100, "seed": seed}
        with open_run("haa", f"scratch s{seed}", params, {"stage": "finetune"}) as run:
            run.log_metrics({"test/auc": auc})
    with open_run("haa", "summary", tags={"stage": "summary"}):
        pass
    table = results("haa", stage="finetune")
    assert list(table["seed"]) == [1, 0]
    assert table.groupby("init")["test/auc"].mean()["scratch"] == pytest.approx(0.85)
    assert table["fraction"].dtype == float
    assert set(table["tags.stage"]) == {"finetune"}
    assert len(results("haa")) == 3


def test_launcher_run_in_the_experiment_is_no_result(store: Path) -> None:
    client().create_run(experiment_id("haa"))
    assert results("haa").empty


def test_unknown_study_gives_an_empty_table(store: Path) -> None:
    assert list(results("nowhere").columns) == ["run_id", "run_name", "status"]
