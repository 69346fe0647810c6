"""Figures of a spectrum pretraining: latent map, accuracy beside other methods, loss curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from colliderfm.pipelines.pretrain_spectrum.judgment import LatentPoints, SpectrumJudgment
from colliderfm.plots.curves import Band, draw_loss_curves
from colliderfm.plots.latent_maps import Plane, draw_clusters, frame_points, label_plane
from colliderfm.plots.style import hep_style, new_figure, save_figure

# Universes in color: spread over the range of distances from the Standard Model.
_COLORED = 8
_METHODS = {
    "encoder": ("", "knn_"),
    "untrained": ("untrained_", "untrained_knn_"),
    "PCA, raw": ("pca_raw_", "pca_raw_knn_"),
    "PCA, whitened": ("pca_whitened_", "pca_whitened_knn_"),
    "LDA": ("lda_", "lda_knn_"),
}


def write_figures(
    out: Path, judgment: SpectrumJudgment, history: Sequence[Mapping[str, float]]
) -> list[Path]:
    """Write the figures of a pretraining, each with its numbers as JSON.

    Parameters
    ----------
    out : Path
        Folder.
    judgment : SpectrumJudgment
        Metrics and latents.
    history : sequence of mapping
        One entry per validation, from ``fit``; without any there is no loss curve.

    Returns
    -------
    list of Path
        Files made.
    """
    with hep_style():
        return [
            *_latent_map(out, judgment.points),
            *_accuracy(out, judgment.metrics),
            *(_loss(out, history) if history else []),
        ]


def _latent_map(out: Path, points: LatentPoints) -> list[Path]:
    means = points.means
    if means.shape[1] < 2:
        return []
    distance = np.linalg.norm(means - points.standard_model, axis=1)
    n_colored = min(_COLORED, len(means))
    chosen = np.argsort(distance)[np.linspace(0, len(means) - 1, n_colored).astype(int)]
    plane = Plane.of_points(means)
    replicas = plane.project(points.replicas)
    figure, (axes,) = new_figure(size=(7.6, 6.4))
    names = {int(index): f"universe {index}" for index in chosen}
    centers = draw_clusters(axes, replicas, points.universe, names)
    star = plane.project(points.standard_model[None])[0]
    axes.scatter(*star, marker="*", s=220, color="black", zorder=5)
    axes.annotate("SM", star, xytext=(8, 8), textcoords="offset points", fontsize=13)
    frame_points(label_plane(axes, plane), replicas)
    numbers = {
        "standard_model": star,
        "universe_means": plane.project(means),
        "centers_of_colored": centers,
        "share_of_variance": plane.share,
    }
    return save_figure(figure, out / "latent.png", numbers)


def _accuracy(out: Path, metrics: Mapping[str, float]) -> list[Path]:
    figure, panels = new_figure(2, size=(12.0, 5.2))
    numbers: dict[str, object] = {}
    for axes, prefix, title in zip(
        panels, ("val/", "val/unseen_"), ("Seen universes", "Unseen universes"), strict=True
    ):
        for offset, (label, index) in enumerate((("linear head", 0), ("15 neighbors", 1))):
            values = []
            for stem in _METHODS.values():
                name = "linear_" if stem[index] == "" else stem[index]
                values.append(metrics[f"{prefix}{name}accuracy"])
            places = np.arange(len(values)) + 0.36 * (offset - 0.5)
            axes.bar(places, values, width=0.34, label=label)
            numbers[f"{title}, {label}"] = dict(zip(_METHODS, values, strict=True))
        bayes = metrics[f"{prefix}bayes_accuracy"]
        axes.axhline(bayes, color="black", linestyle="--", label="Bayes optimum")
        numbers[f"{title}, Bayes optimum"] = bayes
        axes.set_xticks(range(len(_METHODS)), list(_METHODS), rotation=25, fontsize=11)
        axes.set_ylim(0.0, 1.3 * bayes)
        axes.set_ylabel("Accuracy")
        axes.legend(title=title, fontsize=10, title_fontsize=12, ncols=3, loc="upper center")
    return save_figure(figure, out / "accuracy.png", numbers)


def _loss(out: Path, history: Sequence[Mapping[str, float]]) -> list[Path]:
    figure, (axes,) = new_figure(size=(7.0, 5.4))
    updates = np.array([entry["update"] for entry in history], dtype=float)
    bands = {}
    for key in ("train/loss", "val/loss", "val/unseen_loss"):
        values = np.array([[entry.get(key, np.nan) for entry in history]])
        bands[key.replace("/", " ").replace("_", " ")] = Band.of_seeds(updates, values)
    draw_loss_curves(axes, bands, "Loss")
    numbers = {name: band.numbers() for name, band in bands.items()}
    return save_figure(figure, out / "loss.png", numbers)
