"""Pretraining of the spectrum encoder: pairs of replicas, further objectives, its files and the gate.

Replicas are drawn on the fly; validation replicas come from streams of their own, the stored ones of
the corpus are never read. Read next: ``task`` and ``judge``.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from colliderfm.config.schema import Params
from colliderfm.data.replica_corpus import ReplicaCorpus, read_corpus
from colliderfm.data.replica_loader import ReplicaLoader
from colliderfm.models.spectrum_files import load_spectrum_encoder, save_spectrum_encoder
from colliderfm.models.spectrum_model import SpectrumModel
from colliderfm.pipelines.folders import event_set_folder
from colliderfm.pipelines.pretrain_spectrum.judge import judge_encoder, unseen_rank_correlation
from colliderfm.pipelines.pretrain_spectrum.task import (
    SpectrumPretrainingTask,
    fixed_batches,
    initial_model,
    pair_settings,
)
from colliderfm.train.distributed import current_ranks
from colliderfm.train.loop import fit
from colliderfm.train.protocols import Tracker
from colliderfm.train.settings import FitResult, FitSettings

if TYPE_CHECKING:
    from colliderfm.tracking.promotion import GateResult


def load_tables(params: Params, folder: Path) -> ReplicaCorpus:
    """Read and check the replica corpus.

    Parameters
    ----------
    params : Params
        Unused; other families choose processes by it.
    folder : Path
        From ``colliderfm replicas``.

    Raises
    ------
    DataError
        If a file is missing or at fault.
    """
    del params
    return read_corpus(folder)


@dataclass(frozen=True)
class TrainedEncoder:
    """The network with its best averaged weights, and how it came about."""

    model: SpectrumModel
    result: FitResult


def train_encoder(
    params: Params, tables: ReplicaCorpus, seed: int, folder: Path, tracker: Tracker
) -> TrainedEncoder:
    """Train the spectrum encoder, resumable in ``folder``; under ``torchrun`` each rank calls it.

    Parameters
    ----------
    params : Params
        ``pretrain.spectrum`` and ``model.spectrum``.
    tables : ReplicaCorpus
        Theory, universes and noise.
    seed : int
        Initial weights, dropout, masks and replicas.
    folder : Path
        Holds the checkpoint.
    tracker : Tracker
        Receives the metrics.

    Returns
    -------
    TrainedEncoder
    """
    settings, ranks = params.pretrain.spectrum, current_ranks()
    torch.set_num_threads(params.compute.threads)
    loader = ReplicaLoader(
        tables, pair_settings(settings), seed, rank=ranks.rank, world_size=ranks.world_size
    )
    model = initial_model(params, tables, seed, loader.n_directions)
    task = SpectrumPretrainingTask(
        model,
        settings,
        fixed_batches(tables, settings, "fresh" if settings.fresh_universes else "seen"),
        fixed_batches(tables, settings, "unseen"),
    )
    result = fit(
        model,
        task,
        loader,
        FitSettings.of_pretraining(
            settings,
            precision=params.compute.precision,
            device=params.compute.device,
            seed=seed,
        ),
        tracker=tracker,
        checkpoint_folder=folder,
        progress="pretrain spectrum",
    )
    return TrainedEncoder(model, result)


def judge(
    params: Params, model: SpectrumModel, tables: ReplicaCorpus, seed: int
) -> dict[str, float]:
    """Return the final validation metrics beside those of linear embeddings and of the optimum."""
    untrained = initial_model(params, tables, seed).encoder.eval()
    return judge_encoder(model.encoder, untrained, tables, params.pretrain.spectrum.task)


def measure_gate(
    params: Params, name: str, version: int, champion_version: int | None
) -> GateResult:
    """Compare candidate and champion by the rank correlation with Fisher distances.

    Parameters
    ----------
    params : Params
        Names the corpus and the task.
    name : str
        Registered model.
    version, champion_version : int
        Versions to compare; None = there is no champion.

    Returns
    -------
    GateResult
        On the unseen universes, with the bootstrap error of the paired difference.
    """
    from colliderfm.tracking.promotion import GateResult
    from colliderfm.tracking.registry import resolve

    torch.set_num_threads(params.compute.threads)
    settings = params.pretrain.spectrum
    folder, _ = event_set_folder(params, settings.set)
    tables = load_tables(params, folder)
    metric = "Fisher rank correlation"

    def measured(number: int) -> Any:
        encoder = load_spectrum_encoder(resolve(f"models:/{name}/{number}").folder)
        return unseen_rank_correlation(encoder, tables, settings.task)

    candidate = measured(version)
    if champion_version is None:
        return GateResult(metric, candidate.value, None, candidate.error, None)
    champion = measured(champion_version)
    error = float((candidate.replicas - champion.replicas).std(ddof=1))
    return GateResult(metric, candidate.value, champion.value, error, champion_version)


def save_encoder(
    params: Params,
    trained: TrainedEncoder,
    metrics: dict[str, float],
    seed: int,
    folder: Path,
) -> None:
    """Save a pretrained network with its card and its recipe (``pretraining.json``)."""
    from colliderfm.pipelines.pretrain_spectrum.card import card_text

    settings, result = params.pretrain.spectrum, trained.result
    recipe = {
        "variant": settings.variant,
        "seed": seed,
        "updates": result.updates,
        "best_update": result.best_update,
        "settings": settings.model_dump(mode="json"),
        "model": asdict(trained.model.encoder.settings),
        "metrics": {key: float(f"{value:.6g}") for key, value in metrics.items()},
    }
    save_spectrum_encoder(folder, trained.model, card_text(recipe))
    text = json.dumps(recipe, indent=1, sort_keys=True) + "\n"
    (folder / "pretraining.json").write_text(text, encoding="utf-8")


def write_outputs(
    params: Params,
    trained: TrainedEncoder,
    tables: ReplicaCorpus,
    metrics: dict[str, float],
    out: Path,
) -> None:
    """Write metrics.json, the loss curves, the latent map and the comparison with linear methods."""
    from colliderfm.pipelines.pretrain_spectrum.figures import write_figures

    rounded = {key: float(f"{value:.6g}") for key, value in metrics.items()}
    text = json.dumps(rounded, indent=1, sort_keys=True) + "\n"
    (out / "metrics.json").write_text(text, encoding="utf-8")
    task = params.pretrain.spectrum.task
    write_figures(out, trained.model.encoder, tables, task, metrics, trained.result.history)
