"""Study smeft, figures of retrieval: contours, captured universes, what they say of each operator."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from colliderfm.physics.operators import INERT
from colliderfm.physics.wilson_sampling import LARGEST_COEFFICIENT, SMALLEST_COEFFICIENT
from colliderfm.plots.latent_maps import draw_ellipses, frame_points, label_plane
from colliderfm.plots.radial import draw_radial
from colliderfm.plots.style import new_figure, save_figure
from colliderfm.plots.violins import draw_violins
from colliderfm.studies.smeft.captured import Capture, cloud_covariance
from colliderfm.studies.smeft.latent_view import LatentView
from colliderfm.studies.smeft.retrieval import LEVELS_SIGMA

LEVEL_COLORS = ("#bd1f01", "#e76300", "#ffa90e")
MIN_CAPTURED = 20


def contours(view: LatentView, found: Capture, folder: Path) -> list[Path]:
    """Draw the contours of a query's noise in the latent and the universes they capture.

    Parameters
    ----------
    view : LatentView
        Test replicas.
    found : Capture
        Distances from the query.
    folder : Path
        Gets the files.

    Returns
    -------
    list of Path
        PNG and JSON with the table of counts.
    """
    figure, axes = new_figure(2, size=(14.0, 5.8))
    universes = np.unique(view.universe)
    centers = np.array([view.points[view.universe == u].mean(axis=0) for u in universes])
    cloud = view.points[view.universe == found.query]
    covariance = cloud_covariance(cloud)
    level = np.digitize(found.latent_distance[universes], found.radius, right=True)
    for panel in axes:
        panel.scatter(
            *cloud.T, s=6, color="0.55", linewidths=0, label=f"replicas of #{found.query}"
        )
        for index, sigma in enumerate(LEVELS_SIGMA):
            chosen = centers[(level == index) & (universes != found.query)]
            label = f"within {sigma:g}$\\sigma$"
            panel.scatter(
                *chosen.T, s=42, color=LEVEL_COLORS[index], edgecolors="black", label=label
            )
        rest = centers[level == len(LEVELS_SIGMA)]
        panel.scatter(*rest.T, s=20, color="#3f90da", linewidths=0, label="farther")
        radii = {f"_{k:g}": r for k, r in zip(LEVELS_SIGMA, found.radius, strict=True)}
        draw_ellipses(panel, cloud.mean(axis=0), covariance, radii, LEVEL_COLORS)
        label_plane(panel, view.plane)
    frame_points(axes[0], centers, cut=0.0)
    reach = 1.3 * found.radius[-1] * np.sqrt(np.diag(covariance))
    middle = cloud.mean(axis=0)
    axes[1].set_xlim(middle[0] - reach[0], middle[0] + reach[0])
    axes[1].set_ylim(middle[1] - reach[1], middle[1] + reach[1])
    axes[0].set_title(f"{view.name}, universes by latent distance")
    axes[1].set_title(f"around the query, universe #{found.query}")
    axes[1].legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=12)
    numbers = {
        "query": found.query,
        "counts": found.counts(),
        "latent_distance": found.latent_distance,
        "spectrum_distance": found.spectrum_distance,
    }
    return save_figure(figure, folder / "contours.png", view.numbers() | numbers)


def coefficient_violins(
    names: tuple[str, ...], prior: np.ndarray, captured: Mapping[str, np.ndarray], folder: Path
) -> list[Path]:
    """Draw the Wilson coefficients of captured universes as violins beside the prior.

    Parameters
    ----------
    names : tuple of str, length K
        Operators.
    prior : ndarray, shape (M, K)
        Coefficients of all universes drawn.
    captured : mapping of str to ndarray, shape (N, K)
        Coefficients of the universes captured at each level, the widest first.
    folder : Path
        Gets the files.

    Returns
    -------
    list of Path
        PNG and JSON.
    """
    samples = {"all universes": (signed_decades(prior), "0.72")}
    kept = {name: values for name, values in captured.items() if len(values) >= MIN_CAPTURED}
    for color, (name, values) in zip(("#ffa90e", "#bd1f01"), kept.items(), strict=False):
        samples[f"{name} ({len(values)})"] = (signed_decades(values), color)
    figure, axes = new_figure(size=(16.0, 6.0))
    top = float(signed_decades(np.array(LARGEST_COEFFICIENT)))
    drawn = draw_violins(axes[0], names, samples, r"C / $\Lambda^2$ [TeV$^{-2}$]", (-top, top))
    first = sum(name not in INERT for name in names)
    if first < len(names):
        axes[0].axvline(first - 0.5, color="0.4", linewidth=1.2, linestyle=":")
        axes[0].text(first - 0.4, 1.22 * top, "without effect on the spectra", fontsize=12)
    ticks = (-1.0, -0.1, -0.01, -0.001, 0.001, 0.01, 0.1, 1.0)
    axes[0].set_yticks(signed_decades(np.array(ticks)), [f"{tick:g}" for tick in ticks])
    axes[0].minorticks_off()
    axes[0].axhline(0.0, color="0.4", linewidth=1.0)
    axes[0].legend(loc="upper left", ncols=3, fontsize=12)
    axes[0].set_ylim(-1.05 * top, 1.35 * top)
    numbers = {"operators": list(names), "signed_decades": drawn}
    return save_figure(figure, folder / "violins.png", numbers)


def signed_decades(wilson: np.ndarray) -> np.ndarray:
    """Stretch coefficients by the logarithm of their size, in which the prior is flat.

    Parameters
    ----------
    wilson : ndarray
        Coefficients.

    Returns
    -------
    ndarray, same shape
        ``sign(C) log10(|C| / 1e-4)``; NaN for a coefficient that is zero or smaller.
    """
    size = np.abs(np.asarray(wilson, dtype=float))
    decades = np.log10(np.maximum(size, SMALLEST_COEFFICIENT) / SMALLEST_COEFFICIENT)
    return np.where(size >= SMALLEST_COEFFICIENT, np.sign(wilson) * decades, np.nan)


def constraint_radial(
    names: tuple[str, ...], prior: np.ndarray, captured: Mapping[str, np.ndarray], folder: Path
) -> list[Path]:
    """Draw how far captured universes constrain each operator: spread over that of the prior.

    Parameters
    ----------
    names : tuple of str, length K
        Operators.
    prior : ndarray, shape (M, K)
        Coefficients of all universes drawn.
    captured : mapping of str to ndarray, shape (N, K)
        Coefficients of the universes captured at each level.
    folder : Path
        Gets the files.

    Returns
    -------
    list of Path
        PNG and JSON; empty if no level captures enough universes.
    """
    kept = {name: values for name, values in captured.items() if len(values) >= MIN_CAPTURED}
    if not kept:
        return []
    ratios = {name: spread_ratio(values, prior) for name, values in kept.items()}
    colors = ("#ffa90e", "#e76300", "#bd1f01")
    lines = {
        f"{name} ({len(kept[name])})": (ratio, color)
        for color, (name, ratio) in zip(colors[-len(ratios) :], ratios.items(), strict=False)
    }
    figure, axes = new_figure(size=(11.0, 7.4), subplot_kw={"projection": "polar"})
    # Names of spokes are not part of the layout.
    figure.set_layout_engine("none")
    axes[0].set_position((0.06, 0.09, 0.6, 0.82))
    circle = {"no constraint": (np.ones(len(names)), "0.3")}
    top = max(1.2, 1.05 * max(float(ratio.max()) for ratio in ratios.values()))
    draw_radial(axes[0], names, circle | lines, top=top, quiet=INERT)
    axes[0].legend(loc="center left", bbox_to_anchor=(1.13, 0.5), fontsize=12)
    numbers: dict[str, Any] = {"operators": list(names), "spread_over_prior": ratios}
    numbers["n_captured"] = {name: len(values) for name, values in kept.items()}
    return save_figure(figure, folder / "radial.png", numbers)


def spread_ratio(values: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Root mean square of coefficients in units of the prior's.

    Parameters
    ----------
    values : ndarray, shape (N, K)
        Coefficients of some universes.
    prior : ndarray, shape (M, K)
        Coefficients of all.

    Returns
    -------
    ndarray, shape (K,)
        1 where nothing is learned.
    """
    scale = np.sqrt((prior**2).mean(axis=0))
    return np.asarray(np.sqrt((values**2).mean(axis=0)) / np.maximum(scale, 1e-300))
