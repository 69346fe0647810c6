"""Study smeft: put one arm to every test, with the optimum beside it.

Samples of the test are the same for every arm and every cell. ``judge_arm`` gives the metrics of the
cell, one row per test spectrum for the figures, and under ``details`` what figures need beyond rows.
Read next: ``study.py``.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np

from colliderfm.baselines.linear_embeddings import LinearEmbedding
from colliderfm.baselines.optimal_spectrum import bayes_classifier
from colliderfm.config.schema import SmeftMetrics
from colliderfm.physics.identifiability import mahalanobis_distances
from colliderfm.studies.protocol import CellResult
from colliderfm.studies.smeft.anomalies import (
    CASES,
    HELD_OUT_CASE,
    anomalies,
    without_held_out,
)
from colliderfm.studies.smeft.arms import Arm
from colliderfm.studies.smeft.calibration import calibration_metrics
from colliderfm.studies.smeft.data import LabeledReplicas, SmeftData
from colliderfm.studies.smeft.heads import dirichlet_parameters
from colliderfm.studies.smeft.insight import explain_arm
from colliderfm.studies.smeft.metrics import (
    FIXED_SCORE,
    FIXED_SCORE_OF_BAYES,
    Answer,
    anomaly_metrics,
    bayes_answer,
    classification_metrics,
    dirichlet_answer,
    held_out_metrics,
    reliability,
)
from colliderfm.studies.smeft.neighbors import retrieve_unseen
from colliderfm.studies.smeft.retrieval import LatentClouds, exact_clouds, latent_clouds
from colliderfm.studies.smeft.samples import CONTROL, SEEN, UNSEEN, draw_samples

SHOWN_IN_REPORT = ("alignment", "null_operators", "trajectories")
_LATENT_COLUMNS = 16


@dataclass(frozen=True)
class Tested:
    """An arm with what it says about every test spectrum.

    Parameters
    ----------
    arm : Arm
        The arm.
    samples : dict of str to LabeledReplicas
        ``seen``, ``unseen``, ``standard_model``, the anomalies and the held-out operators; universe
        -1 where it is neither a seen nor an unseen one.
    latents : dict of str to ndarray (N, D)
        Their latents.
    answers : dict of str to Answer
        What the arm says.
    clouds : LatentClouds
        The seen universes in the latent.
    """

    arm: Arm
    samples: dict[str, LabeledReplicas]
    latents: dict[str, np.ndarray]
    answers: dict[str, Answer]
    clouds: LatentClouds


def judge_arm(data: SmeftData, arm: Arm, settings: SmeftMetrics) -> CellResult:
    """Test an arm.

    Parameters
    ----------
    data : SmeftData
        The corpus with the noise of the task.
    arm : Arm
        Trained.
    settings : SmeftMetrics
        Sizes of the test.

    Returns
    -------
    CellResult
        ``test/…`` metrics, one row per test spectrum, ``details`` and ``report_details`` in
        ``training``.
    """
    sizes = (settings.pseudo_experiments, settings.anomaly_replicas)
    samples = data.once(("samples", *sizes), lambda: draw_samples(data, settings))
    latents = {name: arm.embed(sample.values) for name, sample in samples.items()}
    clouds = data.once(
        ("clouds", arm.fingerprint), lambda: clouds_of(arm, data, "clouds", unseen=False)
    )
    answers = {
        name: _answer(data, arm, sample.values, latents[name], clouds, (name, *sizes))
        for name, sample in samples.items()
    }
    tested = Tested(arm, samples, latents, answers, clouds)
    metrics = _classification(data, tested, settings.bootstrap_replicas)
    fixed = FIXED_SCORE if arm.head is not None else FIXED_SCORE_OF_BAYES
    cases = {name: answers[name] for name in (*CASES, CONTROL)}
    metrics |= anomaly_metrics(answers[SEEN], cases, fixed)
    metrics |= _held_out(data, tested)
    found, details = data.once(
        ("retrieval", arm.fingerprint, settings.neighbors, *sizes),
        lambda: retrieve_unseen(
            data,
            clouds,
            samples[UNSEEN],
            latents[UNSEEN],
            clouds_of(arm, data, "unseen clouds", unseen=True),
            settings.neighbors,
        ),
    )
    metrics |= found
    insight, more = explain_arm(data, arm, settings.pseudo_experiments)
    details = (
        details | more | {"reliability": _lists(_reliability(tested)), "anomalies": _sizes(data)}
    )
    named = {f"test/{name}": value for name, value in (metrics | insight).items()}
    shown = {name: details.pop(name) for name in SHOWN_IN_REPORT if name in details}
    return CellResult(named, _rows(tested), {"details": details, "report_details": shown})


def clouds_of(arm: Arm, data: SmeftData, purpose: str, *, unseen: bool) -> LatentClouds:
    """Summarize the universes in the latent of an arm.

    Parameters
    ----------
    arm : Arm
        Its latent.
    data : SmeftData
        Universes with their noise.
    purpose : str
        Names the random numbers.
    unseen : bool
        Of the unseen universes.

    Returns
    -------
    LatentClouds
        From replicas, or exact where the arm keeps all bins.
    """
    noise = data.unseen if unseen else data.seen
    if arm.init == "bayes" and isinstance(arm.embedding, LinearEmbedding):
        return exact_clouds(arm.embedding.matrix, arm.embedding.center, noise)
    return latent_clouds(arm.embed, noise, data.generator(purpose))


def _answer(
    data: SmeftData,
    arm: Arm,
    values: np.ndarray,
    latent: np.ndarray,
    clouds: LatentClouds,
    key: tuple[Hashable, ...],
) -> Answer:
    nearest = data.once(
        ("nearest", *key),
        lambda: mahalanobis_distances(values, data.seen.mean, data.covariance).min(axis=1),
    )
    if arm.head is None:
        return bayes_answer(bayes_classifier(data.seen).probability(values), nearest)
    in_latent = np.sqrt(clouds.squared_distances(latent).min(axis=1))
    return dirichlet_answer(dirichlet_parameters(arm.head, latent), in_latent, nearest)


def _classification(data: SmeftData, tested: Tested, n_bootstrap: int) -> dict[str, float]:
    """Classification of test replicas beside Bayes' accuracy."""
    universe = tested.samples[SEEN].universe
    metrics = classification_metrics(tested.answers[SEEN].probability, universe, n_bootstrap)
    values = tested.samples[SEEN].values
    best = data.once(
        ("best", n_bootstrap),
        lambda: classification_metrics(
            bayes_classifier(data.seen).probability(values), universe, n_bootstrap
        ),
    )
    if tested.arm.head is not None:
        metrics |= calibration_metrics(tested.arm.head, tested.latents[SEEN], universe)
    return metrics | {
        "bayes_accuracy": best["universe_accuracy"],
        "bayes_log_loss": best["log_loss"],
        "accuracy_over_bayes": metrics["universe_accuracy"] / best["universe_accuracy"],
    }


