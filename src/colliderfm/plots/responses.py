"""Predicted against true values: response matrices and profiles of their ratio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from colliderfm.plots.curves import set_log_with_plain_ticks

# Abscissa edges, median, its error, lower and upper end of the central 68%.
Profile = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]
_SHIFT = 0.08
# Shares of fewer values are noise.
_FEWEST = 10


def draw_response(
    axes: Axes, edges: np.ndarray, counts: np.ndarray, labels: tuple[str, str]
) -> None:
    """Draw how values of each true bin are spread over the predicted ones, in percent.

    True bins with fewer than ten values stay gray.

    Parameters
    ----------
    axes : Axes
        Panel.
    edges : ndarray, shape (K + 1,)
        Bin edges of both axes.
    counts : ndarray, shape (K, K)
        ``counts[i, j]`` = weight with the true value in bin i and the predicted one in bin j.
    labels : tuple of str
        Of the abscissa (true) and of the ordinate.
    """
    total = counts.sum(axis=1, keepdims=True)
    share = 100.0 * np.divide(
        counts, total, out=np.full(counts.shape, np.nan), where=total >= _FEWEST
    )
    largest = np.nanquantile(share, 0.98) if np.isfinite(share).any() else 1.0
    axes.set_facecolor("0.93")
    mesh = axes.pcolormesh(edges, edges, share.T, cmap="Blues", vmin=0.0, vmax=max(largest, 1e-9))
    bar = axes.figure.colorbar(mesh, ax=axes, extend="max")
    bar.set_label("Percent of the true bin")
    axes.plot(edges[[0, -1]], edges[[0, -1]], color="black", linewidth=1.2, linestyle="--")
    axes.set_xlim(edges[0], edges[-1])
    # Space above the diagonal for a caption.
    axes.set_ylim(edges[0], edges[-1] + 0.14 * (edges[-1] - edges[0]))
    axes.set_xlabel(labels[0])
    axes.set_ylabel(labels[1])


def draw_profiles(axes: Axes, profiles: Mapping[str, Profile], colors: Sequence[str]) -> None:
    """Draw medians with their errors, and the central 68% as bands.

    Parameters
    ----------
    axes : Axes
        Panel.
    profiles : mapping of str to Profile
        By legend label; bins without values are left out.
    colors : sequence of str
        In the order of the profiles.
    """
    axes.axhline(1.0, color="0.35", linewidth=1.2)
    places = np.linspace(-_SHIFT, _SHIFT, max(len(profiles), 2))
    for shift, (name, profile), color in zip(places, profiles.items(), colors, strict=False):
        edges, median, error, low, high = profile
        center = edges[:-1] + (0.5 + shift) * np.diff(edges)
        axes.stairs(
            np.nan_to_num(high, nan=1.0),
            edges,
            baseline=np.nan_to_num(low, nan=1.0),
            fill=True,
            color=color,
            alpha=0.25,
            linewidth=0.0,
            label=f"{name}, central 68%",
        )
        axes.errorbar(
            center, median, yerr=error, fmt="o", color=color, capsize=3, label=f"{name}, median"
        )
    ends = [end for *_, low, high in profiles.values() for end in (low, high)]
    finite = np.concatenate([end[np.isfinite(end)] for end in ends]) if ends else np.ones(1)
    set_log_with_plain_ticks(axes)
    highest = float(max(finite.max(initial=1.0), 1.5))
    lowest = max(float(min(finite.min(initial=1.0), 0.7)), 0.05)
    axes.set_ylim(0.7 * lowest, 3.0 * highest)
    axes.set_xlim(min(p[0][0] for p in profiles.values()), max(p[0][-1] for p in profiles.values()))
    axes.legend(loc="upper right", ncols=2, fontsize=12)
