"""Figures of an event pretraining: ROC per class, confusion, embedding picture, loss curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from colliderfm.evaluate.classification import RocReplicas, confusion_matrix
from colliderfm.evaluate.roc import RocCurve, background_efficiency_at, roc_curve
from colliderfm.pipelines.pretrain_event.class_judge import ROC_POINTS, ClassJudgment
from colliderfm.pipelines.pretrain_event.judgment import EventJudgment
from colliderfm.pipelines.pretrain_event.variants import Stages
from colliderfm.plots.curves import Band, draw_loss_curves
from colliderfm.plots.latent import (
    CLASS_COLORS,
    draw_class,
    project_tokens,
    region_legend,
    view_limits,
)
from colliderfm.plots.matrices import binomial_errors, draw_confusion
from colliderfm.plots.style import hep_style, mark_change, new_figure, save_figure

# Panels of the embedding side by side.
_COLUMNS = 5


def write_figures(
    out: Path,
    processes: Sequence[str],
    judgment: EventJudgment,
    history: Sequence[Mapping[str, float]],
    stages: Stages,
) -> list[Path]:
    """Write the figures of classes, embedding and training, each with its numbers as JSON.

    Parameters
    ----------
    out : Path
        Folder.
    processes : sequence of str, length C
        Class names.
    judgment : EventJudgment
        Of the validation events; without class probabilities there are no figures of them.
    history : sequence of mapping
        One entry per validation, from ``fit``; without any there are no loss curves.
    stages : Stages
        Where the self-supervised stage ended.

    Returns
    -------
    list of Path
        Files made.
    """
    classes = judgment.classes
    with hep_style():
        paths = _embedding(out, processes, classes.target, judgment.tokens)
        if classes.roc:
            paths += _roc(out, processes, classes)
            paths += _confusion(out, processes, classes.target, classes.probability.argmax(1))
        return paths + _loss(out, history, stages) if history else paths


def _roc(out: Path, processes: Sequence[str], classes: ClassJudgment) -> list[Path]:
    figure, (axes,) = new_figure(size=(8.4, 6.6))
    numbers: dict[str, object] = {"true_positive_rate": ROC_POINTS}
    for index, name in enumerate(processes):
        if name not in classes.roc:
            continue
        curve = roc_curve(classes.target == index, classes.probability[:, index], None)
        rejection, low, high = _rejection(curve, classes.roc[name])
        error = classes.metrics[f"val/auc_{name}_error"]
        color = CLASS_COLORS[index % len(CLASS_COLORS)]
        label = f"{name}  {curve.auc:.3f} ± {error:.3f}"
        axes.plot(ROC_POINTS, rejection, color=color, label=label)
        axes.fill_between(ROC_POINTS, low, high, color=color, alpha=0.2, linewidth=0)
        numbers[name] = {
            "auc": curve.auc,
            "auc_error": error,
            "rejection": rejection,
            "rejection_low": low,
            "rejection_high": high,
        }
    axes.set_yscale("log")
    axes.set_ylim(1.0, 3.0 * axes.get_ylim()[1])
    axes.set_xlabel("Efficiency of the class")
    axes.set_ylabel("Rejection of the other classes")
    title = "one against rest   AUC ± stat., band: central 68% of a bootstrap"
    axes.legend(title=title, fontsize=12, title_fontsize=12, ncols=2, loc="upper right")
    return save_figure(figure, out / "roc.png", numbers)


def _rejection(curve: RocCurve, replicas: RocReplicas) -> list[np.ndarray]:
    """Return the rejection at ``ROC_POINTS`` and the ends of its central 68% over the replicas."""
    signal, background = curve.signal_efficiency[None], curve.background_efficiency[None]
    passing = np.array([background_efficiency_at(signal, background, at)[0] for at in ROC_POINTS])
    varied = np.array([replicas.background_efficiency[at] for at in ROC_POINTS])
    # Where no background is left, the rejection is that of a single event.
    fewest = 1.0 / max(curve.n_background_total, 1.0)
    ends = np.nanquantile(varied, (0.84, 0.16), axis=1)
    return [1.0 / np.maximum(one, fewest) for one in (passing, *ends)]


def _confusion(
    out: Path, processes: Sequence[str], target: np.ndarray, predicted: np.ndarray
) -> list[Path]:
    matrix = confusion_matrix(target, predicted, len(processes))
    errors = binomial_errors(matrix, np.bincount(target, minlength=len(processes)))
    figure, (axes,) = new_figure(size=(8.2, 7.4))
    draw_confusion(axes, matrix, processes, errors)
    numbers = {"processes": list(processes), "share": matrix, "share_error": errors}
    return save_figure(figure, out / "confusion.png", numbers)


def _embedding(
    out: Path, processes: Sequence[str], target: np.ndarray, tokens: np.ndarray
) -> list[Path]:
    points = project_tokens(tokens, target)
    limits = view_limits(points)
    n_rows = -(-len(processes) // _COLUMNS)
    n_columns = min(len(processes), _COLUMNS)
    size = (3.3 * n_columns + 0.6, 3.2 * n_rows + 1.2)
    figure, panels = new_figure(n_columns, n_rows=n_rows, size=size, sharex=True, sharey=True)
    regions = {}
    for index, (name, axes) in enumerate(zip(processes, panels, strict=False)):
        region = draw_class(axes, points, target == index, limits)
        axes.set_title(name)
        if region is not None:
            regions[name] = region
    for axes in panels[len(processes) :]:
        axes.set_visible(False)
    figure.supxlabel("First axis [spread]", fontsize=16)
    figure.supylabel("Second axis [spread]", fontsize=16)
    figure.legend(handles=region_legend(), loc="outside upper center", ncols=5, fontsize=13)
    numbers = {
        "class_means": {name: region.mean for name, region in regions.items()},
        "limits": limits,
        "regions": {name: region.numbers() for name, region in regions.items()},
    }
    return save_figure(figure, out / "embedding.png", numbers)


def _loss(out: Path, history: Sequence[Mapping[str, float]], stages: Stages) -> list[Path]:
    figure, (axes,) = new_figure(size=(7.0, 5.4))
    updates = np.array([entry["update"] for entry in history], dtype=float)
    bands = {}
    for key in ("train/loss", "val/loss"):
        values = np.array([[entry.get(key, np.nan) for entry in history]])
        bands[key.replace("/", " ")] = Band.of_seeds(updates, values)
    draw_loss_curves(axes, bands, "Loss")
    numbers: dict[str, object] = {name: band.numbers() for name, band in bands.items()}
    numbers["self_supervised_updates"] = stages.self_supervised_updates
    if 0 < stages.self_supervised_updates < updates[-1]:
        mark_change(axes, stages.self_supervised_updates, "self-supervised", "all heads")
    return save_figure(figure, out / "loss.png", numbers)
