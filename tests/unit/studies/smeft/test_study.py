from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from colliderfm.config.load import load_params
from colliderfm.config.schema import Params
from colliderfm.data.spectrum_files import write_spectrum
from colliderfm.errors import CheckpointError, DataError, PhysicsError
from colliderfm.models.spectrum_files import save_spectrum_encoder
from colliderfm.models.spectrum_model import SpectrumEncoderSettings, build_spectrum_encoder
from colliderfm.models.spectrum_normalization import corpus_normalization
from colliderfm.studies.protocol import CellResult
from colliderfm.studies.smeft import insight, lookup
from colliderfm.studies.smeft.data import SmeftData
from colliderfm.studies.smeft.study import STUDY
from colliderfm.train.protocols import SilentTracker

HEADLINES = (
    *("universe_accuracy", "ood_auroc", "retrieval_recall", "interval_coverage"),
    "fisher_rank_correlation",
)


@pytest.fixture(autouse=True)
def _small_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(insight, "LIBRARY_UNIVERSES", 600)
    monkeypatch.setattr(lookup, "FRESH_UNIVERSES", 30)


@pytest.fixture(scope="module")
def params(project: Path) -> Params:
    whole = load_params(project)
    metrics = whole.studies.smeft.metrics.model_copy(
        update={"pseudo_experiments": 60, "anomaly_replicas": 40, "bootstrap_replicas": 20}
    )
    settings = whole.studies.smeft.model_copy(
        update={"metrics": metrics, "max_updates": 20, "validate_every": 10, "warmup_updates": 2}
    )
    shape = whole.model.spectrum.model_copy(update={"hidden": 16, "layers": 1, "latent": 4})
    return whole.model_copy(
        update={
            "studies": whole.studies.model_copy(update={"smeft": settings}),
            "model": whole.model.model_copy(update={"spectrum": shape}),
        }
    )


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory, data: SmeftData) -> Path:
    folder = tmp_path_factory.mktemp("encoder")
    shape = SpectrumEncoderSettings(hidden=16, layers=1, latent=3, batch_norm=False)
    network = build_spectrum_encoder(shape, corpus_normalization(data.corpus, data.task))
    save_spectrum_encoder(folder, network, "# a test")
    return folder


def run(
    params: Params, data: SmeftData, init: str, folder: Path, encoder: Path | None = None
) -> CellResult:
    cell = STUDY.cell(params, data, init, 120, 1.0, 0)
    return STUDY.run(params, data, cell, encoder, folder, SilentTracker())


@pytest.mark.parametrize("init", STUDY.arms)
def test_every_arm_is_trained_tested_and_kept(
    init: str, params: Params, data: SmeftData, encoder: Path, tmp_path: Path
) -> None:
    result = run(params, data, init, tmp_path, encoder if init == "pretrained" else None)
    for name in HEADLINES:
        assert np.isfinite(result.metrics[f"test/{name}"]), name
    assert 0.0 < result.metrics["test/accuracy_over_bayes"] <= 1.1
    assert len({len(column) for column in result.predictions.values()}) == 1
    json.dumps(dict(result.training), allow_nan=False)
    again = STUDY.test(params, data, tmp_path / "model")
    assert again.metrics == result.metrics
    assert not list(tmp_path.rglob("*.pt")) + list(tmp_path.rglob("*.pkl"))


def test_a_cell_gives_the_same_numbers_twice(
    params: Params, data: SmeftData, tmp_path: Path
) -> None:
    first, second = (run(params, data, "scratch", tmp_path / name) for name in ("a", "b"))
    assert first.metrics == second.metrics


def test_the_bayes_arm_is_the_optimum(params: Params, data: SmeftData, tmp_path: Path) -> None:
    metrics = run(params, data, "bayes", tmp_path).metrics
    assert metrics["test/accuracy_over_bayes"] == 1.0
    assert metrics["test/fisher_rank_correlation"] == pytest.approx(1.0)
    assert metrics["test/retrieval_recall"] == metrics["test/retrieval_recall_mahalanobis"]


