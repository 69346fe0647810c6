"""Study smeft: inference of Wilson coefficients and interpretation of the latent, for one arm.

Puts ``inference.py`` and ``interpretation.py`` to work on fresh universes that no training has used.
An arm that keeps all bins has nothing to explain. Read next: ``study.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from colliderfm.physics.operators import CONTRIBUTING, INERT
from colliderfm.physics.universes import COEFFICIENTS, N_CONTRIBUTING, Universes
from colliderfm.studies.smeft.arms import Arm
from colliderfm.studies.smeft.data import SmeftData, sensitive_directions
from colliderfm.studies.smeft.inference import (
    SIGNIFICANCE_LEVEL,
    Intervals,
    Library,
    infer_parameters,
    null_operator_test,
)
from colliderfm.studies.smeft.interpretation import alignment, trajectories
from colliderfm.studies.smeft.retrieval import latent_noise_whitener

LIBRARY_UNIVERSES = 10_000
_LIBRARY_SEED, _NOISE_SEED, _QUERY_SEED = 2_000_003, 3_000_017, 4_000_037
_NOISE_UNIVERSES = 100
_LINEAR_UP_TO = 10.0
_SHOWN = 200


def explain_arm(
    data: SmeftData, arm: Arm, n_experiments: int
) -> tuple[dict[str, float], dict[str, Any]]:
    """Infer directions for fresh universes, control inert operators, describe the latent.

    Parameters
    ----------
    data : SmeftData
        Theory, universes and noise.
    arm : Arm
        Its latent.
    n_experiments : int
        Fresh universes, one spectrum each, whose directions are inferred.

    Returns
    -------
    tuple of dict
        Metrics, and details for figures.
    """
    if arm.init == "bayes":
        return {}, {}
    key = ("explained", arm.fingerprint, n_experiments)
    return data.once(key, lambda: _explain(data, arm, n_experiments))


def _explain(
    data: SmeftData, arm: Arm, n_experiments: int
) -> tuple[dict[str, float], dict[str, Any]]:
    whitener = _latent_units(data, arm)
    library, wilson = _simulate(data, arm, whitener, LIBRARY_UNIVERSES, _LIBRARY_SEED)
    queries, _ = _simulate(data, arm, whitener, n_experiments, _QUERY_SEED)
    metrics, inferred = _inference(data, library, queries)
    null_metrics, null_details = _null_control(data, library.latent, wilson)
    shape_metrics, shapes = _shapes(data, arm, whitener)
    details = {"inference": inferred, "null_operators": null_details, **shapes}
    return metrics | null_metrics | shape_metrics, details


def _latent_units(data: SmeftData, arm: Arm) -> np.ndarray:
    mean = data.new_universes(_NOISE_UNIVERSES, _NOISE_SEED).mean_pb_per_gev
    return latent_noise_whitener(
        arm.embed, data.noise_about(mean), data.generator("noise in the latent")
    )


def _simulate(
    data: SmeftData, arm: Arm, whitener: np.ndarray, n_universes: int, seed: int
) -> tuple[Library, np.ndarray]:
    """One replica of each of many fresh universes, with the directions as parameters."""
    universes, values = data.once(
        ("fresh universes", n_universes, seed), lambda: _fresh_replicas(data, n_universes, seed)
    )
    _, directions = sensitive_directions(data)
    parameters = universes.wilson[:, :N_CONTRIBUTING] @ directions.T
    return Library(compressed(arm.embed(values) @ whitener), parameters), universes.wilson


def _fresh_replicas(data: SmeftData, n_universes: int, seed: int) -> tuple[Universes, np.ndarray]:
    universes = data.new_universes(n_universes, seed)
    noise = data.noise_about(universes.mean_pb_per_gev)
    rng = data.generator("fresh universes", seed)
    return universes, noise.draw(rng, np.arange(n_universes))


def compressed(latent: np.ndarray) -> np.ndarray:
    """Return latents (N, D) on a scale that is linear up to ten units of noise, then logarithmic.

    Universes are dense near the Standard Model and thousands of units apart far from it: neighbors
    have to be relative there.
    """
    return np.asarray(_LINEAR_UP_TO * np.arcsinh(latent / _LINEAR_UP_TO))


def _inference(
    data: SmeftData, library: Library, queries: Library
) -> tuple[dict[str, float], dict[str, Any]]:
    """Intervals of the directions, their coverage, and their width beside that of the prior."""
    singular, directions = sensitive_directions(data)
    truth = queries.parameters
    found = infer_parameters(library, queries.latent)
    covered = found.covers(truth).mean(axis=0)
    nominal = float(stats.chi2.cdf(1.0, 1))
    prior = np.quantile(library.parameters, [0.5 - nominal / 2, 0.5 + nominal / 2], axis=0)
    width = np.median(found.high - found.low, axis=0) / (prior[1] - prior[0])
    error = float(np.sqrt(nominal * (1.0 - nominal) / len(truth)))
    metrics = {
        "direction_coverage": float(covered.mean()),
        "direction_coverage_error": error,
        "direction_coverage_nominal": nominal,
    }
    for index, (one, relative) in enumerate(zip(covered, width, strict=True)):
        metrics[f"direction_{index + 1}_coverage"] = float(one)
        metrics[f"direction_{index + 1}_width_over_prior"] = float(relative)
    details = {
        "operators": list(CONTRIBUTING),
        "directions": directions.tolist(),
        "singular_values": singular.tolist(),
        "truth": truth[:_SHOWN].tolist(),
        **_interval_lists(found),
    }
    return metrics, details


def _interval_lists(found: Intervals) -> dict[str, Any]:
    return {name: getattr(found, name)[:_SHOWN].tolist() for name in ("median", "low", "high")}


def _null_control(
    data: SmeftData, latent: np.ndarray, wilson: np.ndarray
) -> tuple[dict[str, float], dict[str, Any]]:
    """Inert operators must come out as not constrained."""
    rng = data.generator("permutations")
    found = null_operator_test(latent, wilson, rng)
    is_inert = np.isin(COEFFICIENTS, INERT)
    n_flagged = int(found.flagged(is_inert).sum())
    by_chance = stats.binom(len(INERT), SIGNIFICANCE_LEVEL)
    metrics = {
        "null_operator_flags": float(n_flagged),
        "null_operator_flags_expected": len(INERT) * SIGNIFICANCE_LEVEL,
        "null_operator_p_value": float(by_chance.sf(n_flagged - 1)),
        "constrained_operators": float((found.p_value[~is_inert] < SIGNIFICANCE_LEVEL).sum()),
    }
    details = {
        "operators": list(COEFFICIENTS),
        "is_inert": is_inert.tolist(),
        "explained": found.explained.tolist(),
        "explained_by_chance": found.explained_by_chance.tolist(),
        "p_value": found.p_value.tolist(),
    }
    return metrics, details


def _shapes(
    data: SmeftData, arm: Arm, whitener: np.ndarray
) -> tuple[dict[str, float], dict[str, Any]]:
    """Alignment of operator classes and paths of single operators."""
    aligned = alignment(arm.embed, data.table, data.covariance, whitener)
    paths = trajectories(
        arm.embed, data.table, data.covariance, whitener, data.corpus.settings.order
    )
    metrics = {
        "alignment_correlation": aligned.correlation,
        "alignment_class_angle_difference_deg": aligned.class_angle_difference_deg,
        "trajectory_straightness": float(np.mean([path.straightness for path in paths])),
        "trajectory_turning_deg": float(np.mean([path.turning_deg for path in paths])),
        "trajectory_monotonic_share": float(np.mean([path.is_monotonic for path in paths])),
    }
    details = {
        "alignment": {
            "classes": [name.replace("_", " ") for name in aligned.classes],
            "operators": list(CONTRIBUTING),
            **{
                name: getattr(aligned, name).tolist()
                for name in (
                    "axis_angles_deg",
                    "class_angles_deg",
                    "true_class_angles_deg",
                    "response_cosines",
                    "true_response_cosines",
                )
            },
        },
        "trajectories": [
            {key: value for key, value in vars(path).items() if key != "path"} for path in paths
        ],
    }
    return metrics, details
