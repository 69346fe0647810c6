"""Study smeft: retrieval and coverage for spectra of unseen universes.

Every spectrum of an unseen universe is one pseudo-experiment: are its nearest seen universes the true
neighbors, how many does each contour capture, and does the contour of its own universe contain it?
Read next: ``insight.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from colliderfm.baselines.linear_embeddings import fit_pca
from colliderfm.physics.identifiability import mahalanobis_distances, noise_whitener
from colliderfm.studies.smeft.coverage import captured_counts, coverage, recall_at
from colliderfm.studies.smeft.data import LabeledReplicas, SmeftData
from colliderfm.studies.smeft.interpretation import fisher_rank_correlation
from colliderfm.studies.smeft.retrieval import LEVELS_SIGMA, LatentClouds

_SHOWN_QUERIES = 12


def retrieve_unseen(
    data: SmeftData,
    clouds: LatentClouds,
    queries: LabeledReplicas,
    latent: np.ndarray,
    own_clouds: LatentClouds,
    neighbors: int,
) -> tuple[dict[str, float], dict[str, Any]]:
    """Retrieve seen universes for spectra of unseen ones.

    Parameters
    ----------
    data : SmeftData
        Universes and noise.
    clouds : LatentClouds
        Seen universes in the latent: the candidates.
    queries : LabeledReplicas
        Spectra of unseen universes.
    latent : ndarray, shape (N, D)
        Their latents.
    own_clouds : LatentClouds
        Unseen universes in the latent, for coverage.
    neighbors : int
        Neighbors asked for.

    Returns
    -------
    tuple of dict
        Metrics: ``retrieval_recall`` against the neighbors of the noiseless spectrum, the same for
        the distance in all bins and for principal components of equal width, counts of captured
        universes, coverage with binomial errors, rank correlation of distances. Details: the
        contours of some queries.
    """
    true = mahalanobis_distances(data.unseen.mean, data.seen.mean, data.covariance)
    true = true[queries.universe]
    found = _euclidean(latent.astype(np.float64), clouds.mean)
    in_bins = mahalanobis_distances(queries.values, data.seen.mean, data.covariance)
    significance = clouds.significance(latent)
    own = own_clouds.squared_distances(latent)
    own_significance = own_clouds.significance(latent)[np.arange(len(own)), queries.universe]
    metrics = {
        "retrieval_recall": recall_at(found, true, neighbors),
        "retrieval_recall_mahalanobis": recall_at(in_bins, true, neighbors),
        "fisher_rank_correlation": fisher_rank_correlation(
            own_clouds.mean, data.unseen.mean, data.covariance
        ),
    }
    metrics |= _principal_components(data, queries, true, latent.shape[1], neighbors)
    metrics |= _coverage_metrics(own_significance)
    counts = captured_counts(significance)
    for column, level in enumerate(LEVELS_SIGMA):
        metrics[f"captured_{level:g}sigma"] = float(counts[:, column].mean())
    return metrics, {"contours": _contours(queries, latent, significance, own_clouds)}


def _euclidean(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    squared = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1) - 2.0 * first @ second.T
    return np.asarray(np.sqrt(np.maximum(squared, 0.0)))


def _principal_components(
    data: SmeftData, queries: LabeledReplicas, true: np.ndarray, width: int, neighbors: int
) -> dict[str, float]:
    """Recall and rank correlation of noise-whitened principal components of the same width."""
    pca = fit_pca(
        data.validation.values,
        min(width, data.table.n_bins, len(data.validation)),
        noise_whitener(data.covariance),
    )
    places = [pca.transform(values) for values in (queries.values, data.seen.mean)]
    return {
        "retrieval_recall_pca": recall_at(_euclidean(*places), true, neighbors),
        "fisher_rank_correlation_pca": fisher_rank_correlation(
            pca.transform(data.unseen.mean), data.unseen.mean, data.covariance
        ),
    }


def _coverage_metrics(own_significance: np.ndarray) -> dict[str, float]:
    """Coverage of each contour with its binomial error; the 1-sigma one is the headline."""
    metrics: dict[str, float] = {}
    found = coverage(own_significance)
    for one in found:
        name = f"interval_coverage_{one.level_sigma:g}sigma"
        metrics |= {name: one.covered, f"{name}_error": one.error}
        metrics[f"{name}_nominal"] = one.nominal
    return metrics | {
        "interval_coverage": found[0].covered,
        "interval_coverage_is_within_3_errors": float(all(one.is_within for one in found)),
    }


def _contours(
    queries: LabeledReplicas, latent: np.ndarray, significance: np.ndarray, own: LatentClouds
) -> dict[str, Any]:
    """List the captured universes of the first queries."""
    shown = []
    for row in range(min(_SHOWN_QUERIES, len(queries))):
        nearest = np.argsort(significance[row], kind="stable")
        captured = [int(u) for u in nearest if significance[row, u] <= LEVELS_SIGMA[-1]]
        covariance = np.linalg.inv(
            own.whitener[queries.universe[row]] @ own.whitener[queries.universe[row]].T
        )
        shown.append(
            {
                "unseen_universe": int(queries.universe[row]),
                "latent": latent[row, :2].tolist(),
                "covariance": covariance[:2, :2].tolist(),
                "captured": captured,
                "significance": [float(significance[row, u]) for u in captured],
            }
        )
    return {"levels_sigma": list(LEVELS_SIGMA), "queries": shown}