def test_validation_does_not_touch_the_test_replicas(
    params: Params, data: SmeftData, tmp_path: Path
) -> None:
    cell = STUDY.cell(params, data, "lda", 120, 1.0, 0)
    score = STUDY.validate(params, data, cell, None, tmp_path, SilentTracker())
    assert 1.0 / 12.0 < score <= 1.0
    bayes = STUDY.cell(params, data, "bayes", 120, 1.0, 0)
    with pytest.raises(PhysicsError, match="trains nothing"):
        STUDY.validate(params, data, bayes, None, tmp_path, SilentTracker())


def test_impossible_cells_are_refused_before_training(params: Params, data: SmeftData) -> None:
    with pytest.raises(PhysicsError, match="lda"):
        STUDY.cell(params, data, "lda", 23, 1.0, 0)
    with pytest.raises(PhysicsError, match="pretrained"):
        STUDY.cell(params, data, "pretrained", 11, 1.0, 0)
    whole = STUDY.cell(params, data, "pca", 0, 1.0, 0)
    assert (whole.events, whole.fraction) == (1200, 1.0)


def test_a_broken_encoder_or_model_is_refused(
    params: Params, data: SmeftData, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError):
        STUDY.check_encoder(params, tmp_path)
    with pytest.raises(CheckpointError, match="arm"):
        STUDY.test(params, data, tmp_path)


def test_an_encoder_of_another_shape_is_refused(
    params: Params, data: SmeftData, encoder: Path, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match="model.spectrum") as raised:
        STUDY.check_encoder(params, encoder)
    assert "latent=3" in str(raised.value)
    shape = SpectrumEncoderSettings(**params.model.spectrum.model_dump())
    network = build_spectrum_encoder(shape, corpus_normalization(data.corpus, data.task))
    save_spectrum_encoder(tmp_path, network, "# a test")
    STUDY.check_encoder(params, tmp_path)


def test_a_spectrum_finds_its_own_universe(data: SmeftData, encoder: Path, tmp_path: Path) -> None:
    file = tmp_path / "measured.csv"
    write_spectrum(file, data.table, data.seen.mean[4], data.covariance)
    found = STUDY.look_up(data, encoder, file, 3)
    assert found.n_candidates == 12 + 10 + 30
    assert found.nearest[0].mahalanobis < 1e-3
    assert found.nearest[0].name == "seen 4"
    assert found.captured[0].wilson["clq3"] == data.corpus.seen.wilson[4, 11]
    assert found.n_captured[1.0] <= found.n_captured[3.0] <= found.n_captured[6.0]
    json.dumps(found.as_dict())


def test_a_spectrum_like_nothing_captures_nothing(
    data: SmeftData, encoder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "odd.json"
    write_spectrum(file, data.table, 5.0 * data.sm, data.covariance)
    assert STUDY.look_up(data, encoder, file, 3).captured == ()


def test_a_spectrum_with_other_bins_is_refused(
    data: SmeftData, encoder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "short.csv"
    file.write_text("observable,low,high,value,error\nmll,50,60,1.0,0.1\n")
    with pytest.raises(DataError):
        STUDY.look_up(data, encoder, file, 3)


def test_what_cells_share_is_computed_once_and_changes_no_number(
    params: Params, data: SmeftData, encoder: Path, tmp_path: Path
) -> None:
    shared = run(params, data, "pretrained", tmp_path / "shared", encoder)
    alone = run(params, replace(data, memory={}), "pretrained", tmp_path / "alone", encoder)
    assert shared.metrics == alone.metrics
    assert shared.training["report_details"] == alone.training["report_details"]
    calls: list[int] = []
    for _ in range(2):
        data.once(("a test",), lambda: calls.append(1))
    assert calls == [1]
