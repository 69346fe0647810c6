"""A two-dimensional picture of event tokens: PCA, or LDA when class labels may steer the axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from scipy.ndimage import gaussian_filter
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from colliderfm.errors import PhysicsError

# Petroff's ten-color cycle.
CLASS_COLORS = (
    *("#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6"),
    *("#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"),
)

# Points drawn of a class and of the others, and the density of a class.
_N_OWN, _N_OTHERS, _N_BINS, _SMOOTH = 400, 3000, 80, 2.0
_SHARES = (0.5, 0.9)
_OTHERS: dict[str, Any] = {"s": 4, "color": "0.85", "linewidths": 0, "rasterized": True}
_OWN: dict[str, Any] = {
    **{"s": 8, "color": "#3f90da", "alpha": 0.5, "linewidths": 0},
    "rasterized": True,
}
_MEAN: dict[str, Any] = {
    **{"s": 150, "marker": "*", "color": "black", "edgecolors": "white", "linewidths": 0.8},
    "zorder": 4,
}


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


@dataclass(frozen=True)
class ClassRegion:
    """Where the points of one class lie.

    Parameters
    ----------
    n : int
        Number of points.
    mean : ndarray, shape (2,)
        Mean of all of them.
    share_in_view : float
        Share of the points inside the limits of the panel.
    areas : dict of float to float
        Area of the smallest region with each share of the points in view; NaN without any.
    """

    n: int
    mean: np.ndarray
    share_in_view: float
    areas: dict[float, float]

    def numbers(self) -> dict[str, object]:
        """List the region for the JSON beside a figure, areas by percent."""
        areas = {f"area_of_{share:.0%}": area for share, area in self.areas.items()}
        return {"points": self.n, "share_in_view": self.share_in_view, **areas}


def view_limits(points: np.ndarray) -> np.ndarray:
    """Return the limits of a panel that shows all but 1% of the points along either axis.

    Parameters
    ----------
    points : ndarray, shape (B, 2)
        From `project_tokens`.

    Returns
    -------
    ndarray, shape (2, 2)
        Low and high end of the abscissa, then of the ordinate.
    """
    low, high = np.quantile(points, [0.005, 0.995], axis=0)
    return np.stack([low - 0.3, high + 0.3], axis=1)


def draw_class(
    axes: Axes, points: np.ndarray, is_class: np.ndarray, limits: np.ndarray
) -> ClassRegion | None:
    """Draw the points of one class over those of the others, with the regions of most of them.

    Parameters
    ----------
    axes : Axes
        Panel.
    points : ndarray, shape (B, 2)
        From `project_tokens`.
    is_class : ndarray, shape (B,), bool
        True = point of the class.
    limits : ndarray, shape (2, 2)
        From `view_limits`.

    Returns
    -------
    ClassRegion or None
        None for a class without points. The density is a smoothed histogram of the points in view.
    """
    axes.set_xlim(*limits[0])
    axes.set_ylim(*limits[1])
    others, own = points[~is_class], points[is_class]
    # Evenly over the rows: files hold slices of phase space one after the other.
    axes.scatter(*others[:: max(len(others) // _N_OTHERS, 1)].T, **_OTHERS)
    if not len(own):
        return None
    axes.scatter(*own[:: max(len(own) // _N_OWN, 1)].T, **_OWN)
    mean = own.mean(axis=0)
    axes.scatter(*mean, **_MEAN)
    counts, *edges = np.histogram2d(*own.T, bins=_N_BINS, range=limits.tolist())
    density = gaussian_filter(counts, _SMOOTH, mode="constant")
    levels, bins = _density_levels(density)
    if levels[0] > 0:
        x, y = (0.5 * (ends[1:] + ends[:-1]) for ends in edges)
        # Rising: the widest region first, dashed.
        rising = sorted({*levels})
        lines = ["--", "-"][-len(rising) :]
        axes.contour(x, y, density.T, rising, colors="black", linewidths=1.4, linestyles=lines)
    cell = float(np.prod([ends[1] - ends[0] for ends in edges]))
    areas = {share: number * cell for share, number in zip(_SHARES, bins, strict=True)}
    return ClassRegion(len(own), mean, float(counts.sum() / len(own)), areas)


def _density_levels(density: np.ndarray) -> tuple[list[float], list[float]]:
    """Return the heights above which a density holds ``_SHARES`` of it, and in how many bins."""
    heights = np.sort(density, axis=None)[::-1]
    held = np.cumsum(heights)
    if not held[-1] > 0:
        return [0.0] * len(_SHARES), [float("nan")] * len(_SHARES)
    places = [int(np.searchsorted(held, share * held[-1])) for share in _SHARES]
    return [float(heights[place]) for place in places], [place + 1.0 for place in places]


def region_legend() -> list[Line2D]:
    """Return what the marks and lines of `draw_class` mean, for a legend."""
    dot = {"linestyle": "", "marker": "o", "markeredgewidth": 0.0}
    return [
        Line2D([], [], color=_OWN["color"], markersize=6, label="class of the panel", **dot),
        Line2D([], [], color=_OTHERS["color"], markersize=6, label="other classes", **dot),
        Line2D([], [], color="black", linewidth=1.4, label="holds 50%"),
        Line2D([], [], color="black", linewidth=1.4, linestyle="--", label="holds 90%"),
        Line2D([], [], color="black", linestyle="", marker="*", markersize=12, label="mean"),
    ]