def _held_out(data: SmeftData, tested: Tested) -> dict[str, float]:
    """Judge the detection of operators that the head of this case never saw active."""
    without = without_held_out(data.corpus.seen.wilson)
    head = tested.arm.held_out_head
    if len(without) < 2 or (head is None and tested.arm.head is not None):
        return {}
    is_known = np.isin(tested.samples[SEEN].universe, without)
    parts = []
    for name, rows in ((SEEN, is_known), (HELD_OUT_CASE, slice(None))):
        values, latent = tested.samples[name].values[rows], tested.latents[name][rows]
        mean = data.seen.mean[without]
        nearest = mahalanobis_distances(values, mean, data.covariance).min(axis=1)
        if head is None:
            parts.append(Answer(np.empty((0, 0)), {"mahalanobis": nearest}, np.empty(0)))
            continue
        distance = tested.clouds.squared_distances(latent)[:, without].min(axis=1)
        alpha = dirichlet_parameters(head, latent)
        parts.append(dirichlet_answer(alpha, np.sqrt(distance), nearest))
    return held_out_metrics(*parts)


def _rows(tested: Tested) -> dict[str, np.ndarray]:
    """One row per test spectrum of every sample."""
    columns: dict[str, list[np.ndarray]] = {}
    for name, sample in tested.samples.items():
        answer, latent = tested.answers[name], tested.latents[name]
        row = {
            "case": np.full(len(sample), name, dtype=object),
            "universe": sample.universe.astype(np.int32),
            "predicted": answer.probability.argmax(axis=1).astype(np.int32),
            "confidence": answer.probability.max(axis=1),
            "expected_entropy": answer.expected_entropy,
            **answer.scores,
        }
        if latent.shape[1] <= _LATENT_COLUMNS:
            row |= {f"latent_{axis}": latent[:, axis] for axis in range(latent.shape[1])}
        for key, values in row.items():
            is_number = values.dtype.kind == "f"
            columns.setdefault(key, []).append(values.astype(np.float32) if is_number else values)
    return {key: np.concatenate(parts) for key, parts in columns.items()}


def _reliability(tested: Tested) -> dict[str, np.ndarray]:
    return reliability(tested.answers[SEEN].probability, tested.samples[SEEN].universe)


def _lists(arrays: dict[str, np.ndarray]) -> dict[str, list[float | None]]:
    """JSON has no NaN."""
    return {
        key: [None if np.isnan(v) else float(v) for v in values] for key, values in arrays.items()
    }


def _sizes(data: SmeftData) -> dict[str, Any]:
    return {
        anomaly.name: {"size": anomaly.size, "unit": anomaly.unit, "mean": anomaly.mean.tolist()}
        for anomaly in anomalies(data.table, data.sigma)
    }
