"""What a spectrum encoder is judged by, beside linear embeddings of the same width and the optimum.

By replica: new replicas of the universes of the corpus. By universe: the unseen ones, with labels for
the heads but none for the encoder.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from colliderfm.baselines.linear_embeddings import fit_lda, fit_pca
from colliderfm.baselines.optimal_spectrum import bayes_classifier
from colliderfm.data.replica_corpus import ReplicaCorpus
from colliderfm.data.replica_pairs import sm_noise
from colliderfm.evaluate.latent_space import (
    HeadAccuracies,
    Labeled,
    RankCorrelation,
    head_accuracies,
    rank_correlation,
    rank_correlation_value,
)
from colliderfm.models.spectrum_model import SpectrumEncoder
from colliderfm.physics.identifiability import mahalanobis_distances, noise_whitener

Embedding = Callable[[np.ndarray], np.ndarray]

# Labeled replicas of each universe that heads are fitted on, and those they are scored on.
HEAD_REPLICAS, SCORED_REPLICAS = 200, 50
_CHUNK = 8192


def judge_encoder(
    encoder: SpectrumEncoder, untrained: SpectrumEncoder, tables: ReplicaCorpus, task: str
) -> dict[str, float]:
    """Measure an encoder and everything it has to be held against.

    Parameters
    ----------
    encoder : SpectrumEncoder
        In evaluation mode.
    untrained : SpectrumEncoder
        The same network with its initial weights.
    tables : ReplicaCorpus
        Universes and noise.
    task : str
        ``study`` or ``hard``.

    Returns
    -------
    dict of str to float
        ``val/knn_accuracy`` and ``val/linear_accuracy`` of the encoder; ``val/bayes_accuracy``;
        ``val/<method>_accuracy`` (linear head) and ``val/<method>_knn_accuracy`` of the others;
        all again as ``val/unseen_...``; rank correlations with Fisher distances.
    """
    metrics: dict[str, float] = {}
    methods = embeddings(encoder, untrained, tables, task)
    for unseen in (False, True):
        prefix = "val/unseen_" if unseen else "val/"
        head, scored = labeled_replicas(tables, task, unseen=unseen)
        bayes = bayes_classifier(tables.noise(task, unseen=unseen))
        metrics[f"{prefix}bayes_accuracy"] = bayes.accuracy(*scored)
        for name, embed in methods.items():
            found = _accuracies(embed, head, scored)
            if name == "encoder":
                metrics[f"{prefix}linear_accuracy"] = found.linear
                metrics[f"{prefix}knn_accuracy"] = found.neighbors
            else:
                metrics[f"{prefix}{name}_accuracy"] = found.linear
                metrics[f"{prefix}{name}_knn_accuracy"] = found.neighbors
        best = max(metrics[f"{prefix}linear_accuracy"], metrics[f"{prefix}knn_accuracy"])
        metrics[f"{prefix}bayes_share"] = best / metrics[f"{prefix}bayes_accuracy"]
    distance = fisher_distances(tables, task)
    mean = tables.unseen.mean_pb_per_gev
    found_rank = rank_correlation(methods.pop("encoder")(mean), distance)
    metrics["val/fisher_rank_correlation"] = found_rank.value
    metrics["val/fisher_rank_error"] = found_rank.error
    for name, embed in methods.items():
        value = rank_correlation_value(embed(mean), distance)
        metrics[f"val/fisher_rank_correlation_{name}"] = value
    return metrics


def unseen_rank_correlation(
    encoder: SpectrumEncoder, tables: ReplicaCorpus, task: str
) -> RankCorrelation:
    """Correlate latent and Fisher distances between the unseen universes.

    Parameters
    ----------
    encoder : SpectrumEncoder
        In evaluation mode.
    tables : ReplicaCorpus
        Universes and noise.
    task : str
        ``study`` or ``hard``.

    Returns
    -------
    RankCorrelation
        Of the spectra without noise.
    """
    latent = encode(encoder, tables.unseen.mean_pb_per_gev)
    return rank_correlation(latent, fisher_distances(tables, task))


def fisher_distances(tables: ReplicaCorpus, task: str) -> np.ndarray:
    """Return the Mahalanobis distances between the unseen universes, shape (U, U)."""
    mean = tables.unseen.mean_pb_per_gev
    return mahalanobis_distances(mean, mean, sm_noise(tables, task).covariance())


def embeddings(
    encoder: SpectrumEncoder, untrained: SpectrumEncoder, tables: ReplicaCorpus, task: str
) -> dict[str, Embedding]:
    """Return the encoder and its rivals of the same width, fitted on replicas of the seen universes.

    Parameters
    ----------
    encoder, untrained : SpectrumEncoder
        In evaluation mode.
    tables : ReplicaCorpus
        Universes and noise.
    task : str
        ``study`` or ``hard``.

    Returns
    -------
    dict of str to callable
        ``encoder``, ``untrained``, ``pca_raw``, ``pca_whitened`` and ``lda``.
    """
    (values, label), _ = labeled_replicas(tables, task)
    noise = sm_noise(tables, task)
    width = encoder.settings.latent
    # LDA has at most one dimension per universe but one.
    lda_width = min(width, len(tables.seen) - 1)
    whitener = noise_whitener(noise.covariance())
    return {
        "encoder": lambda spectra: encode(encoder, spectra),
        "untrained": lambda spectra: encode(untrained, spectra),
        "pca_raw": fit_pca(values, width).transform,
        "pca_whitened": fit_pca(values, width, whitener).transform,
        "lda": fit_lda(values, label, lda_width, noise.sigma[0]).transform,
    }


def labeled_replicas(
    tables: ReplicaCorpus, task: str, *, unseen: bool = False
) -> tuple[Labeled, Labeled]:
    """Draw replicas for the heads and others to score them on, from the validation streams.

    Parameters
    ----------
    tables : ReplicaCorpus
        Universes and noise.
    task : str
        ``study`` or ``hard``.
    unseen : bool
        Of the unseen universes.

    Returns
    -------
    tuple of two (ndarray (N, B), ndarray (N,))
        Spectra in pb/GeV and their universes.
    """
    noise = tables.noise(task, unseen=unseen)
    drawn = []
    for purpose, n in (("heads", HEAD_REPLICAS), ("validation", SCORED_REPLICAS)):
        seed = tables.settings.stream_seed(task, f"{purpose}-{'unseen' if unseen else 'seen'}")
        chunks = list(noise.stream(n * noise.n_universes, seed))
        values = np.concatenate([chunk[1] for chunk in chunks])
        drawn.append((values, np.concatenate([chunk[0] for chunk in chunks])))
    return drawn[0], drawn[1]


@torch.no_grad()
def encode(encoder: SpectrumEncoder, values: np.ndarray) -> np.ndarray:
    """Return the latents of spectra in pb/GeV, shape (N, D), float64."""
    device = encoder.scaling.sm.device
    parts = [
        encoder(torch.from_numpy(values[start : start + _CHUNK].astype(np.float32)).to(device))
        for start in range(0, len(values), _CHUNK)
    ]
    return torch.cat(parts).double().cpu().numpy()


def _accuracies(embed: Embedding, head: Labeled, scored: Labeled) -> HeadAccuracies:
    return head_accuracies((embed(head[0]), head[1]), (embed(scored[0]), scored[1]))
