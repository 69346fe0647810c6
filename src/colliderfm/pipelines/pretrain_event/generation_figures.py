"""Figures of generated neutrinos and clouds beside the truth, with bands from a bootstrap over events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np

from colliderfm.data.event_schema import OBJECT_FEATURES
from colliderfm.evaluate.event_bands import banded_histogram
from colliderfm.evaluate.generation import paired_histogram
from colliderfm.physics.fourvector import delta_phi, to_angles
from colliderfm.pipelines.pretrain_event.head_outputs import Pairs
from colliderfm.plots.comparisons import (
    draw_comparison,
    label_comparison,
    new_comparison_figure,
)
from colliderfm.plots.responses import draw_response
from colliderfm.plots.style import add_caption, new_figure, save_figure


class Shown(NamedTuple):
    """One feature: key, axis label, unit, bin edges, logarithmic ordinate, angle, name in metrics."""

    name: str
    label: str
    unit: str
    edges: np.ndarray
    log: bool = False
    is_angle: bool = False
    metric: str = ""


NEUTRINO = (
    Shown(
        "pt_gev", "Neutrino $p_T$", "GeV", np.linspace(0.0, 160.0, 21), log=True, metric="pt_gev"
    ),
    Shown("eta", "Neutrino $\\eta$", "", np.linspace(-4.5, 4.5, 19), metric="eta"),
    Shown(
        "phi_from_met",
        "Neutrino $\\phi$ from missing momentum",
        "rad",
        np.linspace(-np.pi, np.pi, 22),
        is_angle=True,
        metric="phi",
    ),
)
CLOUD = (
    Shown("pt_gev", "Object $p_T$", "GeV", np.linspace(0.0, 200.0, 41), log=True),
    Shown("energy_gev", "Object energy", "GeV", np.linspace(0.0, 400.0, 41), log=True),
    Shown("eta", "Object $\\eta$", "", np.linspace(-3.0, 3.0, 31)),
)


def write_neutrino_figures(
    out: Path, pairs: Pairs, met_phi: np.ndarray, metrics: Mapping[str, float]
) -> list[Path]:
    """Write distributions of generated neutrinos, and how they follow the true ones.

    Parameters
    ----------
    out : Path
        Folder.
    pairs : Pairs
        Generated and true momenta.
    met_phi : ndarray, shape (n,), radians
        Direction of the missing momentum.
    metrics : mapping of str to float
        Correlations of these particles and their errors, from ``head_metrics``.

    Returns
    -------
    list of Path
        Files made; none if there is no neutrino.
    """
    event, _ = np.nonzero(pairs.place >= 0)
    if not len(event):
        return []
    made, real = (
        _features(part[pairs.place >= 0], met_phi[event]) for part in (pairs.found, pairs.true)
    )
    paths = _distributions(out / "neutrinos.png", NEUTRINO, made, real, event)
    return paths + _correlations(out / "neutrino_correlations.png", made, real, metrics)


def write_cloud_figure(
    out: Path, generated: np.ndarray, real: np.ndarray, event: np.ndarray
) -> list[Path]:
    """Write distributions of generated objects beside those of the events that gave the templates.

    Parameters
    ----------
    out : Path
        Folder.
    generated, real : ndarray, shape (m, 7)
        Objects, columns as ``OBJECT_FEATURES``.
    event : ndarray, shape (m,), int
        Event of each object.

    Returns
    -------
    list of Path
        Files made.
    """
    made, true = (
        {one.name: part[:, OBJECT_FEATURES.index(one.name)].astype(float) for one in CLOUD}
        for part in (generated, real)
    )
    return _distributions(out / "clouds.png", CLOUD, made, true, event)


def _features(momenta: np.ndarray, met_phi: np.ndarray) -> dict[str, np.ndarray]:
    """Return the features of ``NEUTRINO`` of momenta (n, 4)."""
    pt_gev, eta, phi = to_angles(*momenta.astype(float).T[1:])
    return {"pt_gev": pt_gev, "eta": eta, "phi_from_met": np.asarray(delta_phi(phi, met_phi))}


def _distributions(
    path: Path,
    features: tuple[Shown, ...],
    made: Mapping[str, np.ndarray],
    real: Mapping[str, np.ndarray],
    event: np.ndarray,
) -> list[Path]:
    figure, upper, lower = new_comparison_figure(len(features))
    numbers: dict[str, object] = {"events": int(event.max()) + 1, "values": len(event)}
    for top, bottom, shown in zip(upper, lower, features, strict=True):
        found = banded_histogram(made[shown.name], real[shown.name], event, shown.edges)
        draw_comparison(
            top, bottom, found, ("simulated ± stat.", "generated ± stat."), log=shown.log
        )
        what = path.stem if path.stem == "neutrinos" else "objects"
        label_comparison(top, bottom, shown.label, shown.unit, what)
        numbers[shown.name] = asdict(found)
    lower[0].set_ylabel("generated /\nsimulated", fontsize=13)
    return save_figure(figure, path, numbers)


def _correlations(
    path: Path,
    made: Mapping[str, np.ndarray],
    real: Mapping[str, np.ndarray],
    metrics: Mapping[str, float],
) -> list[Path]:
    figure, panels = new_figure(len(NEUTRINO), size=(17.4, 5.6))
    numbers: dict[str, object] = {}
    for axes, shown in zip(panels, NEUTRINO, strict=True):
        x, y = made[shown.name], real[shown.name]
        metric = f"val/invisible_{shown.metric}_correlation"
        value, error = metrics[metric], metrics[f"{metric}_error"]
        inside = _inside(x, shown.edges) & _inside(y, shown.edges)
        counts = paired_histogram(x[inside], y[inside], shown.edges).response
        unit = f" [{shown.unit}]" if shown.unit else ""
        draw_response(axes, shown.edges, counts, (f"True {_lower(shown.label)}{unit}", "Generated"))
        name = "mean $\\cos\\Delta\\phi$" if shown.is_angle else "correlation"
        add_caption(axes, f"{name} {value:.3f} ± {error:.3f}")
        numbers[shown.name] = {
            "edges": shown.edges,
            "response": counts,
            "agreement": "mean cosine of the difference" if shown.is_angle else "correlation",
            "value": value,
            "error": error,
        }
    return save_figure(figure, path, numbers)


def _inside(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return np.asarray((values >= edges[0]) & (values <= edges[-1]))


def _lower(label: str) -> str:
    return label[0].lower() + label[1:]
