"""The report of a small comparison: tables, computed sentences, figures, equal bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from colliderfm.baselines.linear_embeddings import fit_pca
from colliderfm.config.load import load_params
from colliderfm.config.schema import Params
from colliderfm.errors import ConfigError, DataError, TrackingError
from colliderfm.physics.identifiability import noise_whitener
from colliderfm.studies.report_files import read_headline
from colliderfm.studies.smeft.anomalies import CASES, anomalies
from colliderfm.studies.smeft.data import SmeftData
from colliderfm.studies.smeft.figure_input import agrees_with_latents
from colliderfm.studies.smeft.latent_view import LatentView
from colliderfm.studies.smeft.report import write_report

ACCURACY = {"bayes": 0.8, "pretrained": 0.79, "scratch": 0.6, "lda": 0.7, "pca": 0.795}
SEEDS, WIDTH = 3, 3
Cells = tuple[pd.DataFrame, dict[str, Any]]


@pytest.fixture(scope="session")
def params(project: Path) -> Params:
    loaded = load_params(project)
    metrics = loaded.studies.smeft.metrics.model_copy(update={"test_replicas": 10})
    study = loaded.studies.smeft.model_copy(update={"metrics": metrics})
    studies = loaded.studies.model_copy(update={"smeft": study})
    return loaded.model_copy(update={"studies": studies})


@pytest.fixture(scope="session")
def embed(data: SmeftData) -> Callable[[np.ndarray], np.ndarray]:
    """Stand for an encoder: three principal components, bent."""
    mean = data.corpus.seen.mean_pb_per_gev
    linear = fit_pca(mean, WIDTH, noise_whitener(data.covariance))
    return lambda values: np.asarray(4.0 * np.arcsinh(linear.transform(values) / 4.0))


@pytest.fixture(scope="session")
def comparison(data: SmeftData, embed: Callable[[np.ndarray], np.ndarray]) -> Cells:
    """Five arms, two numbers of replicas, three seeds."""
    rows, predictions, histories, details = [], {}, {}, {}
    for events in (24, 120):
        for seed in range(SEEDS):
            for init, accuracy in ACCURACY.items():
                rows.append(_cell(init, events, seed, accuracy + 0.0005 * seed * (events - 70)))
                key = (init, events, seed)
                if init != "bayes":
                    predictions[key] = _predictions(data, embed, seed)
                learned = init in ("pretrained", "scratch")
                histories[key] = _history() if learned else []
                details[key] = _details(init, seed) if init != "bayes" else {}
    extras = {"predictions": predictions, "histories": histories, "corpus": data.corpus}
    extras |= {"details": details}
    not_run = ["scratch n=24 s9"]
    return pd.DataFrame(rows), extras | {"encoder": embed, "scale": "toys", "not_run": not_run}


def _cell(init: str, events: int, seed: int, accuracy: float) -> dict[str, Any]:
    noise = 0.01 * np.sin(17.0 * seed + len(init))
    aurocs = {f"test/auroc_{case}_mutual_information": 0.7 + noise for case in CASES}
    return {
        **{"init": init, "events": events, "seed": seed, "data_md5": "0" * 32},
        **{"encoder_version": 1.0, "updates_to_best": 40.0, "stopped": "plateau"},
        "command": f"colliderfm finetune --study smeft --init {init} --seed {seed}",
        "test/universe_accuracy": accuracy,
        "test/accuracy_over_bayes": accuracy / ACCURACY["bayes"],
        "test/ood_auroc": 0.7 + noise,
        "test/retrieval_recall": 0.5 + noise,
        "test/fisher_rank_correlation": 0.9 + noise,
        "test/calibration_error": 0.03,
        "test/interval_coverage_1sigma": 0.68 if init != "lda" else 0.5,
        "test/null_operator_flags": 9.0 if init == "scratch" else 1.0,
        **aurocs,
    }


def _predictions(
    data: SmeftData, embed: Callable[[np.ndarray], np.ndarray], seed: int
) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    parts = [("seen", data.test.values, data.test.universe)]
    for case in anomalies(data.table, data.sigma):
        values = data.noise_about(case.mean[None]).draw(rng, np.zeros(15, dtype=np.int64))
        parts.append((case.name, values, np.full(15, -1)))
    frames = []
    for name, values, universe in parts:
        latent = embed(values)
        columns = {f"latent_{i}": latent[:, i] for i in range(WIDTH)}
        numbers = {"total_entropy": rng.uniform(0, 2, len(values)), "case": name}
        numbers |= {"mutual_information": rng.uniform(0, 1, len(values)), "universe": universe}
        numbers |= {"predicted": universe, "confidence": rng.uniform(0.5, 1, len(values))}
        frames.append(pd.DataFrame(numbers | columns))
    return pd.concat(frames, ignore_index=True)


def _details(init: str, seed: int) -> dict[str, Any]:
    """Two classes and two operators; only the latent from scratch differs between seeds."""
    shift = float(seed) if init == "scratch" else 0.0
    angles = [[0.0, 40.0 + shift], [40.0 + shift, 0.0]]
    path = {"length": 20.0 + shift, "true_length": 25.0, "straightness": 0.9, "turning_deg": 30.0}
    return {
        "alignment": {
            "classes": ["vertex", "semileptonic"],
            "axis_angles_deg": [[5.0, 60.0], [85.0, 30.0], [90.0, 90.0]],
            "class_angles_deg": angles,
            "true_class_angles_deg": [[0.0, 50.0], [50.0, 0.0]],
        },
        "null_operators": {
            "operators": ["cHDD", "cHG"],
            "is_inert": [False, True],
            "explained": [0.5, 0.01],
            "explained_by_chance": [0.005, 0.005],
            "p_value": [0.005, 0.02 if init == "scratch" else 0.4],
        },
        "trajectories": [{"operator": "cHDD", "is_monotonic": True, **path}],
    }


def _history() -> list[dict[str, float]]:
    return [{"update": u, "train/loss": 1 / u, "val/universe_accuracy": 0.5} for u in (25, 50)]


@pytest.fixture(scope="session")
def report(comparison: Cells, params: Params, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    files = write_report(params, comparison[0], folder, comparison[1])
    assert all(path.is_file() for path in files)
    return folder


def test_every_figure_stands_beside_its_numbers(report: Path) -> None:
    text = (report / "report.md").read_text(encoding="utf-8")
    names = ["operator_spectra", "universes", "singular_values", "anomaly_spectra", "latent_map"]
    names += ["clusters", "uncertainty_map", "trajectories", "contours", "anomaly_map", "violins"]
    names += ["class_angles", "radial", "anomalies", "reliability", "entropy_curves", "loss_curves"]
    for name in [*names, "learning_curves"]:
        assert f"figures/{name}.png" in text, name
        assert json.loads((report / "figures" / f"{name}.json").read_text(encoding="utf-8"))


def test_the_report_says_plainly_where_a_linear_method_is_as_good_or_better(report: Path) -> None:
    text = (report / "report.md").read_text(encoding="utf-8")
    assert "**the linear method PCA, noise-whitened is better**" in text
    assert "is as good** (no difference seen" in text


def test_the_report_flags_a_method_that_invents_constraints(report: Path) -> None:
    text = (report / "report.md").read_text(encoding="utf-8")
    flagged = [line for line in text.splitlines() if "FLAGGED" in line]
    assert flagged == [line for line in flagged if line.startswith("- from scratch: at most 9")]
    assert "- pretrained: at most 1 of 14 inert operators" in text


def test_angles_of_classes_stand_beside_those_of_the_spectra(report: Path) -> None:
    text = (report / "report.md").read_text(encoding="utf-8")
    assert "| vertex | semileptonic | 40.0 ± 0.0 | 50.0 ± 0.0 |" in text
    assert "| 2 | 85.0 ± 0.0 | 30.0 ± 0.0 |" in text
    found = json.loads((report / "tables" / "class_angles.json").read_text(encoding="utf-8"))
    scratch = next(one for one in found if one["init"] == "scratch")
    assert scratch["class_angles_deg"]["mean"][0] == [0.0, 41.0]
    assert scratch["class_angles_deg"]["sd"][0] == [0.0, 1.0]
    figure = json.loads((report / "figures" / "class_angles.json").read_text(encoding="utf-8"))
    assert figure["init"] == "pretrained"


def test_every_operator_has_its_control_and_its_path(report: Path) -> None:
    text = (report / "report.md").read_text(encoding="utf-8")
    assert "| cHDD |  | 0.5000 | 0.0050 | 0.005 |  | 0.005 | 0.005 | 0.005 |" in text
    assert "| cHG | inert | 0.0100 | 0.0050 | 0.400 | passed | **0.020** | 0.400 | 0.400 |" in text
    assert "| cHDD | 20.00 ± 0.00 | 25.00 ± 0.00 | 0.90 ± 0.00 | 30.00 ± 0.00 | 100% |" in text
    rows = json.loads((report / "tables" / "null_operators.json").read_text(encoding="utf-8"))
    assert [row["init"] for row in rows if row["is_flagged"]] == ["scratch"]


def test_coverage_stands_beside_its_binomial_error(report: Path) -> None:
    text = (report / "report.md").read_text(encoding="utf-8")
    assert "**Outside three binomial errors: LDA retrieval contour at 1σ.**" in text
    rows = json.loads((report / "tables" / "coverage.json").read_text(encoding="utf-8"))
    row = next(row for row in rows if row["init"] == "pretrained")
    assert row["error"] == pytest.approx(np.sqrt(0.6827 * 0.3173 / 1000), rel=1e-3)
    assert row["is_within"] is True


def test_the_report_says_what_was_compared_and_what_was_not(report: Path) -> None:
    text = (report / "report.md").read_text(encoding="utf-8")
    for part in (
        "Scale: toys",
        "scratch n=24 s9",
        "12 seen and 10 unseen universes",
        "The spectra see 7 of the 17",
        "reaches 0.",
        "`colliderfm finetune --study smeft --init scratch --seed SEED`",
        "| 24 | pretrained | 3 | `00000000` | v1 |",
    ):
        assert part in text, part


def test_the_headline_has_all_arms_gain_and_verdict(report: Path) -> None:
    lines = read_headline(report, "smeft").splitlines()
    assert "mean ± sd over 3 seeds" in lines[0]
    for part in ("Bayes optimum", "pretrained", "LDA", "pretrained - scratch", "verdict"):
        assert part in lines[1]
    assert "pretraining helps" in lines[2]


def test_metrics_are_flat_and_finite(report: Path) -> None:
    metrics = json.loads((report / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["gain_over_scratch/n120/universe_accuracy"] == pytest.approx(0.19)
    assert metrics["gain_over_pca/n120/universe_accuracy"] == pytest.approx(-0.005)
    assert all(value is None or np.isfinite(value) for value in metrics.values())


def test_captured_universes_are_counted_at_every_level(report: Path) -> None:
    found = json.loads((report / "tables" / "captured.json").read_text(encoding="utf-8"))
    counts = found["counts"]
    assert [row["sigma"] for row in counts] == [1.0, 3.0, 6.0]
    assert [row["radius"] for row in counts] == sorted(row["radius"] for row in counts)
    assert all(row["both"] <= min(row["latent"], row["spectrum"]) for row in counts)


def test_a_report_without_corpus_predictions_or_histories_is_still_written(
    comparison: Cells, params: Params, tmp_path: Path
) -> None:
    study = params.studies.smeft.model_copy(update={"set": "corpora/none"})
    bare = params.model_copy(update={"studies": params.studies.model_copy(update={"smeft": study})})
    cells = comparison[0].drop(columns=["command", "data_md5"])
    write_report(bare, cells, tmp_path, {"scale": "toys"})
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "learning_curves.png" in text
    assert "latent_map.png" not in text
    assert "the grid is complete" in text


def test_an_encoder_must_give_the_latents_of_the_comparison(
    comparison: Cells, data: SmeftData, embed: Callable[[np.ndarray], np.ndarray]
) -> None:
    frame = comparison[1]["predictions"][("pretrained", 120, 0)]
    view = LatentView.of_frame("pretrained", frame[frame["case"] == "seen"])
    assert view is not None
    assert agrees_with_latents(embed, data, view)
    assert not agrees_with_latents(lambda values: 1.1 * embed(values), data, view)
    assert not agrees_with_latents(lambda values: embed(values)[:, :2], data, view)


def test_another_encoder_is_refused_before_any_figure(
    comparison: Cells, params: Params, embed: Callable[[np.ndarray], np.ndarray], tmp_path: Path
) -> None:
    extras = {**comparison[1], "encoder": lambda values: 1.1 * embed(values)}
    with pytest.raises(DataError, match="not the one of the comparison") as caught:
        write_report(params, comparison[0], tmp_path, extras)
    assert "--encoder" in str(caught.value.fix)
    assert not list(tmp_path.iterdir())


def test_the_encoder_is_looked_for_where_the_command_says(
    comparison: Cells, params: Params, tmp_path: Path
) -> None:
    def nowhere() -> Path:
        raise TrackingError("no such encoder")

    extras = {key: value for key, value in comparison[1].items() if key != "encoder"}
    with pytest.raises(TrackingError, match="no such encoder"):
        write_report(params, comparison[0], tmp_path, extras | {"find_encoder": nowhere})
    assert not list(tmp_path.iterdir())


def test_a_missing_report_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no report"):
        read_headline(tmp_path, "smeft")


def test_cells_are_checked(comparison: Cells, params: Params, tmp_path: Path) -> None:
    cells: pd.DataFrame = comparison[0]
    extras: Mapping[str, Any] = {}
    with pytest.raises(DataError, match="twice"):
        write_report(params, pd.concat([cells, cells]), tmp_path, extras)
    with pytest.raises(DataError, match="universe_accuracy"):
        write_report(params, cells.drop(columns="test/universe_accuracy"), tmp_path, extras)


def test_there_is_no_page_of_several_encoders(project: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--variants"):
        write_report(load_params(project), pd.DataFrame(), tmp_path, {"variants": {"a": 1}})
