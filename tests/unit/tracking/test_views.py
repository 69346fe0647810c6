"""The saved view: the state MLflow's page reads, as checked in a browser with 3.17.2."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from colliderfm.tracking.run import open_run
from colliderfm.tracking.store import client, experiment_id
from colliderfm.tracking.views import save_view, view_url


def test_view_groups_sorts_and_filters(store: Path) -> None:
    with open_run("haa", "a", {"init": "scratch", "events": 100}, {"stage": "finetune"}):
        pass
    columns = ["params.init", "metrics.test/auc", "metrics.test/max_sic"]
    url = save_view("haa", "scratch-vs-pretrained", columns, ["init", "events"])
    number = experiment_id("haa")
    assert url == (
        f"http://127.0.0.1:5000/#/experiments/{number}/runs"
        "?viewStateShareKey=scratch-vs-pretrained&compareRunsMode=CHART"
    )
    tags = client().get_experiment(number).tags
    state = json.loads(tags["mlflow.sharedViewState.scratch-vs-pretrained"])
    assert state["selectedColumns"] == [
        "params.`init`",
        "metrics.`test/auc`",
        "metrics.`test/max_sic`",
    ]
    assert state["orderByKey"] == "metrics.`test/auc`"
    assert state["searchFilter"] == "tags.stage = 'finetune'"
    assert state["chartsSearchFilter"] == "^(test/auc|test/max_sic)$"
    assert state["groupBy"]["groupByKeys"] == [
        {"mode": "param", "groupByData": "init"},
        {"mode": "param", "groupByData": "events"},
    ]
    assert state["groupsExpanded"] == {"param.init.scratch,param.events.100": False}


def test_address_of_a_server_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.example.org/")
    assert view_url("7", "k").startswith("https://mlflow.example.org/#/experiments/7/runs?")
