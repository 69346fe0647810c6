"""Every command of a study's life, in order, on toys: pretrain, promote, finetune, compare, report."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from colliderfm.tracking.results import results
from colliderfm.tracking.runs import iterate_runs

Command = Callable[..., subprocess.CompletedProcess[str]]
pytestmark = pytest.mark.xdist_group("toy-project")


@pytest.fixture(scope="module")
def pretrained(toy_project: Path, run_command: Command) -> Path:
    """A project with one pretrained encoder that became champion."""
    done = run_command("pretrain", "--model", "event")
    assert "event-encoder version 1 (candidate)" in done.stdout
    done = run_command("promote", "--out", "encoders/event-encoder")
    assert "version 1 promoted to champion" in done.stdout
    return toy_project


@pytest.fixture
def inside(pretrained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project as working directory of this process, with its own store."""
    monkeypatch.chdir(pretrained)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{pretrained / 'mlflow.db'}")
    return pretrained


def test_pretraining_leaves_metrics_figures_and_a_run(inside: Path) -> None:
    out = inside / "outputs" / "pretrain" / "event"
    metrics = json.loads((out / "metrics.json").read_text())
    assert 0.0 < metrics["val/probe_macro_auc"] <= 1.0
    assert {"roc.png", "confusion.png", "embedding.png", "loss.png"} <= {
        p.name for p in out.iterdir()
    }
    recorded = json.loads((out.parent / "event-run.json").read_text())["run_ids"]
    runs = {run.info.run_id: run for run in iterate_runs(["pretrain-event"])}
    assert runs[recorded[0]].info.status == "FINISHED"
    assert runs[recorded[0]].data.tags["encoder.version"].isdigit()


def test_a_second_equal_candidate_is_refused_by_the_gate(
    inside: Path, run_command: Command
) -> None:
    run_command("pretrain", "--model", "event", "--seed", "0")
    done = run_command("promote")
    assert "version 2 not promoted" in done.stdout
    listed = run_command("registry", "list").stdout
    assert "champion" in listed
    assert "version 2" in listed


def test_finetune_leaves_one_run_with_provenance(inside: Path, run_command: Command) -> None:
    done = run_command("finetune", "--study", "haa", "--events", "100", "--seed", "7")
    assert "test/auc" in done.stdout
    table = results("haa", "finetune")
    row = table[(table["seed"] == 7) & (table["init"] == "pretrained")]
    assert len(row) == 1
    run = row.iloc[0]
    assert run["events"] == 100
    assert run["pretraining"] == "cls-assign"
    assert run["tags.encoder.version"] == "1"
    assert len(run["tags.data.md5"]) >= 32
    assert 0.0 <= run["test/auc"] <= 1.0


