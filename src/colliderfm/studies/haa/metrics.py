"""Study haa, second step: what a run is judged by on the test split, each number with its error.

Signal and background are normalized separately and the masses count equally.
`rejection_at_25_ma30` is the inverse background efficiency, all backgrounds together, where 25% of
the 30 GeV signal is kept; `rejection_at_25` is the geometric mean over masses;
`rejection_at_25_qcd_4b` is one background component against all masses. Errors come from one
bootstrap over test events; the report adds the spread over seeds, which a gain is judged by.
"""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pandas as pd

from colliderfm.baselines.pairing_rules import (
    mass_of_objects_gev,
    pair_by_rule,
    take_objects,
)
from colliderfm.config.schema import HaaStudy
from colliderfm.data.event_schema import PROCESSES
from colliderfm.data.event_table import EventTable
from colliderfm.evaluate.classification import roc_replicas
from colliderfm.evaluate.roc import Rejection, max_sic, rejection_at, roc_curve
from colliderfm.stats.bootstrap import replica_counts, summarize
from colliderfm.studies.haa.data import balanced_weight
from colliderfm.studies.haa.pairs import assignment_metrics, mass_name
from colliderfm.studies.haa.subsets import is_signal, process_indices

BOOTSTRAP_SEED = 2026


def validation_metrics(
    score: np.ndarray, table: EventTable, settings: HaaStudy
) -> dict[str, float]:
    """Cheap metrics that early stopping and the sweep look at.

    Parameters
    ----------
    score : ndarray, shape (n,)
        Classifier score of each validation event.
    table : EventTable
        Validation split.
    settings : HaaStudy
        The study.

    Returns
    -------
    dict of str to float
        ``val/auc``, signal and background normalized separately, masses equal.
    """
    signal = is_signal(table.process, settings)
    return {"val/auc": roc_curve(signal, score, balanced_weight(table, settings)).auc}


def haa_metrics(
    score: np.ndarray,
    table: EventTable,
    predicted_slots: np.ndarray | None,
    settings: HaaStudy,
) -> dict[str, float]:
    """All test metrics of a run.

    Parameters
    ----------
    score : ndarray, shape (n,)
        Classifier score of each test event; larger means more signal-like.
    table : EventTable
        Test split.
    predicted_slots : ndarray, shape (n, 2, 4), int, or None
        Objects of the two a -> bb under the signal hypothesis (`studies.haa.data.as_signal`);
        without them there are no assignment metrics of the network.
    settings : HaaStudy
        The study, with working points, background floor and number of bootstrap replicas.

    Returns
    -------
    dict of str to float
        ``test/...`` by name; all values finite except assignment without any matchable event.

    Raises
    ------
    PhysicsError
        If a score is not finite or a process is missing.
    """
    metrics = classification_metrics(score, table, settings)
    metrics |= assignment_metrics(table, predicted_slots, settings)
    return {f"test/{name}": value for name, value in metrics.items()}


def classification_metrics(
    score: np.ndarray, table: EventTable, settings: HaaStudy
) -> dict[str, float]:
    """AUC, significance improvement and background rejections with bootstrap errors.

    Parameters
    ----------
    score : ndarray, shape (n,)
        Classifier score.
    table : EventTable
        Events.
    settings : HaaStudy
        The study.

    Returns
    -------
    dict of str to float
        Names without prefix. Each rejection has ``_bootstrap_low``, ``_bootstrap_high`` (95%),
        ``_n_background`` (events passing), ``_limit`` (95% lower limit) and ``_is_limit`` (0 or 1).
    """
    judged, points = settings.metrics, settings.metrics.signal_efficiencies
    signal = is_signal(table.process, settings)
    weight = balanced_weight(table, settings)
    counts = replica_counts(len(table), judged.bootstrap_replicas, BOOTSTRAP_SEED)

    def measure(rows: np.ndarray) -> tuple[dict[float, Rejection], dict[float, np.ndarray]]:
        curve = roc_curve(signal[rows], score[rows], weight[rows])
        replicas = roc_replicas(
            signal[rows], score[rows], weight[rows], counts[:, rows], signal_efficiencies=points
        )
        # A replica without selected background says no more than that less than one event passes.
        floor = 1.0 / curve.n_background_total
        rejections = {at: rejection_at(curve, at, judged.min_background_events) for at in points}
        return rejections, {
            at: 1.0 / np.maximum(replicas.background_efficiency[at], floor) for at in points
        }

    metrics = _overall(signal, score, weight, counts, judged.min_background_events)
    per_mass = {
        mass_name(process): measure(~signal | (table.process == index))
        for process, index in zip(settings.signals, process_indices(settings.signals), strict=True)
    }
    components = {
        process: measure(signal | (table.process == index))
        for process, index in zip(
            settings.backgrounds, process_indices(settings.backgrounds), strict=True
        )
    }
    for at in points:
        name = f"rejection_at_{round(100 * at)}"
        metrics |= _geometric_mean(name, at, list(per_mass.values()))
        for suffix, (rejections, replicas) in (per_mass | components).items():
            metrics |= _rejection_entries(f"{name}_{suffix}", rejections[at], replicas[at])
    return metrics


