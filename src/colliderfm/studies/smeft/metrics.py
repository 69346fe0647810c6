"""Study smeft, what a cell is judged by: classification, calibration, anomalies, retrieval, coverage.

Every number stands beside the best possible one: Bayes' accuracy, the distance to the nearest universe
in all bins, the neighbors by that distance. The score that enters ``test/ood_auroc`` is fixed here,
before any test: mutual information, or for an arm without a Dirichlet the distance.
Read next: ``study.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from colliderfm.stats.bootstrap import replica_counts, summarize
from colliderfm.studies.smeft.anomalies import CASES, HELD_OUT_CASE, area_under_curve
from colliderfm.studies.smeft.heads import dirichlet_uncertainty

SCORES = ("mutual_information", "total_entropy", "latent_distance", "mahalanobis")
FIXED_SCORE, FIXED_SCORE_OF_BAYES = "mutual_information", "mahalanobis"
CALIBRATION_BINS = 15
BOOTSTRAP_SEED = 2026


@dataclass(frozen=True)
class Answer:
    """What an arm says about N spectra.

    Parameters
    ----------
    probability : ndarray, shape (N, U)
        Of every universe.
    scores : dict of str to ndarray (N,)
        How unlike all universes each spectrum is, by the names in ``SCORES``.
    expected_entropy : ndarray, shape (N,)
        Ambiguity between universes, in nats.
    """

    probability: np.ndarray
    scores: dict[str, np.ndarray]
    expected_entropy: np.ndarray


def dirichlet_answer(
    concentration: np.ndarray, latent_distance: np.ndarray, mahalanobis: np.ndarray
) -> Answer:
    """Turn the parameters of a Dirichlet into an answer.

    Parameters
    ----------
    concentration : ndarray, shape (N, U)
        Parameters alpha.
    latent_distance, mahalanobis : ndarray, shape (N,)
        Distance to the nearest universe in the latent and in all bins.

    Returns
    -------
    Answer
    """
    found = dirichlet_uncertainty(concentration)
    scores = {
        "mutual_information": found.mutual_information,
        "total_entropy": found.total_entropy,
        "latent_distance": latent_distance,
        "mahalanobis": mahalanobis,
    }
    probability = concentration / concentration.sum(axis=1, keepdims=True)
    return Answer(np.asarray(probability), scores, found.expected_entropy)


def bayes_answer(probability: np.ndarray, mahalanobis: np.ndarray) -> Answer:
    """Turn exact posterior probabilities into an answer; nothing about them is uncertain.

    Parameters
    ----------
    probability : ndarray, shape (N, U)
        Posterior of every universe.
    mahalanobis : ndarray, shape (N,)
        Distance to the nearest universe in all bins.

    Returns
    -------
    Answer
    """
    entropy = -(probability * np.log(np.maximum(probability, 1e-300))).sum(axis=1)
    scores = {"total_entropy": entropy, "mahalanobis": mahalanobis}
    return Answer(probability, scores, entropy)


def classification_metrics(
    probability: np.ndarray, universe: np.ndarray, bootstrap_replicas: int
) -> dict[str, float]:
    """Accuracy, log loss and calibration.

    Parameters
    ----------
    probability : ndarray, shape (N, U)
        Of every universe.
    universe : ndarray, shape (N,), int
        The truth.
    bootstrap_replicas : int
        Replicas of the test spectra for errors.

    Returns
    -------
    dict of str to float
        ``universe_accuracy``, its bootstrap error, ``top5_accuracy``, ``log_loss`` in nats and
        ``calibration_error``.
    """
    is_right = (probability.argmax(axis=1) == universe).astype(np.float64)
    counts = replica_counts(len(universe), bootstrap_replicas, BOOTSTRAP_SEED)
    replicas = counts @ is_right / np.maximum(counts.sum(axis=1), 1)
    true = probability[np.arange(len(universe)), universe]
    rank = (probability > true[:, None]).sum(axis=1)
    table = reliability(probability, universe)
    return {
        "universe_accuracy": float(is_right.mean()),
        "universe_accuracy_bootstrap_error": summarize(replicas).error,
        "top5_accuracy": float((rank < 5).mean()),
        "log_loss": float(-np.log(np.maximum(true, 1e-12)).mean()),
        "calibration_error": calibration_error(table),
    }


def reliability(probability: np.ndarray, universe: np.ndarray) -> dict[str, np.ndarray]:
    """Accuracy against confidence, in bins of confidence.

    Parameters
    ----------
    probability : ndarray, shape (N, U)
        Of every universe.
    universe : ndarray, shape (N,), int
        The truth.

    Returns
    -------
    dict of str to ndarray (K,)
        ``confidence`` and ``accuracy`` (means; NaN in an empty bin) and ``count``.
    """
    confidence = probability.max(axis=1)
    is_right = probability.argmax(axis=1) == universe
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    count = np.bincount(bins, minlength=CALIBRATION_BINS)
    safe = np.where(count > 0, count, 1)
    means = {
        name: np.where(count > 0, np.bincount(bins, values, CALIBRATION_BINS) / safe, np.nan)
        for name, values in (("confidence", confidence), ("accuracy", is_right))
    }
    return means | {"count": count}


def calibration_error(table: Mapping[str, np.ndarray]) -> float:
    """Return the expected calibration error: the mean gap between confidence and accuracy.

    Parameters
    ----------
    table : mapping
        From ``reliability``.

    Returns
    -------
    float
        In [0, 1].

    References
    ----------
    C. Guo et al., arXiv:1706.04599, eq. 3.
    """
    gap = np.nan_to_num(np.abs(table["confidence"] - table["accuracy"]))
    return float((gap * table["count"]).sum() / table["count"].sum())


def anomaly_metrics(
    known: Answer, cases: Mapping[str, Answer], fixed_score: str
) -> dict[str, float]:
    """Area under the curve of every score and case.

    Parameters
    ----------
    known : Answer
        About test replicas of the seen universes.
    cases : mapping of str to Answer
        About the anomalies.
    fixed_score : str
        The score of ``ood_auroc``.

    Returns
    -------
    dict of str to float
        ``auroc_<case>_<score>`` and ``ood_auroc``, the mean over the four cases of the study.
    """
    metrics = {
        f"auroc_{case}_{score}": area_under_curve(known.scores[score], answer.scores[score])
        for case, answer in cases.items()
        for score in SCORES
        if score in known.scores
    }
    for score in SCORES:
        if score in known.scores:
            values = [metrics[f"auroc_{case}_{score}"] for case in CASES]
            metrics[f"ood_auroc_{score}"] = float(np.mean(values))
    return metrics | {"ood_auroc": metrics[f"ood_auroc_{fixed_score}"]}


def held_out_metrics(known: Answer, held_out: Answer) -> dict[str, float]:
    """Area under the curve for operators that the head never saw active.

    Parameters
    ----------
    known : Answer
        About test replicas of the universes without them.
    held_out : Answer
        About universes with nothing else.

    Returns
    -------
    dict of str to float
        ``auroc_held_out_operators_<score>``.
    """
    return {
        f"auroc_{HELD_OUT_CASE}_{score}": area_under_curve(values, held_out.scores[score])
        for score, values in known.scores.items()
    }
