"""Laws of the training loop that hold for any network, checked against closed formulas."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from colliderfm.train.averaging import WeightAverage
from colliderfm.train.loop import fit
from colliderfm.train.settings import FitSettings


class Slope(torch.nn.Module):
    """y = encoder * x + head with scalar weights."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = torch.nn.Linear(1, 1, bias=False)
        self.head = torch.nn.Parameter(torch.zeros(1))
        torch.nn.init.zeros_(self.encoder.weight)


class SlopeTask:
    def __init__(self, model: Slope, scale: float = 1.0) -> None:
        self.model, self.scale = model, scale

    def loss(self, batch: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor | float]]:
        predicted = self.model.encoder(batch) + self.model.head
        return self.scale * (predicted - 3.0 * batch + 1.0).square().mean(), {}

    def validate(self) -> dict[str, float]:
        return {"loss": self.loss(torch.linspace(-1, 1, 11)[:, None])[0].item()}


class Lines:
    """The same eight points for ever."""

    def __iter__(self) -> Iterator[torch.Tensor]:
        while True:
            yield torch.linspace(-1, 1, 8)[:, None]

    def state_dict(self) -> dict[str, int]:
        return {}

    def load_state_dict(self, state: dict[str, int]) -> None:
        assert state == {}


def train(settings: FitSettings, scale: float = 1.0) -> Slope:
    model = Slope()
    fit(model, SlopeTask(model, scale), Lines(), settings, progress=None)
    return model


def test_a_line_is_learned_to_its_exact_slope_and_offset() -> None:
    settings = FitSettings(
        max_updates=400,
        validate_every=50,
        encoder_learning_rate=0.1,
        head_learning_rate=0.1,
        weight_decay=0.0,
        ema_decay=0.9,
        device="cpu",
    )
    model = train(settings)
    assert model.encoder.weight.item() == pytest.approx(3.0, abs=1e-3)
    assert model.head.item() == pytest.approx(-1.0, abs=1e-3)


def test_one_update_moves_by_the_learning_rate_whatever_the_scale_of_the_loss() -> None:
    # Adam's first step is the rate times the sign of the gradient; the average after one update
    # holds 9/10 of it.
    settings = FitSettings(
        max_updates=1,
        validate_every=1,
        encoder_learning_rate=0.02,
        head_learning_rate=0.005,
        weight_decay=0.0,
        clip_norm=0.0,
        device="cpu",
    )
    for scale in (1.0, 100.0):
        model = train(settings, scale)
        assert model.encoder.weight.item() == pytest.approx(0.9 * 0.02, rel=1e-5)
        assert model.head.item() == pytest.approx(-0.9 * 0.005, rel=1e-5)


def test_the_average_of_a_weight_that_jumps_relaxes_exponentially() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(model.weight)
    average = WeightAverage(model, decay=0.9)
    torch.nn.init.ones_(model.weight)
    for update in range(1000, 1020):  # long after the warm-up of the decay
        average.update(model, update)
    assert average.state["weight"].item() == pytest.approx(1 - 0.9**20, rel=1e-5)
