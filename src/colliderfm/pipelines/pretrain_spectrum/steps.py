"""Pretraining of the spectrum encoder: pairs of replicas, further objectives, its files and the gate.

Replicas are drawn on the fly; validation replicas come from streams of their own, the stored ones of
the corpus are never read. Read next: ``task`` and ``judge``.
"""

from __future__ import annotations

from dataclasses import asdict, replace
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
from colliderfm.pipelines.pretrain_spectrum.judgment import SpectrumJudgment
from colliderfm.pipelines.pretrain_spectrum.objective_judge import judge_objectives
from colliderfm.pipelines.pretrain_spectrum.task import (
    SpectrumPretrainingTask,
    fixed_batches,
    initial_model,
    pair_settings,
)
from colliderfm.pipelines.pretrain_steps import (
    Pretraining,
    TrainedEncoder,
    compare_versions,
    pretraining_recipe,
    rounded,
    write_json,
)
from colliderfm.train.distributed import current_ranks
from colliderfm.train.protocols import Tracker

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


def train_encoder(
    params: Params, tables: ReplicaCorpus, seed: int, folder: Path, tracker: Tracker
) -> TrainedEncoder[SpectrumModel]:
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
    return Pretraining("spectrum", task, loader).train(params, model, seed, folder, tracker)


def judge(
    params: Params, model: SpectrumModel, tables: ReplicaCorpus, seed: int
) -> SpectrumJudgment:
    """Return the final validation metrics beside those of linear embeddings and of the optimum."""
    untrained, task = (
        initial_model(params, tables, seed).encoder.eval(),
        params.pretrain.spectrum.task,
    )
    found = judge_encoder(model.encoder, untrained, tables, task)
    return replace(found, metrics=found.metrics | judge_objectives(model, tables, task))


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
    from colliderfm.tracking.registry import resolve

    torch.set_num_threads(params.compute.threads)
    settings = params.pretrain.spectrum
    folder, _ = event_set_folder(params, settings.set)
    tables = load_tables(params, folder)

    def measured(number: int) -> Any:
        encoder = load_spectrum_encoder(resolve(f"models:/{name}/{number}").folder)
        return unseen_rank_correlation(encoder, tables, settings.task)

    metric = "Fisher rank correlation"
    return compare_versions(metric, measured, lambda found: found.value, version, champion_version)


def save_encoder(
    params: Params,
    trained: TrainedEncoder[SpectrumModel],
    tables: ReplicaCorpus,
    metrics: dict[str, float],
    seed: int,
    folder: Path,
) -> None:
    """Save a pretrained network with its card and its recipe (``pretraining.json``)."""
    network = asdict(trained.model.encoder.settings)
    recipe = pretraining_recipe(params.pretrain.spectrum, network, trained.result, metrics, seed)
    recipe, card = described(recipe, trained.model, tables)
    save_spectrum_encoder(folder, trained.model, card)
    write_json(folder / "pretraining.json", recipe)


def described(
    recipe: dict[str, Any], model: SpectrumModel, tables: ReplicaCorpus
) -> tuple[dict[str, Any], str]:
    """Return a recipe with what it says of network and universes, and the card."""
    from colliderfm.pipelines.pretrain_spectrum.card import card_text

    recipe = recipe | {
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "universes": {"seen": len(tables.seen), "unseen": len(tables.unseen)},
    }
    return recipe, card_text(recipe)


def write_outputs(
    params: Params, trained: TrainedEncoder[SpectrumModel], judgment: SpectrumJudgment, out: Path
) -> None:
    """Write metrics.json, the loss curves, the latent map and the comparison with linear methods.

    Parameters
    ----------
    params : Params
        Unused; figures of other families depend on it.
    trained : TrainedEncoder
        Holds the history of the training.
    judgment : SpectrumJudgment
        From ``judge``.
    out : Path
        Folder.
    """
    from colliderfm.pipelines.pretrain_spectrum.figures import write_figures

    del params
    write_json(out / "metrics.json", rounded(judgment.metrics))
    write_figures(out, judgment, trained.result.history)
