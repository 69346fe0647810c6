"""Study smeft, figures of the tasks: learning curves and calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from colliderfm.plots.curves import Band
from colliderfm.plots.method_curves import draw_method_curves
from colliderfm.plots.reliability import Reliability, draw_reliability, reliability
from colliderfm.plots.style import add_caption, new_figure, save_figure
from colliderfm.studies.smeft.arm_styles import styles_of
from colliderfm.studies.smeft.metrics import CALIBRATION_BINS
from colliderfm.studies.smeft.summary import HEADLINE_METRICS, Comparison


def learning_curves(comparison: Comparison, folder: Path) -> list[Path]:
    """Draw the headline metrics against the number of labeled replicas.

    Parameters
    ----------
    comparison : Comparison
        The cells.
    folder : Path
        Gets the files.

    Returns
    -------
    list of Path
        PNG and JSON.
    """
    panels = [name for name in HEADLINE_METRICS if name in comparison.metrics]
    n_rows = -(-len(panels) // 3)
    figure, axes = new_figure(3, n_rows=n_rows, size=(18.0, 5.2 * n_rows))
    styles = styles_of(comparison.inits)
    numbers: dict[str, Any] = {}
    for panel, metric in zip(axes, panels, strict=False):
        bands = metric_bands(comparison, metric)
        labels = ("Labeled replicas (all universes)", _sentence_case(HEADLINE_METRICS[metric]))
        draw_method_curves(panel, bands, styles, labels)
        numbers[metric] = {arm: band.numbers() for arm, band in bands.items()}
    for panel in axes[len(panels) :]:
        panel.set_visible(False)
    handles, names = axes[0].get_legend_handles_labels()
    is_free = len(axes) > len(panels)
    place = {"loc": "lower right"} if is_free else {"loc": "outside upper center", "ncols": 6}
    figure.legend(handles, names, title="band: sd over seeds", **place)
    return save_figure(figure, folder / "learning_curves.png", numbers)


def _sentence_case(text: str) -> str:
    """Make the first letter a capital and leave names as they are."""
    return text[:1].upper() + text[1:]


def metric_bands(comparison: Comparison, metric: str) -> dict[str, Band]:
    """Average a metric over seeds for every arm and number of labeled replicas.

    Parameters
    ----------
    comparison : Comparison
        The cells.
    metric : str
        Column.

    Returns
    -------
    dict of str to Band
        Per arm that has it.
    """
    bands = {}
    for init in comparison.inits:
        columns = {n: comparison.values(init, n, metric) for n in comparison.events}
        columns = {n: values for n, values in columns.items() if len(values)}
        if columns:
            table = pd.DataFrame(columns).to_numpy(dtype=float)
            bands[init] = Band.of_seeds(np.array(list(columns), dtype=float), table)
    return bands


def reliability_curves(
    frames: Mapping[int, Mapping[str, Sequence[pd.DataFrame]]], folder: Path
) -> list[Path]:
    """Draw accuracy against confidence, a panel for each number of labeled replicas.

    Parameters
    ----------
    frames : mapping of int to mapping of str to sequence of DataFrame
        Predictions of all seeds by labeled replicas and arm, with ``universe, predicted,
        confidence``.
    folder : Path
        Gets the files.

    Returns
    -------
    list of Path
        PNG and JSON; empty if no arm has a confidence.
    """
    curves = {events: found for events, own in frames.items() if (found := _reliabilities(own))}
    if not curves:
        return []
    figure, axes = new_figure(len(curves), size=(7.2 * len(curves), 6.0))
    for panel, (events, found) in zip(axes, curves.items(), strict=True):
        styles = styles_of(list(found))
        drawn = {styles[init].label: (curve, styles[init].color) for init, curve in found.items()}
        draw_reliability(panel, drawn)
        add_caption(panel, f"{events:,} labeled replicas\nall seeds", where="lower right")
    numbers = {
        events: {init: curve.numbers() for init, curve in found.items()}
        for events, found in curves.items()
    }
    return save_figure(figure, folder / "reliability.png", {"by_labeled_replicas": numbers})


def _reliabilities(frames: Mapping[str, Sequence[pd.DataFrame]]) -> dict[str, Reliability]:
    """Reliability of every arm that gives probabilities."""
    curves = {}
    for init, own in frames.items():
        if not own or any("confidence" not in frame for frame in own):
            continue
        frame = pd.concat(own, ignore_index=True)
        if frame["confidence"].notna().all():
            is_right = (frame["universe"] == frame["predicted"]).to_numpy()
            confidence = frame["confidence"].to_numpy(dtype=float)
            curves[init] = reliability(confidence, is_right, CALIBRATION_BINS)
    return curves


def entropy_curves(
    frames: Mapping[str, Sequence[pd.DataFrame]], events: int, folder: Path
) -> list[Path]:
    """Draw accuracy in tenths of the replicas, from the most to the least certain.

    Parameters
    ----------
    frames : mapping of str to sequence of DataFrame
        Predictions of all seeds by arm, with ``universe, predicted, total_entropy``.
    events : int
        Labeled replicas, for the caption.
    folder : Path
        Gets the files.

    Returns
    -------
    list of Path
        PNG and JSON; empty if no arm has an entropy.
    """
    numbers: dict[str, Any] = {"labeled_replicas": events}
    figure, axes = new_figure(size=(7.2, 5.6))
    for init, own in frames.items():
        if not own or any("total_entropy" not in frame for frame in own):
            continue
        frame = pd.concat(own, ignore_index=True)
        entropy = frame["total_entropy"].to_numpy(dtype=float)
        if not np.isfinite(entropy).all() or np.ptp(entropy) == 0.0:
            continue
        is_right = (frame["universe"] == frame["predicted"]).to_numpy(dtype=float)
        parts = np.array_split(np.argsort(entropy, kind="stable"), 10)
        x = np.array([entropy[part].mean() for part in parts])
        y = np.array([is_right[part].mean() for part in parts])
        style = styles_of([init])[init]
        axes[0].plot(x, y, **style.options())
        numbers[init] = {"total_entropy": x, "accuracy": y}
    if len(numbers) == 1:
        return []
    axes[0].set_xlabel("Total entropy [nat], mean of a tenth of the replicas")
    axes[0].set_ylabel("Accuracy")
    axes[0].set_ylim(0.0, 1.05)
    axes[0].legend(loc="lower left", fontsize=12)
    add_caption(axes[0], f"{events:,} labeled replicas", where="upper right")
    return save_figure(figure, folder / "entropy_curves.png", numbers)
