"""What the pretraining of every model family has in common: its loop, its files, its gate."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from pydantic import BaseModel

from colliderfm.config.schema import Params
from colliderfm.train.loop import fit
from colliderfm.train.protocols import BatchLoader, Task, Tracker
from colliderfm.train.settings import FitResult, FitSettings

if TYPE_CHECKING:
    from colliderfm.tracking.promotion import GateResult

Network = TypeVar("Network", bound=torch.nn.Module)


@dataclass(frozen=True)
class TrainedEncoder(Generic[Network]):
    """The network with its best averaged weights, and how it came about."""

    model: Network
    result: FitResult


class Measured(Protocol):
    """A number of an encoder with the bootstrap replicas that pair it with another one."""

    @property
    def error(self) -> float:
        """Its bootstrap error."""
        ...

    @property
    def replicas(self) -> np.ndarray:
        """Bootstrap replicas; those of all encoders have the same draws."""
        ...


Found = TypeVar("Found", bound=Measured)


@dataclass(frozen=True)
class Pretraining:
    """How a network of a family is pretrained.

    Parameters
    ----------
    family : str
        ``event`` or ``spectrum``; names the section of the settings.
    task : Task
        Loss and validation.
    loader : BatchLoader
        Endless batches.
    """

    family: str
    task: Task
    loader: BatchLoader

    def train(
        self, params: Params, model: Network, seed: int, folder: Path, tracker: Tracker
    ) -> TrainedEncoder[Network]:
        """Train a network in place with the recipe of its family, resumable in ``folder``."""
        result = fit(
            model,
            self.task,
            self.loader,
            FitSettings.of_pretraining(
                getattr(params.pretrain, self.family),
                precision=params.compute.precision,
                device=params.compute.device,
                events_per_pass=params.compute.events_per_pass,
                seed=seed,
            ),
            tracker=tracker,
            checkpoint_folder=folder,
            progress=f"pretrain {self.family}",
        )
        return TrainedEncoder(model, result)


def pretraining_recipe(
    settings: BaseModel,
    model: dict[str, Any],
    result: FitResult,
    metrics: dict[str, float],
    seed: int,
) -> dict[str, Any]:
    """Return what a card and ``pretraining.json`` say of a pretraining.

    Parameters
    ----------
    settings : BaseModel
        Section ``pretrain.<family>``.
    model : dict
        Settings of the network.
    result : FitResult
        How the training ended.
    metrics : dict of str to float
        Final ones.
    seed : int
        Of the run.

    Returns
    -------
    dict
        JSON values; ``history`` holds what each validation found, for the loss curves.
    """
    content = settings.model_dump(mode="json")
    return {
        "variant": content["variant"],
        "seed": seed,
        "updates": result.updates,
        "best_update": result.best_update,
        "settings": content,
        "model": model,
        "metrics": rounded(metrics),
        "history": [rounded(row) for row in result.history],
    }


def rounded(metrics: dict[str, float]) -> dict[str, float]:
    """Return metrics with six digits, as files keep them."""
    return {key: float(f"{value:.6g}") for key, value in metrics.items()}


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write JSON with sorted keys: equal content gives equal bytes."""
    text = json.dumps(content, indent=1, sort_keys=True) + "\n"
    path.write_text(text, encoding="utf-8")


def compare_versions(
    metric: str,
    measure: Callable[[int], Found],
    value: Callable[[Found], float],
    version: int,
    champion_version: int | None,
) -> GateResult:
    """Measure a candidate and the champion, if there is one, on the same data.

    Parameters
    ----------
    metric : str
        What is compared; larger is better.
    measure : callable
        From a version to what was found.
    value : callable
        The number in it.
    version, champion_version : int
        Versions to compare; None = there is no champion.

    Returns
    -------
    GateResult
        With the bootstrap error of the paired difference.
    """
    from colliderfm.tracking.promotion import GateResult

    candidate = measure(version)
    if champion_version is None:
        return GateResult(metric, value(candidate), None, candidate.error, None)
    champion = measure(champion_version)
    error = float((candidate.replicas - champion.replicas).std(ddof=1))
    return GateResult(metric, value(candidate), value(champion), error, champion_version)
