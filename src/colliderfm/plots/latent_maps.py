"""Maps of a latent space: points colored by a number, clusters, contours and trajectories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

from colliderfm.plots.latent import CLASS_COLORS
from colliderfm.plots.planes import Plane
from colliderfm.plots.spectra import ORDERED_COLORS


def label_plane(axes: Axes, plane: Plane) -> Axes:
    """Write the names of the two axes.

    Parameters
    ----------
    axes : Axes
        Panel.
    plane : Plane
        What it shows.

    Returns
    -------
    Axes
        The same panel.
    """
    axes.set_xlabel(plane.labels[0])
    axes.set_ylabel(plane.labels[1])
    return axes


def frame_points(axes: Axes, points: np.ndarray, cut: float = 0.005) -> Axes:
    """Choose the ranges so that all but the outermost points are in sight.

    Parameters
    ----------
    axes : Axes
        Panel.
    points : ndarray, shape (N, 2)
        What is to be seen.
    cut : float
        Share left out at each end.

    Returns
    -------
    Axes
        The same panel.
    """
    low, high = np.quantile(points, [cut, 1.0 - cut], axis=0)
    margin = 0.06 * np.maximum(high - low, 1e-9)
    axes.set_xlim(low[0] - margin[0], high[0] + margin[0])
    axes.set_ylim(low[1] - margin[1], high[1] + margin[1])
    return axes


def draw_colored_points(
    figure: Figure,
    axes: Axes,
    points: np.ndarray,
    values: np.ndarray,
    label: str,
    limits: tuple[float, float] | None = None,
) -> Axes:
    """Draw points colored by a number, with a color bar.

    Parameters
    ----------
    figure : Figure
        Holds the panel and gets the color bar.
    axes : Axes
        Panel.
    points : ndarray, shape (N, 2)
        Positions.
    values : ndarray, shape (N,)
        Colors.
    label : str
        Name of the number, with unit.
    limits : tuple of float, optional
        Ends of the color bar; by default the central 98% of the values.

    Returns
    -------
    Axes
        The same panel.
    """
    low, high = limits or tuple(float(end) for end in np.quantile(values, [0.01, 0.99]))
    drawn = axes.scatter(
        points[:, 0],
        points[:, 1],
        c=values,
        s=7,
        cmap=ORDERED_COLORS,
        norm=Normalize(low, max(high, low + 1e-12)),
        linewidths=0,
        rasterized=True,
    )
    figure.colorbar(drawn, ax=axes, label=label, pad=0.01)
    return frame_points(axes, points)


def draw_clusters(
    axes: Axes, points: np.ndarray, classes: np.ndarray, names: Mapping[int, str]
) -> dict[str, np.ndarray]:
    """Draw some classes as colored points in front of all others in gray.

    Parameters
    ----------
    axes : Axes
        Panel.
    points : ndarray, shape (N, 2)
        Positions.
    classes : ndarray, shape (N,), int
        Class of each point.
    names : mapping of int to str
        Legend label of each class shown in color, at most ten.

    Returns
    -------
    dict of str to ndarray, shape (2,)
        Center of each colored class, for the JSON beside the figure.
    """
    others = ~np.isin(classes, list(names))
    axes.scatter(
        points[others, 0], points[others, 1], s=3, color="0.82", linewidths=0, rasterized=True
    )
    centers = {}
    for index, (chosen, name) in enumerate(names.items()):
        own = points[classes == chosen]
        color = CLASS_COLORS[index % len(CLASS_COLORS)]
        axes.scatter(
            own[:, 0], own[:, 1], s=9, color=color, alpha=0.6, linewidths=0, rasterized=True
        )
        center = own.mean(axis=0)
        centers[name] = center
        axes.scatter(
            center[0],
            center[1],
            s=80,
            color=color,
            edgecolors="black",
            linewidths=1.1,
            label=name,
        )
    frame_points(axes, points)
    return centers


def draw_ellipses(
    axes: Axes,
    center: np.ndarray,
    covariance: np.ndarray,
    radii: Mapping[str, float],
    colors: Sequence[str] = ("#bd1f01", "#e76300", "#ffa90e"),
) -> Axes:
    """Draw contours of constant Mahalanobis distance.

    Parameters
    ----------
    axes : Axes
        Panel.
    center : ndarray, shape (2,)
        Center.
    covariance : ndarray, shape (2, 2)
        Covariance.
    radii : mapping of str to float
        Mahalanobis distance of each contour by legend label.
    colors : sequence of str
        Colors in the order of the contours.

    Returns
    -------
    Axes
        The same panel.
    """
    size, direction = np.linalg.eigh(covariance)
    half = np.sqrt(np.clip(size, 0.0, None))
    angle = np.degrees(np.arctan2(direction[1, 1], direction[0, 1]))
    for color, (name, radius) in zip(colors, radii.items(), strict=False):
        ellipse = Ellipse(
            (float(center[0]), float(center[1])),
            2 * radius * half[1],
            2 * radius * half[0],
            angle=float(angle),
            fill=False,
            edgecolor=color,
            linewidth=2.0,
            label=name,
            zorder=4,
        )
        axes.add_patch(ellipse)
    return axes


def draw_trajectories(axes: Axes, paths: Mapping[str, np.ndarray], start: np.ndarray) -> Axes:
    """Draw one path per name, each from the negative to the positive end, with an arrow there.

    Parameters
    ----------
    axes : Axes
        Panel.
    paths : mapping of str to ndarray, shape (S, 2)
        Positions along each path.
    start : ndarray, shape (2,)
        The point that all paths pass.

    Returns
    -------
    Axes
        The same panel.
    """
    for index, (name, path) in enumerate(paths.items()):
        color = CLASS_COLORS[index % len(CLASS_COLORS)]
        line = "-" if index < len(CLASS_COLORS) else "--"
        axes.plot(*path.T, line, color=color, linewidth=1.8, label=name)
        axes.annotate(
            "",
            xy=tuple(path[-1]),
            xytext=tuple(path[-2]),
            arrowprops={"arrowstyle": "-|>", "color": color, "linewidth": 1.8},
        )
    axes.plot(*start, "*", color="black", markersize=14, zorder=5)
    return axes
