"""Figures of an event pretraining: ROC per class, confusion, embedding picture, loss curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from colliderfm.evaluate.classification import confusion_matrix
from colliderfm.evaluate.roc import roc_curve
from colliderfm.plots.curves import Band, draw_loss_curves
from colliderfm.plots.latent import CLASS_COLORS, draw_tokens, project_tokens
from colliderfm.plots.matrices import binomial_errors, draw_confusion
from colliderfm.plots.style import hep_style, new_figure, save_figure

ROC_POINTS = np.linspace(0.02, 1.0, 50)


def write_figures(
    out: Path,
    processes: Sequence[str],
    target: np.ndarray,
    tokens: np.ndarray,
    history: Sequence[Mapping[str, float]],
) -> list[Path]:
    """Write the figures that every pretraining has, each with its numbers as JSON.

    Parameters
    ----------
    out : Path
        Folder.
    processes : sequence of str, length C
        Class names.
    target : ndarray, shape (n,), int
        True class of each validation event.
    tokens : ndarray, shape (n, D)
        Event tokens of the frozen encoder.
    history : sequence of mapping
        One entry per validation, from ``fit``; without any there are no loss curves.

    Returns
    -------
    list of Path
        Files made.
    """
    with hep_style():
        paths = _embedding(out, processes, target, tokens)
        return paths + _loss(out, history) if history else paths


def write_class_figures(
    out: Path, processes: Sequence[str], target: np.ndarray, probability: np.ndarray
) -> list[Path]:
    """Write how well classes are told apart, each figure with its numbers as JSON.

    Parameters
    ----------
    out : Path
        Folder.
    processes : sequence of str, length C
        Class names.
    target : ndarray, shape (n,), int
        True class of each validation event.
    probability : ndarray, shape (n, C)
        Class probabilities.

    Returns
    -------
    list of Path
        Files made.
    """
    with hep_style():
        return [
            *_roc(out, processes, target, probability),
            *_confusion(out, processes, target, probability.argmax(1)),
        ]


def _roc(
    out: Path, processes: Sequence[str], target: np.ndarray, probability: np.ndarray
) -> list[Path]:
    figure, (axes,) = new_figure(size=(7.4, 5.8))
    numbers: dict[str, object] = {"true_positive_rate": ROC_POINTS}
    for index, name in enumerate(processes):
        curve = roc_curve(target == index, probability[:, index], np.ones(len(target)))
        background = np.interp(ROC_POINTS, curve.signal_efficiency, curve.background_efficiency)
        rejection = 1.0 / np.maximum(background, 1.0 / max(curve.n_background_total, 1))
        color = CLASS_COLORS[index % len(CLASS_COLORS)]
        axes.plot(ROC_POINTS, rejection, color=color, label=f"{name}  {curve.auc:.3f}")
        numbers[name] = {"auc": curve.auc, "rejection": rejection}
    axes.set_yscale("log")
    axes.set_xlabel("Efficiency of the class")
    axes.set_ylabel("Rejection of the other classes")
    axes.legend(title="one against rest   AUC", fontsize=11, title_fontsize=11, ncols=2)
    return save_figure(figure, out / "roc.png", numbers)


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
    figure, (axes,) = new_figure(size=(7.4, 6.4))
    means = draw_tokens(axes, project_tokens(tokens, target), target, processes)
    return save_figure(figure, out / "embedding.png", {"class_means": means})


def _loss(out: Path, history: Sequence[Mapping[str, float]]) -> list[Path]:
    figure, (axes,) = new_figure(size=(7.0, 5.4))
    updates = np.array([entry["update"] for entry in history], dtype=float)
    bands = {}
    for key in ("train/loss", "val/loss"):
        values = np.array([[entry.get(key, np.nan) for entry in history]])
        bands[key.replace("/", " ")] = Band.of_seeds(updates, values)
    draw_loss_curves(axes, bands, "Loss")
    numbers = {name: band.numbers() for name, band in bands.items()}
    return save_figure(figure, out / "loss.png", numbers)
