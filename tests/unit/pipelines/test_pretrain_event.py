"""Event pretraining at the smallest size: every head trains, is judged, drawn, saved and resumed."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from colliderfm.config.load import load_params
from colliderfm.config.schema import Params
from colliderfm.data.event_batch import EventBatch
from colliderfm.data.ragged import Ragged
from colliderfm.data.toys import write_toy_set
from colliderfm.errors import CheckpointError, Interrupted
from colliderfm.models.weights import load_model
from colliderfm.pipelines.evaluate_encoder import judge_saved
from colliderfm.pipelines.pretrain_event import steps
from colliderfm.pipelines.pretrain_event.head_outputs import head_outputs
from colliderfm.pipelines.pretrain_event.judgment import EventJudgment
from colliderfm.pipelines.pretrain_event.steps import PretrainingTables
from colliderfm.pipelines.pretrain_event.task import EventPretrainingTask
from colliderfm.pipelines.pretrain_steps import TrainedEncoder
from colliderfm.train.protocols import SilentTracker

PROCESSES = ("qcd", "tt", "zz")
SMALL = (
    *("compute.threads=1", "compute.device=cpu", "model.event.size=tiny"),
    # Every update in two passes.
    "compute.events_per_pass=32",
    *("pretrain.event.processes=[qcd, tt, zz]", "pretrain.event.batch_size=64"),
    *("pretrain.event.max_updates=12", "pretrain.event.validate_every=6"),
    *("pretrain.event.checkpoint_every=2", "pretrain.event.self_supervised_fraction=0.5"),
)
DRAWN = ("resonance_momenta", "segmentation_counts", "neutrino_correlations")
# Not 0: what is drawn must follow the seed of the run.
SEED = 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("toys")
    write_toy_set(path, 600, seed=1, processes=PROCESSES)
    return path


def params_of(project: Path, variant: str) -> Params:
    return load_params(project, (), (*SMALL, f"pretrain.event.variant={variant}"))


@pytest.fixture(scope="module")
def params(project: Path) -> Params:
    return params_of(project, "all")


@pytest.fixture(scope="module")
def tables(params: Params, folder: Path) -> PretrainingTables:
    return steps.load_tables(params, folder)


@pytest.fixture(scope="module")
def trained(
    params: Params, tables: PretrainingTables, tmp_path_factory: pytest.TempPathFactory
) -> TrainedEncoder:
    run = tmp_path_factory.mktemp("run")
    return steps.train_encoder(params, tables, SEED, run, SilentTracker())


@pytest.fixture(scope="module")
def judgment(params: Params, tables: PretrainingTables, trained: TrainedEncoder) -> EventJudgment:
    return steps.judge(params, trained.model, tables, SEED)


@pytest.fixture(scope="module")
def metrics(judgment: EventJudgment) -> dict[str, float]:
    return judgment.metrics


def test_the_first_stage_trains_on_noised_objects_alone(trained: TrainedEncoder) -> None:
    first, last = trained.result.history
    assert {key for key in first if key.startswith("train/loss/")} == {"train/loss/cloud"}
    heads = {"classify", "classify_noised", "cloud", "invisible", "segment", "assign", "regress"}
    assert {key for key in last if key.startswith("train/loss/")} == {
        f"train/loss/{name}" for name in heads
    }
    # Validation is that of the last stage from the start, so that its values compare.
    assert first["val/loss_segment"] > 0


def test_every_head_is_judged(metrics: dict[str, float]) -> None:
    for stem in ("segment_exact_pct", "regress_t_bqq_pt_resolution", "invisible_pt_gev_distance"):
        assert metrics[f"val/{stem}"] >= 0
    assert metrics["val/cloud_btag_share"] <= 1
    assert metrics["val/probe_macro_auc"] > 0.5


def test_the_judgment_holds_what_the_metrics_are_made_of(
    tables: PretrainingTables, trained: TrainedEncoder, judgment: EventJudgment
) -> None:
    n_events = len(tables.validation)
    assert judgment.tokens.shape == (n_events, trained.model.encoder.settings.width)
    found = (judgment.classes.probability.argmax(1) == judgment.classes.target).mean()
    assert judgment.metrics["val/accuracy"] == pytest.approx(found)
    # Clouds are sampled with the seed of the run.
    again = head_outputs(trained.model, tables.validation, SEED)
    assert np.array_equal(again.generated, judgment.heads.generated)
    other = head_outputs(trained.model, tables.validation, SEED + 1)
    assert not np.array_equal(other.generated, judgment.heads.generated)


def test_an_event_may_hold_any_number_of_neutrinos(
    tables: PretrainingTables, trained: TrainedEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = tables.validation.subset(np.arange(20))
    assert some.truth is not None
    lengths = np.zeros(20, dtype=np.int64)
    # In batches of ten, the first and the last in length, one with six neutrinos and one with none.
    lengths[np.argmax(some.n_objects)] = 6
    momenta = np.tile(np.float32([20.0, 12.0, 0.0, 16.0]), (6, 1))
    truth = replace(some.truth, invisible=Ragged.from_lengths(lengths, momenta))
    monkeypatch.setattr("colliderfm.pipelines.pretrain_event.head_outputs.BATCH_EVENTS", 10)
    invisible = head_outputs(trained.model, replace(some, truth=truth), SEED).invisible
    assert invisible is not None
    assert invisible.found.shape == invisible.true.shape == (20, 6, 4)
    assert (invisible.place >= 0).sum() == 6


def test_outputs_are_numbers_and_figures_of_every_head(
    params: Params,
    trained: TrainedEncoder,
    judgment: EventJudgment,
    metrics: dict[str, float],
    tmp_path: Path,
) -> None:
    steps.write_outputs(params, trained, judgment, tmp_path)
    names = {path.stem for path in tmp_path.glob("*.png")}
    assert names == {
        *("roc", "confusion", "embedding", "loss", "segmentation_classes", "segmentation_counts"),
        *("resonance_momenta", "neutrinos", "neutrino_correlations", "clouds"),
    }
    assert {path.stem for path in tmp_path.glob("*.json")} == names | {"metrics"}
    assert json.loads((tmp_path / "metrics.json").read_text()).keys() == metrics.keys()
    _check_errors(tmp_path, metrics)
    _check_bands(tmp_path, metrics)


def _check_bands(out: Path, metrics: dict[str, float]) -> None:
    """Curves have bands around them, and the end of the first stage is marked."""
    roc = json.loads((out / "roc.json").read_text())
    for name in PROCESSES:
        assert roc[name]["auc"] == pytest.approx(metrics[f"val/auc_{name}"], rel=1e-5)
        assert roc[name]["auc_error"] == pytest.approx(metrics[f"val/auc_{name}_error"], rel=1e-5)
        low, value, high = (
            np.array(roc[name][key]) for key in ("rejection_low", "rejection", "rejection_high")
        )
        assert low.shape == value.shape == high.shape == (len(roc["true_positive_rate"]),)
        assert (low <= high).all()
        assert ((low <= value) & (value <= high)).mean() > 0.5
    assert json.loads((out / "loss.json").read_text())["self_supervised_updates"] == 6
    embedding = json.loads((out / "embedding.json").read_text())
    assert set(embedding["class_means"]) == set(embedding["regions"]) == set(PROCESSES)
    for region in embedding["regions"].values():
        assert 0 < region["area_of_50%"] < region["area_of_90%"]


def _check_errors(out: Path, metrics: dict[str, float]) -> None:
    """A number that is in a figure and in the metrics has one error."""
    numbers = {name: json.loads((out / f"{name}.json").read_text()) for name in DRAWN}
    pairs = [
        (
            numbers["resonance_momenta"]["pt_resolution"]["t_bqq"],
            "width",
            "regress_t_bqq_pt_resolution",
        ),
        (numbers["segmentation_counts"], "mean_found", "segment_number_found"),
    ]
    for shown, key, name in pairs:
        assert shown[key] == pytest.approx(metrics[f"val/{name}"], rel=1e-5)
        assert shown[f"{key}_error"] == pytest.approx(metrics[f"val/{name}_error"], rel=1e-5)
    for key, name in (("pt_gev", "pt_gev"), ("phi_from_met", "phi")):
        shown = numbers["neutrino_correlations"][key]
        metric = f"val/invisible_{name}_correlation"
        assert shown["value"] == pytest.approx(metrics[metric], rel=1e-5)
        assert shown["error"] == pytest.approx(metrics[f"{metric}_error"], rel=1e-5)


def test_a_saved_model_gives_the_same_outputs_with_every_head(
    params: Params,
    tables: PretrainingTables,
    trained: TrainedEncoder,
    metrics: dict[str, float],
    tmp_path: Path,
) -> None:
    steps.save_encoder(params, trained, tables, metrics, SEED, tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    assert list(loaded.heads) == list(trained.model.heads)
    batch = tables.validation.batch(range(16))
    first, second = (_losses(model, batch) for model in (trained.model, loaded))
    assert first.keys() == second.keys()
    for name in first:
        assert torch.equal(first[name], second[name]), name


def test_a_saved_model_is_judged_again_without_training(
    params: Params,
    project: Path,
    folder: Path,
    trained: TrainedEncoder,
    tables: PretrainingTables,
    metrics: dict[str, float],
    tmp_path: Path,
) -> None:
    steps.save_encoder(params, trained, tables, metrics, SEED, tmp_path / "model")
    # Variant and classes come from the model's own recipe, not from today's parameters.
    today = load_params(project, (), (*SMALL[:2], "pretrain.event.variant=cls"))
    (tmp_path / "out").mkdir()
    found = judge_saved(today, tmp_path / "model", folder, tmp_path / "out")
    assert found == metrics
    names = {path.stem for path in (tmp_path / "out").glob("*.png")}
    assert {"neutrinos", "clouds", "segmentation_counts", "confusion", "loss"} <= names
    loss = json.loads((tmp_path / "out" / "loss.json").read_text())["val loss"]
    history = trained.result.history
    assert loss["x"] == [entry["update"] for entry in history]
    assert loss["mean"] == pytest.approx([entry["val/loss"] for entry in history], rel=1e-5)
    for name in ("card.md", "pretraining.json"):
        assert (tmp_path / "out" / name).read_text() == (tmp_path / "model" / name).read_text()
    neutrinos = json.loads((tmp_path / "out" / "neutrinos.json").read_text())
    assert min(neutrinos["pt_gev"]["true_error"]) >= 0


def test_a_model_without_its_recipe_is_not_judged(params: Params, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(CheckpointError, match="pretraining.json cannot be read"):
        judge_saved(params, tmp_path, tmp_path, tmp_path)


def _losses(model: torch.nn.Module, batch: EventBatch) -> dict[str, torch.Tensor]:
    torch.manual_seed(5)
    with torch.no_grad():
        return model.losses(model(batch), batch)


class _Stopping(SilentTracker):
    """Sends the signal of a batch system after some updates."""

    def __init__(self, update: int) -> None:
        self.update = update

    def log_metrics(self, metrics: dict[str, float], step: int) -> None:  # noqa: ARG002
        if step >= self.update:
            os.kill(os.getpid(), signal.SIGTERM)


def test_a_run_stopped_in_the_second_stage_ends_with_the_same_weights(
    params: Params, tables: PretrainingTables, trained: TrainedEncoder, tmp_path: Path
) -> None:
    with pytest.raises(Interrupted, match="after update 6"):
        steps.train_encoder(params, tables, SEED, tmp_path, _Stopping(6))
    resumed = steps.train_encoder(params, tables, SEED, tmp_path, SilentTracker())
    assert resumed.result.resumed_from == 6
    wanted = trained.model.state_dict()
    for name, value in resumed.model.state_dict().items():
        assert torch.equal(value, wanted[name]), name


def test_self_supervision_alone_reads_no_truth_and_tells_no_classes(
    project: Path, folder: Path, tmp_path: Path
) -> None:
    params = params_of(project, "ssl")
    tables = steps.load_tables(params, folder)
    assert tables.train.batch([0]).truth is None
    trained = steps.train_encoder(params, tables, 0, tmp_path / "run", SilentTracker())
    judgment = steps.judge(params, trained.model, tables, 0)
    assert "val/accuracy" not in judgment.metrics
    assert judgment.classes.probability.size == 0
    steps.write_outputs(params, trained, judgment, _made(tmp_path / "out"))
    assert not (tmp_path / "out" / "confusion.png").exists()


def _made(path: Path) -> Path:
    path.mkdir()
    return path


def test_a_switched_off_loss_is_not_trained(params: Params, tables: PretrainingTables) -> None:
    model = steps.initial_model(params, tables.train)
    task = EventPretrainingTask(model, tables.validation, {"classify": 1.0}, PROCESSES)
    _, parts = task.loss(tables.train.batch(range(8)))
    assert set(parts) == {"classify"}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
