from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from toy_training import ListTracker, ToyLoader, ToyNet, ToyTask, toy_features, toy_target

from colliderfm.errors import CheckpointError, ConfigError, Interrupted, TrainingError
from colliderfm.train.checkpoint import checkpoint_path
from colliderfm.train.loop import fit
from colliderfm.train.settings import FitResult, FitSettings

SETTINGS = FitSettings(
    max_updates=12,
    validate_every=4,
    encoder_learning_rate=0.01,
    head_learning_rate=0.02,
    warmup_updates=2,
    ema_decay=0.8,
    checkpoint_every=5,
    log_every=3,
    device="cpu",
)


def train(
    model: ToyNet, settings: FitSettings = SETTINGS, task: ToyTask | None = None, **options: object
) -> FitResult:
    return fit(model, task or ToyTask(model), ToyLoader(), settings, progress=None, **options)


def validation_loss(model: ToyNet) -> float:
    features = toy_features(10**6, 64)
    with torch.no_grad():
        return torch.nn.functional.mse_loss(model(features), toy_target(features)).item()


class ScriptedTask(ToyTask):
    """Validation metrics that were written down beforehand."""

    def __init__(self, model: ToyNet, values: list[float]) -> None:
        super().__init__(model)
        self.values = iter(values)
        self.weights: list[torch.Tensor] = []

    def validate(self) -> dict[str, float]:
        self.weights.append(self.model.head.weight.detach().clone())
        return {"val/score": next(self.values)}


def test_the_cap_ends_a_run_and_the_model_holds_the_best_validated_weights() -> None:
    model = ToyNet()
    result = train(model)
    assert (result.updates, result.stopped, result.resumed_from) == (12, "cap", 0)
    assert [entry["update"] for entry in result.history] == [4, 8, 12]
    assert result.best_metric == min(entry["val/loss"] for entry in result.history)
    assert not model.training
    assert validation_loss(model) == result.best_metric
    assert result.seconds > 0


def test_validation_sees_evaluation_mode() -> None:
    assert {entry["val/is_training"] for entry in train(ToyNet()).history} == {0.0}


def test_a_plateau_stops_the_run_and_brings_the_best_weights_back() -> None:
    model = ToyNet()
    task = ScriptedTask(model, [0.5, 0.7, 0.6, 0.7])
    settings = replace(
        SETTINGS, max_updates=100, validate_every=2, patience=2, monitor="val/score", mode="max"
    )
    result = train(model, settings, task)
    assert (result.stopped, result.updates) == ("plateau", 8)
    assert (result.best_metric, result.best_update) == (0.7, 4)
    assert torch.equal(model.head.weight, task.weights[1])
    assert not torch.equal(model.head.weight, task.weights[3])


def test_metrics_go_out_with_the_update_as_step() -> None:
    tracker = ListTracker()
    train(ToyNet(), tracker=tracker)
    steps = [(step, next(iter(metrics)).split("/")[0]) for step, metrics in tracker.metrics]
    assert steps == [
        (3, "train"),
        (4, "train"),
        (4, "val"),
        (6, "train"),
        (8, "train"),
        (8, "val"),
        (9, "train"),
        (12, "train"),
        (12, "val"),
    ]
    first = tracker.metrics[0][1]
    assert first["train/loss/constant"] == 2.0
    assert first["train/loss/squared"] == pytest.approx(first["train/loss"])
    # updates 1 to 3 have the factors 1/2, 1, 1
    assert first["train/learning_rate/encoder"] == pytest.approx(0.01 * 2.5 / 3)
    assert first["train/learning_rate/head"] == pytest.approx(0.02 * 2.5 / 3)
    assert tracker.n_flushes == 1  # at the end; with checkpoints, before each of them


@pytest.mark.parametrize("part", ["encoder", "head"])
def test_each_learning_rate_takes_effect_on_its_own_part(part: str) -> None:
    model, untrained = ToyNet(), ToyNet()
    train(model, replace(SETTINGS, **{f"{part}_learning_rate": 0.0}))
    for name, value in model.named_parameters():
        belongs = name.startswith("encoder.") == (part == "encoder")
        assert torch.equal(value, dict(untrained.named_parameters())[name]) == belongs


