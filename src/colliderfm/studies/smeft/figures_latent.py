"""Study smeft, figures of the latent: bins, clusters, uncertainty.

Positions are those of ``latent_view``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from colliderfm.physics.spectrum_table import SpectrumTable
from colliderfm.plots.latent_maps import (
    draw_clusters,
    draw_colored_points,
    label_plane,
)
from colliderfm.plots.style import new_figure, save_figure
from colliderfm.studies.smeft.figures_spectra import OBSERVABLES
from colliderfm.studies.smeft.latent_view import LatentView

# Where universes differ most visibly: off the Z peak, on it, and twice in the tails.
SHOWN_BINS = (("mll", 55.0), ("mll", 95.0), ("mll", 605.0), ("pt", 205.0))
N_REPRESENTATIVE = 8


def latent_map(
    view: LatentView, table: SpectrumTable, mean: np.ndarray, folder: Path
) -> list[Path]:
    """Draw the latent colored by the content of single bins.

    Parameters
    ----------
    view : LatentView
        Replicas of the seen universes.
    table : SpectrumTable
        Bins and Standard Model.
    mean : ndarray, shape (U, B), pb/GeV
        Expected spectra of the universes.
    folder : Path
        Gets the files.

    Returns
    -------
    list of Path
        PNG and JSON.
    """
    ratio = mean * table.width_gev / table.sm_pb
    bins = [index for place in SHOWN_BINS if (index := _bin_at(table, *place)) is not None]
    figure, axes = new_figure(2, n_rows=-(-len(bins) // 2), size=(14.0, 5.2 * -(-len(bins) // 2)))
    points = view.points
    numbers = view.numbers() | {"ratio_to_sm": {}}
    for panel, index in zip(axes, bins, strict=False):
        name = OBSERVABLES[table.observable[index]][0].removesuffix(" [GeV]")
        span = f"{table.low_gev[index]:g}-{table.high_gev[index]:g} GeV"
        color = np.log10(np.maximum(ratio[view.universe, index], 1e-2))
        draw_colored_points(figure, panel, points, color, "log$_{10}$ of the ratio to SM")
        label_plane(panel, view.plane)
        panel.set_title(f"{view.name}, {name} = {span}")
        key = f"{table.observable[index]} {span}"
        numbers["ratio_to_sm"][key] = ratio[np.unique(view.universe), index]
    for panel in axes[len(bins) :]:
        panel.set_visible(False)
    return save_figure(figure, folder / "latent_map.png", numbers)


def cluster_map(views: Sequence[LatentView], distance: np.ndarray, folder: Path) -> list[Path]:
    """Draw representative universes as clusters, one panel per embedding.

    Parameters
    ----------
    views : sequence of LatentView
        The learned latent first, baselines after it.
    distance : ndarray, shape (U,)
        Mahalanobis distances from the Standard Model, which choose the universes.
    folder : Path
        Gets the files.

    Returns
    -------
    list of Path
        PNG and JSON.
    """
    chosen = representative(distance, N_REPRESENTATIVE)
    names = {index: f"#{index}: {distance[index]:.1f}" for index in chosen}
    figure, axes = new_figure(len(views), size=(6.6 * len(views) + 1.6, 5.6))
    numbers: dict[str, Any] = {"distance_from_sm": {f"#{i}": distance[i] for i in chosen}}
    for panel, view in zip(axes, views, strict=True):
        centers = draw_clusters(panel, view.points, view.universe, names)
        label_plane(panel, view.plane)
        panel.set_title(view.name)
        numbers[view.name] = {"center": centers, "share_of_variance": list(view.plane.share)}
    title = "Universe: distance\nfrom the SM [noise]"
    place = {"loc": "center left", "bbox_to_anchor": (1.01, 0.5)}
    axes[-1].legend(title=title, title_fontsize=12, fontsize=12, **place)
    return save_figure(figure, folder / "clusters.png", numbers)


def representative(distance: np.ndarray, n: int) -> list[int]:
    """Choose universes that spread evenly over the ranks of a distance.

    Parameters
    ----------
    distance : ndarray, shape (U,)
        Distances.
    n : int
        How many.

    Returns
    -------
    list of int
        Indices from the nearest to the farthest.
    """
    order = np.argsort(distance, kind="stable")
    ranks = np.unique(np.linspace(0, len(order) - 1, min(n, len(order))).round().astype(int))
    return [int(order[rank]) for rank in ranks]


def uncertainty_map(view: LatentView, frame: pd.DataFrame, events: int, folder: Path) -> list[Path]:
    """Draw the latent colored by total entropy and by mutual information.

    Parameters
    ----------
    view : LatentView
        Replicas of the seen universes.
    frame : DataFrame
        ``total_entropy`` and ``mutual_information`` of the same replicas, in nats.
    events : int
        Labeled replicas, for the title.
    folder : Path
        Gets the files.

    Returns
    -------
    list of Path
        PNG and JSON; empty without these columns.
    """
    shown = {
        "total_entropy": "Total entropy [nat]",
        "mutual_information": "Mutual information [nat]",
    }
    if not set(shown) <= set(frame.columns) or frame[list(shown)].isna().any(axis=None):
        return []
    figure, axes = new_figure(2, size=(14.2, 5.4))
    numbers = view.numbers()
    for panel, (column, label) in zip(axes, shown.items(), strict=True):
        values = frame[column].to_numpy(dtype=float)
        draw_colored_points(figure, panel, view.points, values, label)
        label_plane(panel, view.plane)
        panel.set_title(f"{view.name}, {events:,} labeled replicas")
        quantiles = np.quantile(values, [0.05, 0.5, 0.95])
        per_universe = [values[view.universe == u].mean() for u in np.unique(view.universe)]
        numbers[column] = {"q05_q50_q95": quantiles, "mean_of_universe": per_universe}
    return save_figure(figure, folder / "uncertainty_map.png", numbers)


def _bin_at(table: SpectrumTable, observable: str, value_gev: float) -> int | None:
    """Bin of an observable that holds a value; None if there is none."""
    names = np.array(table.observable)
    inside = (names == observable) & (table.low_gev <= value_gev) & (value_gev < table.high_gev)
    found = np.flatnonzero(inside)
    return int(found[0]) if len(found) else None
