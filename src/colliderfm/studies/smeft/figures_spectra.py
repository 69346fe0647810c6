"""Study smeft, figures of the theory: spectra with their ratio to the Standard Model, directions.

Everything here follows from the theory table and the sampled universes; no network is involved.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from colliderfm.physics.identifiability import identifiable_directions
from colliderfm.physics.spectrum_table import SpectrumTable
from colliderfm.plots.latent import CLASS_COLORS
from colliderfm.plots.spectra import (
    Steps,
    clip_ratio_axis,
    draw_ratios,
    draw_spectra,
    ordered_colors,
)
from colliderfm.plots.style import add_caption, new_figure, save_figure

PROCESS = r"$pp \to \mu^+\mu^-$, LO, 13 TeV"
OBSERVABLES = {
    "mll": (r"$m_{\ell\ell}$ [GeV]", r"$d\sigma/dm_{\ell\ell}$ [pb/GeV]"),
    "pt": (r"$p_T(\mu)$ [GeV]", r"$d\sigma/dp_T$ [pb/GeV]"),
}
# One of each behavior: a rescaling, two seen at the Z peak, three that grow with energy.
SHOWN_OPERATORS = ("cll1", "cHWB", "cHq3", "clq3", "ceu", "clq1")
RATIO_LIMITS = (0.4, 2.2)


def block_edges(table: SpectrumTable, observable: str) -> tuple[np.ndarray, np.ndarray]:
    """Bins and edges of one observable.

    Parameters
    ----------
    table : SpectrumTable
        Spectra of the study.
    observable : str
        ``mll`` or ``pt``.

    Returns
    -------
    bins : ndarray, shape (K,), int
        Indices of the bins.
    edges : ndarray, shape (K + 1,), GeV
        Their edges.
    """
    bins = np.flatnonzero(np.array(table.observable) == observable)
    return bins, np.append(table.low_gev[bins], table.high_gev[bins[-1]])


def shown_observables(table: SpectrumTable) -> list[str]:
    """Observables of the study that a table has.

    Parameters
    ----------
    table : SpectrumTable
        Spectra of the study.

    Returns
    -------
    list of str
        In the order of `OBSERVABLES`.
    """
    return [name for name in OBSERVABLES if name in table.observable]


def operator_spectra(table: SpectrumTable, order: str, folder: Path) -> list[Path]:
    """Draw the spectra of single operators at C = 1 with their ratio to the Standard Model.

    Parameters
    ----------
    table : SpectrumTable
        Theory.
    order : {"linear", "quadratic"}
        Where the series is cut.
    folder : Path
        Gets the files.

    Returns
    -------
    list of Path
        PNG and JSON.
    """
    shown = [name for name in SHOWN_OPERATORS if name in table.operators]
    coefficients = np.array([[float(name == other) for other in table.operators] for name in shown])
    density = table.predict_pb(coefficients, order) / table.width_gev
    spectra = {"SM": Steps(table.sm_pb / table.width_gev, "black", width=2.4)}
    for color, name, values in zip(CLASS_COLORS, shown, density, strict=False):
        spectra[name] = Steps(values, color, width=1.7)
    scale = float(table.provenance.get("lambda_tev", 1.0))
    caption = f"{PROCESS}\nC = 1 at {scale:g} TeV, {order}"
    return _spectra_with_ratio(table, spectra, folder / "operator_spectra.png", caption, order)


def universe_spectra(
    table: SpectrumTable, mean: np.ndarray, distance: np.ndarray, folder: Path
) -> list[Path]:
    """Draw the spectra of all universes, colored by their distance from the Standard Model.

    Parameters
    ----------
    table : SpectrumTable
        Theory.
    mean : ndarray, shape (U, B), pb/GeV
        Expected spectra of the universes.
    distance : ndarray, shape (U,)
        Mahalanobis distances from the Standard Model.
    folder : Path
        Gets the files.

    Returns
    -------
    list of Path
        PNG and JSON.
    """
    names = shown_observables(table)
    figure, axes = _ratio_grid(len(names))
    sm = table.sm_pb / table.width_gev
    logarithm = np.log10(np.maximum(distance, 1e-3))
    ends = (float(np.quantile(logarithm, 0.1)), float(logarithm.max()))
    colors, mappable = ordered_colors(logarithm, ends)
    numbers: dict[str, Any] = {"distance_from_sm": distance, "n_universes": len(mean)}
    for column, name in enumerate(names):
        bins, edges = block_edges(table, name)
        lines = {
            f"_{i}": Steps(mean[i, bins], colors[i], width=0.9, opacity=0.75)
            for i in np.argsort(distance)
        }
        lines["SM"] = Steps(sm[bins], "black", width=2.2)
        draw_spectra(axes[column], edges, lines, OBSERVABLES[name][1])
        ratios = draw_ratios(axes[column + len(names)], edges, lines, sm[bins], "ratio to SM")
        shape = np.array([ratio for key, ratio in ratios.items() if key != "SM"])
        positive = shape[shape > 0]
        axes[column + len(names)].set_yscale("log")
        axes[column + len(names)].set_ylim(max(0.8 * positive.min(), 0.1), 1.2 * positive.max())
        axes[column + len(names)].set_xlabel(OBSERVABLES[name][0])
        quantiles = np.quantile(shape, [0.0, 0.16, 0.5, 0.84, 1.0], axis=0)
        keys = ("smallest", "q16", "median", "q84", "largest")
        numbers[name] = {"edges_gev": edges, "ratio": dict(zip(keys, quantiles, strict=True))}
    axes[0].legend(loc="lower left")
    add_caption(axes[0], f"{PROCESS}\n{len(mean)} universes", where="upper right")
    label = "log$_{10}$ Mahalanobis distance from the SM"
    figure.colorbar(mappable, ax=list(axes), label=label, pad=0.01, extend="min")
    return save_figure(figure, folder / "universes.png", numbers)


def anomaly_spectra(
    table: SpectrumTable, cases: Mapping[str, np.ndarray], folder: Path
) -> list[Path]:
    """Draw the anomalies with their ratio to the Standard Model.

    Parameters
    ----------
    table : SpectrumTable
        Theory.
    cases : mapping of str to ndarray, shape (B,), pb/GeV
        Expected spectrum of each anomaly.
    folder : Path
        Gets the files.

    Returns
    -------
    list of Path
        PNG and JSON.
    """
    sm = table.sm_pb / table.width_gev
    spectra = {"SM": Steps(sm, "black", width=2.4)}
    for index, (name, values) in enumerate(cases.items()):
        line = "--" if index == len(cases) - 1 and len(cases) > 3 else "-"
        spectra[name] = Steps(values, CLASS_COLORS[index], line, width=1.8)
    path, caption = folder / "anomaly_spectra.png", f"{PROCESS}\nanomalies"
    return _spectra_with_ratio(table, spectra, path, caption)


def singular_values(
    table: SpectrumTable, sigmas: Mapping[str, np.ndarray], folder: Path
) -> list[Path]:
    """Draw the identifiable directions: singular values in noise units and their composition.

    Parameters
    ----------
    table : SpectrumTable
        Theory; the response is linear.
    sigmas : mapping of str to ndarray, shape (B,), pb/GeV
        Noise per bin by its name; the directions shown are those of the first.
    folder : Path
        Gets the files.

    Returns
    -------
    list of Path
        PNG and JSON.
    """
    figure, axes = new_figure(2, size=(14.2, 5.4), width_ratios=(1.0, 1.25))
    numbers: dict[str, Any] = {"operators": list(table.operators)}
    shown: tuple[np.ndarray, int] | None = None
    for index, (name, sigma) in enumerate(sigmas.items()):
        values, directions, rank = identifiable_directions(table, sigma)
        shown = shown or (directions[:rank], rank)
        numbers[name] = {"singular_values": values[:rank], "rank": rank}
        numbers[name]["directions"] = directions[:rank]
        color = ("#bd1f01", "#3f90da", "#832db6")[index % 3]
        marker = "os^"[index % 3]
        above = int((values > 1).sum())
        label = f"{name} ({above} above 1)"
        axes[0].plot(np.arange(1, rank + 1), values[:rank], marker, color=color, label=label)
    axes[0].axhline(1.0, color="0.5", linewidth=1.2)
    axes[0].set_yscale("log")
    axes[0].set_xlim(0.4, len(table.operators) + 0.6)
    axes[0].set_xticks(np.arange(1, len(table.operators) + 1, 2))
    axes[0].set_xlabel("Direction")
    axes[0].set_ylabel("Singular value for C = 1 [noise]")
    axes[0].legend(loc="upper right", fontsize=12)
    if shown:
        add_caption(axes[0], f"rank {shown[1]} of {len(table.operators)}", where="lower right")
        _direction_map(axes[1], table, shown[0], figure)
    return save_figure(figure, folder / "singular_values.png", numbers)


def _direction_map(axes: Any, table: SpectrumTable, directions: np.ndarray, figure: Any) -> None:
    """Matrix of the weights of the operators in each direction."""
    image = axes.imshow(directions, cmap="RdBu_r", vmin=-1.0, vmax=1.0, aspect="auto")
    for row, column in np.argwhere(np.abs(directions) >= 0.3):
        weight = directions[row, column]
        color = "white" if abs(weight) > 0.65 else "black"
        axes.text(column, row, f"{weight:+.1f}", ha="center", va="center", color=color, fontsize=9)
    axes.set_xticks(np.arange(len(table.operators)), table.operators, rotation=60, ha="right")
    axes.set_yticks(np.arange(len(directions)), np.arange(1, len(directions) + 1))
    axes.tick_params(which="both", length=0)
    axes.minorticks_off()
    axes.set_ylabel("Direction")
    figure.colorbar(image, ax=axes, label="Weight of the coefficient", pad=0.01)


def _ratio_grid(n_columns: int) -> tuple[Any, np.ndarray]:
    """Panels for spectra above panels for ratios."""
    return new_figure(
        n_columns,
        n_rows=2,
        size=(7.0 * n_columns, 7.4),
        gridspec_kw={"height_ratios": (2.1, 1.0)},
        sharex="col",
    )


def _spectra_with_ratio(
    table: SpectrumTable,
    spectra: Mapping[str, Steps],
    path: Path,
    caption: str,
    order: str = "",
) -> list[Path]:
    """Draw spectra above their ratio to the first; an order says which one and fixes the axis."""
    names = shown_observables(table)
    figure, axes = _ratio_grid(len(names))
    listed: dict[str, Any] = {"order": order} if order else {}
    for column, name in enumerate(names):
        bins, edges = block_edges(table, name)
        own = {
            key: Steps(line.values[bins], line.color, line.line, line.width)
            for key, line in spectra.items()
        }
        draw_spectra(axes[column], edges, own, OBSERVABLES[name][1])
        lower = axes[column + len(names)]
        reference = next(iter(own.values())).values
        ratios = draw_ratios(lower, edges, own, reference, "ratio to SM")
        if order:
            clip_ratio_axis(lower, list(ratios.values()), RATIO_LIMITS)
        else:
            lower.set_yscale("log")
        lower.set_xlabel(OBSERVABLES[name][0])
        listed[name] = {
            "edges_gev": edges,
            "sm_pb_per_gev": reference,
            "ratio_to_sm": {key: ratio for key, ratio in ratios.items() if key != "SM"},
        }
    add_caption(axes[0], caption, where="upper right")
    axes[-1 - len(names)].legend(loc="upper right", ncols=2, fontsize=12)
    return save_figure(figure, path, listed)