def test_equal_seeds_give_equal_bits_and_other_seeds_other_dropout() -> None:
    one, two, other = ToyNet(), ToyNet(), ToyNet()
    train(one)
    torch.manual_seed(99)  # what was drawn before does not matter
    train(two)
    train(other, replace(SETTINGS, seed=1))
    assert torch.equal(one.head.weight, two.head.weight)
    assert not torch.equal(one.head.weight, other.head.weight)


def test_how_often_checkpoints_are_written_does_not_change_the_weights(tmp_path: Path) -> None:
    one, two = ToyNet(), ToyNet()
    train(one)
    train(two, replace(SETTINGS, checkpoint_every=1), checkpoint_folder=tmp_path)
    assert torch.equal(one.head.weight, two.head.weight)


class InterruptedTask(ToyTask):
    def loss(self, batch: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor | float]]:
        if self.n_losses == 6:
            signal.raise_signal(signal.SIGTERM)
        return super().loss(batch)


def test_a_signal_saves_after_the_update_and_the_same_call_continues_bit_equal(
    tmp_path: Path,
) -> None:
    straight, interrupted, resumed = ToyNet(), ToyNet(), ToyNet(seed=5)
    all_metrics, first, second = ListTracker(), ListTracker(), ListTracker()
    expected = train(straight, tracker=all_metrics)
    with pytest.raises(Interrupted, match="stopped by SIGTERM after update 7 of 12"):
        train(
            interrupted,
            task=InterruptedTask(interrupted),
            tracker=first,
            checkpoint_folder=tmp_path,
        )
    result = train(resumed, tracker=second, checkpoint_folder=str(tmp_path))
    assert result.resumed_from == 7
    assert (result.best_metric, result.history) == (expected.best_metric, expected.history)
    for name, value in straight.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], value)
    assert first.metrics + second.metrics == all_metrics.metrics


def test_an_interruption_without_a_folder_says_that_nothing_was_saved() -> None:
    model = ToyNet()
    with pytest.raises(Interrupted, match="starts from update 0"):
        train(model, task=InterruptedTask(model))


def test_a_loss_that_is_not_finite_stops_before_the_weights_are_touched(tmp_path: Path) -> None:
    model = ToyNet()
    with pytest.raises(TrainingError, match="loss is not finite at update 7") as caught:
        train(model, task=ToyTask(model, nan_at=7), checkpoint_folder=tmp_path)
    assert "train/loss=nan" in str(caught.value)
    assert "train/loss/constant=2" in str(caught.value)
    assert str(checkpoint_path(tmp_path)) in str(caught.value)
    assert all(torch.isfinite(value).all() for value in model.parameters())
    assert train(ToyNet(), checkpoint_folder=tmp_path).resumed_from == 5


def test_a_gradient_that_is_not_finite_stops_before_the_weights_are_touched() -> None:
    class RootTask(ToyTask):
        def loss(self, batch: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor | float]]:
            # finite value, infinite slope
            return (self.model(batch) * 0).abs().sqrt().sum(), {}

    model = ToyNet()
    with pytest.raises(TrainingError, match="gradient norm is not finite at update 1"):
        train(model, task=RootTask(model))
    assert all(torch.isfinite(value).all() for value in model.parameters())


def test_a_monitored_metric_that_is_not_finite_is_refused() -> None:
    model = ToyNet()
    with pytest.raises(TrainingError, match="monitored metric val/score is not finite at update 4"):
        train(model, replace(SETTINGS, monitor="val/score"), ScriptedTask(model, [float("nan")]))


def test_a_monitor_the_task_does_not_report_is_refused_with_the_names_it_does() -> None:
    with pytest.raises(ConfigError, match="val/is_training, val/loss"):
        train(ToyNet(), replace(SETTINGS, monitor="val/auc"))


def test_a_loader_that_ends_is_refused() -> None:
    class ShortLoader(ToyLoader):
        def __iter__(self) -> Iterator[torch.Tensor]:
            yield toy_features(0, 8)

    model = ToyNet()
    with pytest.raises(TrainingError, match="ended before update 2"):
        fit(model, ToyTask(model), ShortLoader(), SETTINGS, progress=None)