def predictions_frame(
    score: np.ndarray, table: EventTable, predicted_slots: np.ndarray | None
) -> pd.DataFrame:
    """Collect what is kept of a run's predictions: enough for every figure.

    Parameters
    ----------
    score : ndarray, shape (n,)
        Classifier score.
    table : EventTable
        Events, with the weights to keep.
    predicted_slots : ndarray, shape (n, 2, 4), int, or None
        As in `haa_metrics`; without them the equal-mass rule pairs the jets.

    Returns
    -------
    DataFrame
        ``event_id, process, weight, score, mass_heavy_gev, mass_light_gev``, one row per event;
        the masses are those of the two predicted pairs.
    """
    batch = table.batch(np.arange(len(table)))
    objects = batch.objects.numpy()
    if predicted_slots is None:
        pairs = pair_by_rule(objects, batch.mask.numpy(), "equal_mass")
    else:
        pairs = predicted_slots[..., :2]
    masses = np.sort(mass_of_objects_gev(take_objects(objects, pairs)), axis=1)
    masses[(pairs < 0).any(axis=(1, 2))] = np.nan
    return pd.DataFrame(
        {
            "event_id": table.event_id,
            "process": pd.Categorical.from_codes(table.process, categories=list(PROCESSES)),
            "weight": table.weight,
            "score": score.astype(np.float32),
            "mass_heavy_gev": masses[:, 1].astype(np.float32),
            "mass_light_gev": masses[:, 0].astype(np.float32),
        }
    )


def _overall(
    signal: np.ndarray, score: np.ndarray, weight: np.ndarray, counts: np.ndarray, floor: float
) -> dict[str, float]:
    """AUC and largest significance improvement over all masses and backgrounds."""
    curve = roc_curve(signal, score, weight)
    replicas = roc_replicas(signal, score, weight, counts, min_background_events=floor)
    best = max_sic(curve, floor)
    return {
        "auc": curve.auc,
        "auc_bootstrap_error": summarize(replicas.auc).error,
        "max_sic": best.value,
        "max_sic_bootstrap_error": summarize(replicas.max_sic).error,
        "max_sic_signal_efficiency": best.signal_efficiency,
        "max_sic_n_background": float(best.n_background),
    }


def _rejection_entries(name: str, rejection: Rejection, replicas: np.ndarray) -> dict[str, float]:
    """One rejection under all its names."""
    interval = summarize(replicas)
    numbers = asdict(rejection)
    return {
        name: rejection.value,
        f"{name}_bootstrap_low": interval.low,
        f"{name}_bootstrap_high": interval.high,
        **{f"{name}_{key}": float(numbers[key]) for key in ("limit", "n_background", "is_limit")},
    }


def _geometric_mean(
    name: str, at: float, masses: list[tuple[dict[float, Rejection], dict[float, np.ndarray]]]
) -> dict[str, float]:
    """Geometric mean over masses; the bootstrap keeps their common background in step."""
    each = [rejections[at] for rejections, _ in masses]
    combined = Rejection(
        signal_efficiency=at,
        value=float(np.exp(np.mean([np.log(item.value) for item in each]))),
        limit=float(np.exp(np.mean([np.log(item.limit) for item in each]))),
        n_background=min(item.n_background for item in each),
        is_limit=any(item.is_limit for item in each),
    )
    replicas = np.exp(np.mean([np.log(values[at]) for _, values in masses], axis=0))
    return _rejection_entries(name, combined, replicas)