def test_compare_runs_only_what_is_missing_and_gives_equal_bytes(
    inside: Path, run_command: Command
) -> None:
    first = run_command("compare", "--study", "haa", "--encoder", "encoders/event-encoder")
    assert "12 cells" in first.stdout
    out = inside / "outputs" / "compare" / "haa"
    before = {path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    again = run_command("compare", "--study", "haa", "--encoder", "encoders/event-encoder")
    assert "12 cells, 0 run now" in again.stdout
    assert before == {path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_report_holds_every_arm_and_a_summary_run(inside: Path, run_command: Command) -> None:
    run_command("compare", "--study", "haa", "--encoder", "encoders/event-encoder")
    done = run_command("report", "--study", "haa", "--out", "reports/starter/haa")
    assert "viewStateShareKey=scratch-vs-pretrained" in done.stdout
    text = (inside / "reports" / "starter" / "haa" / "report.md").read_text()
    for word in ("scratch", "pretrained", "xgboost", "starter scale"):
        assert word in text.lower()
    summary = results("haa", "summary")
    assert len(summary) >= 1
    figures = sorted((inside / "reports" / "starter" / "haa").rglob("*.png"))
    assert figures
    assert all(path.with_suffix(".json").is_file() for path in figures)


def test_report_shows_several_encoders_on_one_page_in_any_folder(
    inside: Path, run_command: Command, tmp_path: Path
) -> None:
    compare = ("compare", "--study", "haa", "--encoder", "encoders/event-encoder")
    for name in ("cls/few", "shipped"):
        run_command(*compare, "--out", f"outputs/variants-haa/{name}")
    folder = tmp_path / "page"
    words = ("--variants", "--question", "Which one?", "--out", str(folder))
    done = run_command("report", "--study", "haa", *words)
    assert "Which one?" in done.stdout
    assert f"files -> {folder}" in done.stdout
    page = (folder / "README.md").read_text()
    assert page.startswith("# Which one?")
    assert "| cls | cls-assign | " in page
    assert "`colliderfm finetune --study haa --init pretrained" in page
    assert (folder / "gains.png").is_file()
    assert len((folder / "gains.csv").read_text().splitlines()) == 1 + 2 * 2 * 3


def test_evaluate_on_other_data_makes_its_own_run(inside: Path, run_command: Command) -> None:
    run_command("finetune", "--study", "haa", "--init", "scratch", "--events", "60", "--seed", "9")
    table = results("haa", "finetune")
    run_id = table[(table["seed"] == 9)].iloc[0]["run_id"]
    done = run_command("evaluate", "--study", "haa", "--run", run_id, "--data", "data/haa")
    assert "test/auc" in done.stdout
    evaluations = results("haa", "evaluate")
    assert (evaluations["tags.evaluates"] == run_id).any()
    same = evaluations[evaluations["tags.evaluates"] == run_id].iloc[0]["test/auc"]
    assert same == pytest.approx(table[table["run_id"] == run_id].iloc[0]["test/auc"], abs=1e-6)


def test_an_encoder_is_judged_again_as_its_own_run(inside: Path, run_command: Command) -> None:
    run_command("evaluate", "--encoder", "encoders/event-encoder", "--out", "outputs/judged")
    first = json.loads((inside / "outputs/pretrain/event/metrics.json").read_text())
    again = json.loads((inside / "outputs/judged/metrics.json").read_text())
    assert again == pytest.approx(first, abs=1e-6)
    curves = [
        json.loads((inside / folder / "loss.json").read_text())["val loss"]["mean"]
        for folder in ("outputs/pretrain/event", "outputs/judged")
    ]
    assert curves[1] == pytest.approx(curves[0], rel=1e-5)
    runs = list(iterate_runs(["pretrain-event"]))
    assert any(run.data.tags.get("evaluates") == "encoders/event-encoder" for run in runs)


def test_sweep_writes_an_overlay_and_nested_trials(inside: Path, run_command: Command) -> None:
    done = run_command("sweep", "--study", "haa", "--init", "scratch")
    overlay = inside / "configs" / "sweeps" / "haa_scratch.yaml"
    assert str(overlay) in done.stdout
    run_command("config", "check", "--config", str(overlay))
    trials = results("haa", "sweep-trial")
    assert len(trials) == 2
    assert sorted(trials["tags.optuna.trial"].astype(int)) == [0, 1]
    by_seed = trials[[f"sweep/validation_score_seed_{index}" for index in (0, 1)]]
    assert trials["sweep/validation_score"].tolist() == by_seed.mean(axis=1).tolist()
    assert (by_seed.std(axis=1) > 0).all()
    kept = json.loads(overlay.with_suffix(".json").read_text())["trials"]
    assert [trial["value"] for trial in kept] == [np.mean(trial["scores"]) for trial in kept]
    again = run_command("sweep", "--study", "haa", "--init", "scratch")
    assert "2 trials" in again.stdout
    assert len(results("haa", "sweep-trial")) == 2


def test_an_encoder_of_another_size_is_refused_before_a_run_is_opened(
    inside: Path, run_command: Command
) -> None:
    before = len(results("haa"))
    words = ("finetune", "--study", "haa", "--events", "60", "--set", "model.event.size=small")
    done = run_command(*words, code=4)
    assert "event_token 24 instead of 64" in done.stderr
    assert len(results("haa")) == before


def test_doctor_runs_list_and_verify(inside: Path, run_command: Command) -> None:
    assert "runs in sqlite" in run_command("doctor").stdout
    assert "FINISHED" in run_command("runs", "list").stdout
    assert "0 dead runs" in run_command("runs", "reap").stdout
    assert isinstance(results("haa"), pd.DataFrame)