def test_clipping_bounds_the_first_momentum() -> None:
    model = ToyNet()
    tracker = ListTracker()
    train(model, replace(SETTINGS, clip_norm=1e-3, max_updates=1, log_every=1), tracker=tracker)
    # The norm is reported before clipping.
    assert tracker.metrics[0][1]["train/gradient_norm"] > 0.1
    total = sum(float(value.grad.square().sum()) for value in model.parameters())
    assert total**0.5 == pytest.approx(1e-3, rel=1e-3)


def test_no_clipping_leaves_the_gradient() -> None:
    model = ToyNet()
    tracker = ListTracker()
    train(model, replace(SETTINGS, clip_norm=0.0, max_updates=1, log_every=1), tracker=tracker)
    total = sum(float(value.grad.square().sum()) for value in model.parameters())
    assert total**0.5 == pytest.approx(tracker.metrics[0][1]["train/gradient_norm"], rel=1e-6)


def test_bf16_autocast_trains_fp32_weights() -> None:
    model = ToyNet()
    result = train(model, replace(SETTINGS, precision="bf16"))
    assert {value.dtype for value in model.parameters()} == {torch.float32}
    assert result.best_metric != train(ToyNet()).best_metric


def test_frozen_parameters_stay(tmp_path: Path) -> None:
    model, untrained = ToyNet(), ToyNet()
    model.blocks.requires_grad_(False)
    train(model, checkpoint_folder=tmp_path)
    assert torch.equal(model.blocks[0].weight, untrained.blocks[0].weight)
    assert not torch.equal(model.head.weight, untrained.head.weight)


@pytest.mark.parametrize(
    ("change", "identity", "difference"),
    [
        ({"max_updates": 20}, {"data.md5": "a"}, "max_updates=12"),
        ({"seed": 4}, {"data.md5": "a"}, "seed=0"),
        ({}, {"data.md5": "b"}, "data.md5=a"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(
    change: dict[str, int], identity: dict[str, str], difference: str, tmp_path: Path
) -> None:
    train(ToyNet(), checkpoint_folder=tmp_path, identity={"data.md5": "a"})
    with pytest.raises(CheckpointError, match="other settings") as caught:
        train(ToyNet(), replace(SETTINGS, **change), checkpoint_folder=tmp_path, identity=identity)
    assert difference in str(caught.value)


def test_a_checkpoint_of_another_network_is_refused_with_the_shapes(tmp_path: Path) -> None:
    train(ToyNet(), checkpoint_folder=tmp_path)
    model = ToyNet()
    model.head = torch.nn.Linear(8, 1, bias=False)
    with pytest.raises(CheckpointError, match=r"head\.bias: \(1,\) in the file, missing"):
        train(model, checkpoint_folder=tmp_path)


def test_more_frequent_checkpoints_may_be_asked_for_on_resume(tmp_path: Path) -> None:
    model = ToyNet()
    with pytest.raises(Interrupted):
        train(model, task=InterruptedTask(model), checkpoint_folder=tmp_path)
    result = train(ToyNet(), replace(SETTINGS, checkpoint_every=1), checkpoint_folder=tmp_path)
    assert result.resumed_from == 7


def test_a_full_disk_stops_the_run_and_the_previous_checkpoint_continues(tmp_path: Path) -> None:
    partial = tmp_path / "checkpoint.safetensors.partial"

    class FillingTask(ToyTask):
        def loss(self, batch: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor | float]]:
            if self.n_losses == 7:
                partial.symlink_to("/dev/full")
            return super().loss(batch)

    model = ToyNet()
    with pytest.raises(CheckpointError, match="No space left on device"):
        train(model, task=FillingTask(model), checkpoint_folder=tmp_path)
    assert train(ToyNet(), checkpoint_folder=tmp_path).resumed_from == 5


class StagedTask(ToyTask):
    """Counts the updates it is told about, and how often its loss was asked for after each."""

    def __init__(self, model: ToyNet) -> None:
        super().__init__(model)
        self.seen: list[int] = []

    def begin_update(self, update: int) -> None:
        self.seen.append(update)


def test_a_task_with_stages_hears_of_every_update_also_after_a_resume(tmp_path: Path) -> None:
    model = ToyNet()
    task = StagedTask(model)
    train(model, replace(SETTINGS, max_updates=12), task, checkpoint_folder=tmp_path)
    assert task.seen == list(range(1, 13))
    again = StagedTask(model)
    train(model, replace(SETTINGS, max_updates=12), again, checkpoint_folder=tmp_path)
    assert again.seen == []
