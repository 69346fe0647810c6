"""What a spectrum encoder is judged by, beside linear embeddings of the same width and the optimum.

By replica: new replicas of the universes of the corpus. By universe: the unseen ones, with labels for
the heads but none for the encoder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch

from colliderfm.baselines.linear_embeddings import fit_lda, fit_pca
from colliderfm.baselines.optimal_spectrum import bayes_classifier
from colliderfm.data.replica_corpus import ReplicaCorpus
from colliderfm.data.replica_pairs import sm_noise
from colliderfm.evaluate.latent_space import (
    Labeled,
    RankCorrelation,
    head_accuracies,
    rank_correlation,
    rank_correlation_value,
)
from colliderfm.models.spectrum_model import SpectrumEncoder
from colliderfm.physics.identifiability import mahalanobis_distances, noise_whitener
from colliderfm.pipelines.pretrain_spectrum.judgment import LatentPoints, SpectrumJudgment

Embedding = Callable[[np.ndarray], np.ndarray]

# Labeled replicas of each universe that heads are fitted on, and those they are scored on.
HEAD_REPLICAS, SCORED_REPLICAS = 200, 50
_CHUNK = 8192


def judge_encoder(
    encoder: SpectrumEncoder, untrained: SpectrumEncoder, tables: ReplicaCorpus, task: str
) -> SpectrumJudgment:
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
    SpectrumJudgment
        Metrics: ``val/knn_accuracy`` and ``val/linear_accuracy`` of the encoder;
        ``val/bayes_accuracy``; ``val/<method>_accuracy`` (linear head) and
        ``val/<method>_knn_accuracy`` of the others; all again as ``val/unseen_...``; rank
        correlations with Fisher distances.
    """
    seen = labeled_replicas(tables, task)
    methods = embeddings(encoder, untrained, tables, task, seen[0])
    metrics, latent = _accuracies(methods, tables, task, seen)
    unseen = labeled_replicas(tables, task, unseen=True)
    metrics |= _accuracies(methods, tables, task, unseen, "unseen_")[0]
    points = LatentPoints(
        replicas=latent,
        universe=seen[1][1],
        means=encode(encoder, tables.seen.mean_pb_per_gev),
        standard_model=encode(encoder, (tables.table.sm_pb / tables.table.width_gev)[None])[0],
    )
    distance = fisher_distances(tables, task)
    mean = tables.unseen.mean_pb_per_gev
    found = rank_correlation(methods.pop("encoder")(mean), distance)
    metrics["val/fisher_rank_correlation"] = found.value
    metrics["val/fisher_rank_error"] = found.error
    for name, embed in methods.items():
        value = rank_correlation_value(embed(mean), distance)
        metrics[f"val/fisher_rank_correlation_{name}"] = value
    return SpectrumJudgment(metrics, points)


def _accuracies(
    methods: Mapping[str, Embedding],
    tables: ReplicaCorpus,
    task: str,
    labeled: tuple[Labeled, Labeled],
    kind: str = "",
) -> tuple[dict[str, float], np.ndarray]:
    """Return the accuracies of all methods on some universes, and the latents that are scored."""
    (values, label), (scored, truth) = labeled
    bayes = bayes_classifier(tables.noise(task, unseen=bool(kind))).accuracy(scored, truth)
    metrics = {f"val/{kind}bayes_accuracy": bayes}
    latents = {}
    for name, embed in methods.items():
        latents[name] = embed(scored)
        found = head_accuracies((embed(values), label), (latents[name], truth))
        linear, neighbors = (
            ("linear_accuracy", "knn_accuracy")
            if name == "encoder"
            else (f"{name}_accuracy", f"{name}_knn_accuracy")
        )
        metrics[f"val/{kind}{linear}"] = found.linear
        metrics[f"val/{kind}{neighbors}"] = found.neighbors
    best = max(metrics[f"val/{kind}linear_accuracy"], metrics[f"val/{kind}knn_accuracy"])
    metrics[f"val/{kind}bayes_share"] = best / bayes
    return metrics, latents["encoder"]


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
    encoder: SpectrumEncoder,
    untrained: SpectrumEncoder,
    tables: ReplicaCorpus,
    task: str,
    fitted: Labeled,
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
    fitted : tuple of (ndarray (N, B), ndarray (N,))
        Replicas of the seen universes in pb/GeV and their universes.

    Returns
    -------
    dict of str to callable
        ``encoder``, ``untrained``, ``pca_raw``, ``pca_whitened`` and ``lda``.
    """
    values, label = fitted
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
