"""Curves of a comparison averaged over seeds: what the figures of study haa draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from colliderfm.config.schema import HaaStudy
from colliderfm.evaluate.roc import background_efficiency_at, roc_curve
from colliderfm.plots.curves import Band
from colliderfm.studies.haa.figure_input import Key
from colliderfm.studies.haa.summary import Comparison

EFFICIENCY_GRID = np.round(np.arange(0.02, 1.0001, 0.02), 4)


def metric_bands(comparison: Comparison, metric: str) -> dict[str, Band]:
    """Average a metric over seeds for every arm and training size.

    Parameters
    ----------
    comparison : Comparison
        The cells.
    metric : str
        Column; rejections are averaged as logarithms.

    Returns
    -------
    dict of str to Band
        Per arm: training events against the metric.
    """
    bands = {}
    for init in comparison.inits:
        columns = {n: comparison.values(init, n, metric) for n in comparison.events}
        columns = {n: values for n, values in columns.items() if len(values)}
        if not columns:
            continue
        table = pd.DataFrame(columns).to_numpy(dtype=float)
        bands[init] = Band.of_seeds(
            np.array(list(columns), dtype=float), table, geometric="rejection" in metric
        )
    return bands


def rejections(frame: pd.DataFrame, settings: HaaStudy) -> np.ndarray:
    """Background rejection of one run on a grid of signal efficiencies.

    Parameters
    ----------
    frame : DataFrame
        From `studies.haa.metrics.predictions_frame`.
    settings : HaaStudy
        Names the signals and sets the background floor.

    Returns
    -------
    ndarray, shape (K,)
        On `EFFICIENCY_GRID`; NaN where less than a fifth of the background floor is left.
    """
    signal = frame["process"].isin(settings.signals).to_numpy()
    curve = roc_curve(signal, frame["score"].to_numpy(), frame["weight"].to_numpy())
    rows = curve.signal_efficiency[None], curve.background_efficiency[None]
    efficiency = np.array([background_efficiency_at(*rows, at)[0] for at in EFFICIENCY_GRID])
    floor = settings.metrics.min_background_events / 5 / max(curve.n_background_total, 1.0)
    return np.where(efficiency > floor, 1.0 / np.maximum(efficiency, 1e-12), np.nan)


def rejection_band(frames: Sequence[pd.DataFrame], settings: HaaStudy) -> Band:
    """Average the background rejection over seeds on a grid of signal efficiencies.

    Parameters
    ----------
    frames : sequence of DataFrame
        Predictions of every seed.
    settings : HaaStudy
        As for `rejections`.

    Returns
    -------
    Band
        On `EFFICIENCY_GRID`; NaN where a seed has too little background left, for a mean over the
        other seeds would jump there.
    """
    curves = np.array([rejections(frame, settings) for frame in frames])
    curves[:, np.isnan(curves).any(axis=0)] = np.nan
    return Band.of_seeds(EFFICIENCY_GRID, curves, geometric=True)


def history_band(
    histories: Mapping[Key, Sequence[Mapping[str, float]]], init: str, events: int, name: str
) -> Band | None:
    """Average a monitored number over seeds.

    Parameters
    ----------
    histories : mapping of (init, events, seed) to list of dict
        Monitored numbers with their ``update``.
    init : str
        Arm.
    events : int
        Training events.
    name : str
        Monitored number.

    Returns
    -------
    Band or None
        At each update that at least half of the seeds reached; None if nothing was recorded.
    """
    runs = [
        {float(row["update"]): float(row[name]) for row in history if row.get(name) is not None}
        for key, history in sorted(histories.items())
        if key[:2] == (init, events)
    ]
    runs = [run for run in runs if run]
    if not runs:
        return None
    updates = sorted({update for run in runs for update in run})
    kept = [u for u in updates if 2 * sum(u in run for run in runs) >= len(runs)]
    values = np.array([[run.get(update, np.nan) for update in kept] for run in runs])
    return Band.of_seeds(np.array(kept), values)
