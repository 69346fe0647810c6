"""A two-dimensional picture of event tokens: PCA, or LDA when class labels may steer the axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from colliderfm.errors import PhysicsError

# Petroff's ten-color cycle.
CLASS_COLORS = (
    *("#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6"),
    *("#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"),
)


def project_tokens(
    tokens: np.ndarray, classes: np.ndarray, method: Literal["pca", "lda"] = "lda"
) -> np.ndarray:
    """Project event tokens to two dimensions.

    Parameters
    ----------
    tokens : ndarray, shape (B, D)
        Event tokens.
    classes : ndarray, shape (B,), int
        Class of each event; LDA needs at least three.
    method : {"pca", "lda"}
        PCA shows the widest spread, LDA the best separation of the classes.

    Returns
    -------
    ndarray, shape (B, 2)
        Coordinates with zero mean and unit spread; the sign is fixed so that the class with the
        smallest index lies at positive values.

    Raises
    ------
    PhysicsError
        If there are fewer than two dimensions to show.
    """
    n_classes = len(np.unique(classes))
    if tokens.shape[1] < 2 or (method == "lda" and n_classes < 3):
        raise PhysicsError(
            "two-dimensional picture of event tokens",
            got=f"width {tokens.shape[1]}, {n_classes} classes",
            need="width 2, and three classes for LDA",
        )
    if method == "pca":
        flat = PCA(2, svd_solver="full").fit_transform(np.asarray(tokens, dtype=np.float64))
    else:
        model = LinearDiscriminantAnalysis(solver="svd", n_components=2)
        flat = model.fit(np.asarray(tokens, dtype=np.float64), classes).transform(tokens)
    flat = (flat - flat.mean(axis=0)) / np.maximum(flat.std(axis=0), 1e-12)
    sign = np.where(flat[classes == classes.min()].mean(axis=0) < 0, -1.0, 1.0)
    return flat * sign


def draw_tokens(
    axes: Axes, points: np.ndarray, classes: np.ndarray, names: Sequence[str], n_shown: int = 300
) -> dict[str, np.ndarray]:
    """Draw projected tokens as points with the mean of each class on top.

    Parameters
    ----------
    axes : Axes
        Panel.
    points : ndarray, shape (B, 2)
        From `project_tokens`.
    classes : ndarray, shape (B,), int
        Index into ``names``.
    names : sequence of str
        Class names.
    n_shown : int
        Points per class that are drawn, the first ones.

    Returns
    -------
    dict of str to ndarray, shape (2,)
        Mean of each class, for the JSON beside the figure.
    """
    means = {}
    for index, name in enumerate(names):
        chosen = points[classes == index]
        if len(chosen) == 0:
            continue
        color = CLASS_COLORS[index % len(CLASS_COLORS)]
        shown = chosen[:n_shown]
        axes.scatter(*shown.T, s=7, color=color, alpha=0.35, linewidths=0, rasterized=True)
        means[name] = chosen.mean(axis=0)
        axes.scatter(
            *means[name],
            s=110,
            color=color,
            edgecolors="black",
            linewidths=1.2,
            label=name,
            zorder=3,
        )
    span = np.quantile(points, [0.005, 0.995], axis=0)
    axes.set_xlim(span[0, 0] - 0.3, span[1, 0] + 0.3)
    axes.set_ylim(span[0, 1] - 0.3, span[1, 1] + 0.3)
    axes.set_xlabel("First axis [spread]")
    axes.set_ylabel("Second axis [spread]")
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=12)
    return means
