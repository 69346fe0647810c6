"""Study smeft, figures of anomalies: area under the curve by score, and where they lie in the latent."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from colliderfm.plots.latent import CLASS_COLORS
from colliderfm.plots.latent_maps import frame_points, label_plane
from colliderfm.plots.method_curves import draw_method_bars
from colliderfm.plots.style import add_caption, new_figure, save_figure
from colliderfm.studies.smeft.anomalies import CASES, HELD_OUT_CASE
from colliderfm.studies.smeft.arm_styles import styles_of
from colliderfm.studies.smeft.latent_view import LatentView, latent_columns
from colliderfm.studies.smeft.summary import Comparison

CASE_LABELS = {
    "tail_excess": "tail\nexcess",
    "shifted_z_peak": "shifted\nZ peak",
    "resonance_500_gev": "500 GeV\nresonance",
    "all_three": "all\nthree",
    HELD_OUT_CASE: "operators\nleft out",
}
SCORE_LABELS = {
    "mutual_information": "mutual information",
    "total_entropy": "total entropy",
    "latent_distance": "distance to the nearest universe in the latent",
    "mahalanobis": "distance to the nearest universe in all bins",
}


def anomaly_metrics(comparison: Comparison) -> dict[str, dict[str, str]]:
    """Find the AUROC columns by score and case.

    Parameters
    ----------
    comparison : Comparison
        The cells.

    Returns
    -------
    dict
        ``{score: {case: column}}`` from ``test/auroc_<case>_<score>``.
    """
    found: dict[str, dict[str, str]] = {}
    for metric in comparison.metrics:
        for case in (*CASES, HELD_OUT_CASE):
            stem = f"test/auroc_{case}_"
            if metric.startswith(stem):
                found.setdefault(metric.removeprefix(stem), {})[case] = metric
    return found


def arms_of_score(comparison: Comparison, metrics: Mapping[str, str]) -> list[str]:
    """Arms that a score belongs to: the distance in all bins does not depend on the arm.

    Parameters
    ----------
    comparison : Comparison
        The cells.
    metrics : mapping of str to str
        Columns of the score by case.

    Returns
    -------
    list of str
        All arms, or one.
    """
    is_common = all(name.endswith("_mahalanobis") for name in metrics.values())
    return list(comparison.inits[:1] if is_common else comparison.inits)


def anomaly_bars(comparison: Comparison, events: int, folder: Path) -> list[Path]:
    """Draw the AUROC of every anomaly, one panel per score.

    Parameters
    ----------
    comparison : Comparison
        The cells.
    events : int
        Labeled replicas.
    folder : Path
        Gets the files.

    Returns
    -------
    list of Path
        PNG and JSON; empty if no cell has such a metric.
    """
    scores = {
        score: groups
        for score, metrics in anomaly_metrics(comparison).items()
        if any((groups := _anomaly_groups(comparison, events, metrics)).values())
    }
    if not scores:
        return []
    figure, axes = new_figure(n_rows=len(scores), size=(11.0, 4.1 * len(scores)), sharex=True)
    styles = styles_of(comparison.inits)
    for panel, (score, groups) in zip(axes, scores.items(), strict=True):
        draw_method_bars(panel, groups, styles, "AUROC")
        panel.axhline(0.5, color="0.5", linewidth=1.2)
        panel.set_ylim(0.0, 1.22)
        add_caption(panel, f"score: {SCORE_LABELS.get(score, score.replace('_', ' '))}")
    entries = {
        label: handle
        for panel in axes
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)
    }
    figure.legend(entries.values(), entries.keys(), loc="outside upper center", ncols=3)
    numbers = {"labeled_replicas": events, "auroc_and_sd": scores}
    return save_figure(figure, folder / "anomalies.png", numbers)


def _anomaly_groups(
    comparison: Comparison, events: int, metrics: Mapping[str, str]
) -> dict[str, dict[str, tuple[float, float]]]:
    """AUROC and its spread per case and arm."""
    groups: dict[str, dict[str, tuple[float, float]]] = {}
    inits = arms_of_score(comparison, metrics)
    for case, label in CASE_LABELS.items():
        if case not in metrics:
            continue
        means = {init: comparison.mean(init, events, metrics[case]) for init in inits}
        groups[label] = {init: (m.mean, m.sd) for init, m in means.items() if m is not None}
    return groups


def anomaly_map(view: LatentView, frame: pd.DataFrame, folder: Path) -> list[Path]:
    """Draw where anomalies lie in the latent and how their mutual information is distributed.

    Parameters
    ----------
    view : LatentView
        Replicas of the seen universes.
    frame : DataFrame
        Predictions of the same run with ``case``, ``mutual_information`` and latents of all.
    folder : Path
        Gets the files.

    Returns
    -------
    list of Path
        PNG and JSON; empty without anomalies among the predictions.
    """
    needed = {"case", "mutual_information"}
    cases = [case for case in CASES if needed <= set(frame) and (frame["case"] == case).any()]
    columns = latent_columns(frame)
    if not cases or len(columns) != view.latent.shape[1]:
        return []
    figure, axes = new_figure(2, size=(14.6, 5.6))
    points = view.points
    axes[0].scatter(points[:, 0], points[:, 1], s=4, color="0.8", linewidths=0, label="known")
    known = frame.loc[~frame["case"].isin((*CASES, HELD_OUT_CASE, "unseen")), "mutual_information"]
    shown = np.append(known, frame.loc[frame["case"].isin(cases), "mutual_information"])
    edges = _decades(shown)
    axes[1].stairs(_shares(known, edges), edges, color="0.6", fill=True, alpha=0.5)
    numbers: dict[str, Any] = {"edges_nat": edges, "share": {"known": _shares(known, edges)}}
    for color, case in zip(CLASS_COLORS, cases, strict=False):
        own = frame[frame["case"] == case]
        place = view.plane.project(own[columns].to_numpy(dtype=float))
        label = CASE_LABELS[case].replace("\n", " ")
        axes[0].scatter(place[:, 0], place[:, 1], s=9, color=color, linewidths=0, label=label)
        shares = _shares(own["mutual_information"], edges)
        axes[1].stairs(shares, edges, color=color, linewidth=2.0)
        numbers["share"][case] = shares
        numbers[f"center_{case}"] = place.mean(axis=0)
        points = np.vstack([points, place])
    frame_points(axes[0], points)
    label_plane(axes[0], view.plane)
    axes[0].set_title(view.name)
    handles, names = axes[0].get_legend_handles_labels()
    axes[1].legend(handles, names, loc="upper right", fontsize=11, markerscale=2.5)
    axes[1].set_xlim(edges[0], edges[-1])
    axes[1].set_xlabel("Mutual information [nat]")
    axes[1].set_ylabel("Share of the replicas")
    axes[1].set_xscale("log")
    return save_figure(figure, folder / "anomaly_map.png", numbers)


def _decades(values: np.ndarray) -> np.ndarray:
    """Edges of bins that are equal on a logarithmic axis."""
    low, high = np.quantile(values, [0.001, 0.995])
    return np.geomspace(max(float(low), 1e-6), max(float(high), 2e-6) * 1.001, 41)


def _shares(values: pd.Series, edges: np.ndarray) -> np.ndarray:
    """Share of all values in each bin; those beyond count in the first and the last."""
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), bins=edges)
    return np.asarray(counts / max(len(values), 1))
