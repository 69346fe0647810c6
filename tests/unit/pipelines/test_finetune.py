"""What a cell's result depends on, and when a stored one is taken."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from colliderfm.config.load import load_params
from colliderfm.config.schema import Params
from colliderfm.errors import ConfigError, DataError
from colliderfm.pipelines.encoder import Encoder
from colliderfm.pipelines.finetune import (
    FinetuneRequest,
    PreparedCell,
    cell_key,
    prepare,
    run_params,
    stored_result,
)
from colliderfm.studies import load_study
from colliderfm.studies.protocol import Cell

CELL = Cell("haa", "pretrained", 300, 0.03, 4)
ENCODER = Encoder("event-encoder", 3, "f" * 64, "cls-assign", "encoders/event-encoder")


def key(params: Params, cell: Cell = CELL, sha256: str = "f" * 64, md5: str = "d" * 32) -> str:
    """Key of a cell."""
    return cell_key(params, load_study("haa"), cell, replace(ENCODER, sha256=sha256), md5)


@pytest.fixture
def params(project: Path) -> Params:
    """The parameters as shipped."""
    return load_params(project)


@pytest.mark.parametrize(
    "assignment",
    [
        "studies.haa.comparison.seeds=9",
        "studies.haa.comparison.events=[300]",
        "studies.haa.sweep.trials=9",
        "studies.haa.scratch.head_learning_rate=1e-2",
        "studies.haa.xgboost.patience=9",
        "compute.workers=7",
        "pretrain.event.max_updates=9",
        "simulation.batch_events=9",
    ],
)
def test_the_key_stays_when_nothing_of_the_cell_changes(
    project: Path, params: Params, assignment: str
) -> None:
    assert key(load_params(project, assignments=[assignment])) == key(params)


@pytest.mark.parametrize(
    "assignment",
    [
        "studies.haa.batch_size=64",
        "studies.haa.pretrained.head_learning_rate=1e-2",
        "studies.haa.metrics.bootstrap_replicas=10",
        "model.event.size=tiny",
        "compute.threads=2",
    ],
)
def test_the_key_changes_with_what_decides_the_numbers(
    project: Path, params: Params, assignment: str
) -> None:
    assert key(load_params(project, assignments=[assignment])) != key(params)


def test_the_key_changes_with_cell_encoder_and_data(params: Params) -> None:
    keys = {
        key(params),
        key(params, replace(CELL, seed=5)),
        key(params, replace(CELL, events=301)),
        key(params, replace(CELL, init="scratch")),
        key(params, sha256="e" * 64),
        key(params, md5="c" * 32),
    }
    assert len(keys) == 6


def test_the_version_number_of_an_encoder_is_not_in_the_key(params: Params) -> None:
    study = load_study("haa")
    keys = {
        cell_key(params, study, CELL, replace(ENCODER, version=n, folder=str(n)), "d" * 32)
        for n in (1, 2)
    }
    assert len(keys) == 1


def prepared_in(folder: Path) -> PreparedCell:
    """A cell whose files are in a folder."""
    return PreparedCell(CELL, ENCODER, "data/haa", "d" * 32, "k" * 64, str(folder), "command")


def test_parameters_of_a_run_are_named_once(params: Params, tmp_path: Path) -> None:
    logged = run_params(params, prepared_in(tmp_path))
    assert list(logged)[:8] == [
        *("study", "group", "init", "pretraining", "fraction", "events", "seed", "size")
    ]
    assert logged["group"] == "300 pretrained"
    assert logged["seed"] == 4
    assert logged["pretraining"] == "cls-assign"
    assert logged["studies.haa.batch_size"] == params.studies.haa.batch_size


def test_a_run_from_scratch_has_no_pretraining(params: Params, tmp_path: Path) -> None:
    prepared = replace(prepared_in(tmp_path), encoder=None)
    assert run_params(params, prepared)["pretraining"] == "none"


def test_a_stored_result_needs_its_key_and_its_run(tmp_path: Path) -> None:
    prepared = prepared_in(tmp_path)
    content = {"key": "k" * 64, "run_id": "r", "metrics": {"test/auc": 0.8}, "training": {}}
    content["commit"] = "c" * 40
    assert stored_result(prepared, "r") is None
    (tmp_path / "result.json").write_text(json.dumps(content), encoding="utf-8")
    found = stored_result(prepared, "r")
    assert found is not None
    assert found.metrics == {"test/auc": 0.8}
    assert stored_result(prepared, None) is None
    assert stored_result(replace(prepared, key="x" * 64), "r") is None


def test_a_wrong_arm_is_refused_before_the_data_is_read(project_copy: Path) -> None:
    with pytest.raises(ConfigError, match="unknown init") as caught:
        prepare(load_params(project_copy), FinetuneRequest("haa", "scrtch"))
    assert "closest: scratch" in str(caught.value.need)


@pytest.mark.parametrize("fraction", [0.0, -0.5, 1.5, float("nan")])
def test_a_fraction_outside_of_its_range_is_refused(project_copy: Path, fraction: float) -> None:
    with pytest.raises(ConfigError, match="--fraction"):
        prepare(load_params(project_copy), FinetuneRequest("haa", "scratch", fraction=fraction))


def test_negative_events_are_refused(project_copy: Path) -> None:
    with pytest.raises(ConfigError, match="--events"):  # before the data is read
        prepare(load_params(project_copy), FinetuneRequest("haa", "scratch", events=-5))


def test_missing_data_is_refused_before_anything_is_made(project_copy: Path) -> None:
    with pytest.raises(DataError, match="'haa' not found"):
        prepare(load_params(project_copy), FinetuneRequest("haa", "scratch"))
    assert sorted(path.name for path in project_copy.iterdir()) == ["params.yaml"]
