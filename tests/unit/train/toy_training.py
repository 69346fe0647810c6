"""A network, a loader and a task so small that training takes milliseconds, yet with every trap.

Dropout, batch norm (buffers, an integer one among them), an encoder and a head, a loader with a
position and optional worker processes. Used by the unit and the integration tests of ``train/``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch.utils.data import DataLoader, Dataset

N_FEATURES = 4


class ToyNet(torch.nn.Module):
    def __init__(self, seed: int = 0, dropout: float = 0.2, has_norm: bool = True) -> None:
        super().__init__()
        torch.manual_seed(seed)
        norm = torch.nn.BatchNorm1d(8) if has_norm else torch.nn.Identity()
        self.encoder = torch.nn.Sequential(
            torch.nn.Linear(N_FEATURES, 8), norm, torch.nn.ReLU(), torch.nn.Dropout(dropout)
        )
        self.blocks = torch.nn.ModuleList([torch.nn.Linear(8, 8)])
        self.head = torch.nn.Linear(8, 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        hidden = self.encoder(features)
        for block in self.blocks:
            hidden = hidden + block(hidden)
        return self.head(hidden)[:, 0]


def toy_features(index: int, n_events: int) -> torch.Tensor:
    return torch.randn(n_events, N_FEATURES, generator=torch.Generator().manual_seed(index))


def toy_target(features: torch.Tensor) -> torch.Tensor:
    return features[:, 0] - 0.5 * features[:, 1] ** 2


class _Batches(Dataset[torch.Tensor]):
    """Batch i of the endless sequence; rank r of w sees rows r, r + w, …"""

    def __init__(self, batch_size: int, first: int, rank: int, world_size: int) -> None:
        self.batch_size, self.first = batch_size, first
        self.rank, self.world_size = rank, world_size

    def __len__(self) -> int:
        return 100_000

    def __getitem__(self, index: int) -> torch.Tensor:
        return toy_features(self.first + index, self.batch_size)[self.rank :: self.world_size]


class ToyLoader:
    def __init__(
        self, batch_size: int = 16, workers: int = 0, rank: int = 0, world_size: int = 1
    ) -> None:
        self.batch_size, self.workers = batch_size, workers
        self.rank, self.world_size = rank, world_size
        self.position = 0

    def __iter__(self) -> Iterator[torch.Tensor]:
        batches = _Batches(self.batch_size, self.position, self.rank, self.world_size)
        for batch in DataLoader(batches, batch_size=None, num_workers=self.workers):
            self.position += 1
            yield batch

    def state_dict(self) -> dict[str, int]:
        return {"position": self.position}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.position = state["position"]


class ToyTask:
    def __init__(self, model: torch.nn.Module, nan_at: int = 0) -> None:
        self.model, self.nan_at, self.n_losses = model, nan_at, 0

    def loss(self, batch: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor | float]]:
        self.n_losses += 1
        loss = torch.nn.functional.mse_loss(self.model(batch), toy_target(batch))
        if self.n_losses == self.nan_at:
            loss = loss * float("nan")
        return loss, {"squared": loss.detach(), "constant": 2.0}

    def validate(self) -> dict[str, float]:
        features = toy_features(10**6, 64)
        loss = torch.nn.functional.mse_loss(self.model(features), toy_target(features))
        return {"loss": loss.item(), "is_training": float(self.model.training)}


class ListTracker:
    """Keeps metrics in memory."""

    def __init__(self) -> None:
        self.metrics: list[tuple[int, dict[str, float]]] = []
        self.n_flushes = 0

    def log_metrics(self, metrics: dict[str, float], step: int) -> None:
        self.metrics.append((step, dict(metrics)))

    def flush(self) -> None:
        self.n_flushes += 1


class FileTracker:
    """Buffers lines and appends them to a file on flush, as a real tracker does."""

    def __init__(self, path: Path) -> None:
        self.path, self.lines = path, []

    def log_metrics(self, metrics: dict[str, float], step: int) -> None:
        self.lines += [f"{step} {name} {value!r}\n" for name, value in metrics.items()]

    def flush(self) -> None:
        with self.path.open("a") as file:
            file.write("".join(self.lines))
        self.lines = []
