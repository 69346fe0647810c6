"""The report of a small comparison: tables, verdicts, figures, equal bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from colliderfm.config.schema import HaaStudy, Params
from colliderfm.errors import DataError
from colliderfm.studies.haa.bands import history_band
from colliderfm.studies.haa.data import HaaData
from colliderfm.studies.haa.metrics import haa_metrics, predictions_frame
from colliderfm.studies.haa.pairs import true_pairs
from colliderfm.studies.haa.report import write_report
from colliderfm.studies.haa.subsets import is_signal
from colliderfm.studies.haa.summary import Comparison
from colliderfm.studies.haa.tables import equal_updates_table
from colliderfm.studies.report_files import read_headline

STRENGTH = {"scratch": 1.0, "pretrained": 1.4, "xgboost": 0.8}


@pytest.fixture(scope="session")
def comparison(data: HaaData, settings: HaaStudy) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Three arms, one training size, two seeds with scores of known separation."""
    rows, predictions, histories = [], {}, {}
    signal = is_signal(data.test.process, settings)
    for seed in range(2):
        noise = np.random.default_rng(seed).normal(size=len(data.test))
        for init, strength in STRENGTH.items():
            score = 1 / (1 + np.exp(-(noise + strength * signal)))
            slots = None if init == "xgboost" else true_pairs(data.test)[0]
            key = (init, 100, seed)
            predictions[key] = predictions_frame(score, data.test, slots)
            histories[key] = [] if init == "xgboost" else _history(strength)
            rows.append(
                {
                    **{"init": init, "events": 100, "fraction": 0.1, "seed": seed},
                    **{"data_md5": "0" * 32, "encoder_version": 1, "updates_to_best": 50.0 + seed},
                    **{"stopped": "cap" if seed else "plateau"},
                    "command": f"colliderfm finetune --study haa --init {init} --seed {seed}",
                    **haa_metrics(score, data.test, slots, settings),
                }
            )
    extras = {"predictions": predictions, "histories": histories}
    return pd.DataFrame(rows), extras | {"scale": "toys", "not_run": ["scratch n=300 s0"]}


def _history(strength: float) -> list[dict[str, float]]:
    updates = (25, 50, 75)
    return [
        {"update": u, "train/loss": 1 / u, "val/auc": 0.5 + 0.001 * u * strength} for u in updates
    ]


@pytest.fixture(scope="session")
def report(
    comparison: tuple[pd.DataFrame, Mapping[str, Any]],
    params: Params,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    folder = tmp_path_factory.mktemp("report")
    files = write_report(params, comparison[0], folder, comparison[1])
    assert all(path.is_file() for path in files)
    return folder


def test_the_report_shows_every_figure_beside_its_numbers(report: Path) -> None:
    text = (report / "report.md").read_text(encoding="utf-8")
    names = ["learning_curves", "inverse_roc", "assignment", "reconstructed_mass", "scores"]
    for name in [*names, "loss_curves"]:
        assert f"figures/{name}.png" in text
        numbers = json.loads((report / "figures" / f"{name}.json").read_text(encoding="utf-8"))
        assert numbers


def test_the_report_says_what_was_compared_and_what_was_not(report: Path) -> None:
    text = (report / "report.md").read_text(encoding="utf-8")
    for part in (
        "Scale: toys",
        "scratch n=300 s0",
        "1 of 2 stopped at the cap",
        "closest ΔR rule",
        "`colliderfm finetune --study haa --init scratch --seed SEED`",
        "| 100 | pretrained | 2 | `00000000` | v1 |",
        "qcd 4b",
    ):
        assert part in text, part


def test_the_headline_has_all_arms_and_a_verdict(report: Path) -> None:
    lines = read_headline(report, "haa").splitlines()
    assert "mean ± sd over 2 seeds" in lines[0]
    for part in ("events", "from scratch", "pretrained", "XGBoost", "gain [95%]", "verdict"):
        assert part in lines[1]
    assert "pretraining" in lines[2] or "no difference seen" in lines[2]


def test_metrics_are_flat_and_finite(report: Path) -> None:
    metrics = json.loads((report / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["gain/n100/auc"] > 0.03
    assert metrics["xgboost/n100/auc_mean"] < metrics["pretrained/n100/auc_mean"]
    assert all(value is None or np.isfinite(value) for value in metrics.values())


def test_a_report_without_predictions_or_histories_is_still_written(
    comparison: tuple[pd.DataFrame, Mapping[str, Any]], params: Params, tmp_path: Path
) -> None:
    cells = comparison[0].drop(columns=["command", "data_md5"])
    write_report(params, cells, tmp_path, {"scale": "toys"})
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "learning_curves.png" in text
    assert "inverse_roc.png" not in text
    assert "the grid is complete" in text


def test_a_missing_report_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no report"):
        read_headline(tmp_path, "haa")


def test_histories_are_averaged_where_half_of_the_seeds_still_train() -> None:
    histories = {
        ("scratch", 100, 0): [{"update": 1, "val/auc": 0.6}, {"update": 2, "val/auc": 0.7}],
        ("scratch", 100, 1): [{"update": 1, "val/auc": 0.8}],
        ("scratch", 100, 2): [{"update": 1, "val/auc": 0.7}],
    }
    band = history_band(histories, "scratch", 100, "val/auc")
    assert band is not None
    assert band.x.tolist() == [1.0]
    assert band.center[0] == pytest.approx(0.7)
    assert history_band(histories, "pretrained", 100, "val/auc") is None


def test_equal_updates_carry_the_best_value_so_far() -> None:
    cells = pd.DataFrame([{"init": "scratch", "events": 100, "seed": 0, "test/auc": 0.8}])
    history = [{"update": 25, "val/auc": 0.7}, {"update": 50, "val/auc": 0.6}]
    table = equal_updates_table(Comparison.of_cells(cells), {("scratch", 100, 0): history})
    assert table[-1].startswith("| 100 | from scratch | 0.700 | 0.700 |")


def test_a_try_is_listed_with_its_gain(
    comparison: tuple[pd.DataFrame, dict[str, Any]], params: Params, tmp_path: Path
) -> None:
    cells, extras = comparison
    for name, question in (("first", "Does size matter?"), ("second", "Does the objective?")):
        write_report(params, cells, tmp_path / name, {**extras, "question": question})
    page = (tmp_path / "README.md").read_text(encoding="utf-8")
    gain = Comparison.of_cells(cells).gain(100, "test/auc")
    assert gain is not None
    for name, question in (("first", "Does size matter?"), ("second", "Does the objective?")):
        assert f"[{question}]({name}/report.md)" in page
        assert (
            (tmp_path / name / "report.md").read_text(encoding="utf-8").startswith(f"# {question}")
        )
    assert page.count(f"+{gain.gain:.3f}") == 2
    assert read_headline(tmp_path / "first", "haa").startswith("Does size matter?")
