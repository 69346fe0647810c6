"""Figures of the heads beyond classification: resonances found, momenta, generated particles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from colliderfm.data.event_schema import OBJECT_FEATURES
from colliderfm.evaluate.cluster_matching import SegmentationResult
from colliderfm.evaluate.generation import compare_invisible, paired_histogram
from colliderfm.evaluate.segmentation import class_confusion, count_confusion
from colliderfm.physics.decays import DECAYS
from colliderfm.physics.fourvector import invariant_mass, to_angles
from colliderfm.pipelines.pretrain_event.head_outputs import HeadOutputs, Pairs
from colliderfm.plots.histograms import Sample, draw_densities
from colliderfm.plots.matrices import draw_confusion
from colliderfm.plots.style import hep_style, new_figure, save_figure

_TRUE, _FOUND = "#9aa5b1", "#c8102e"
_MAX_COUNT = 3


def write_head_figures(out: Path, outputs: HeadOutputs, classes: tuple[str, ...]) -> list[Path]:
    """Write the figures of the heads a model has, each with its numbers as JSON.

    Parameters
    ----------
    out : Path
        Folder.
    outputs : HeadOutputs
        Of validation events.
    classes : tuple of str
        Resonance classes of the segmentation head.

    Returns
    -------
    list of Path
        Files made.
    """
    paths: list[Path] = []
    with hep_style():
        if outputs.segmentation is not None:
            paths += _segmentation(out, outputs.segmentation, classes)
        if outputs.resonances is not None:
            paths += _masses(out, outputs.resonances)
        if outputs.invisible is not None:
            paths += _invisible(out, outputs.invisible)
        if outputs.generated is not None and outputs.real is not None:
            paths += _clouds(out, outputs.generated, outputs.real)
    return paths


def _segmentation(out: Path, result: SegmentationResult, classes: tuple[str, ...]) -> list[Path]:
    names = (*classes, "none")
    by_class, by_count = class_confusion(result), count_confusion(result, _MAX_COUNT)
    figure, (axes,) = new_figure(size=(8.0, 7.2))
    draw_confusion(axes, by_class, names)
    _label_matrix(axes, "resonance")
    numbers = {"classes": list(names), "share": by_class}
    paths = save_figure(figure, out / "segmentation_classes.png", numbers)
    figure, (axes,) = new_figure(size=(6.4, 5.8))
    counts = [*(str(n) for n in range(_MAX_COUNT)), f"{_MAX_COUNT}+"]
    draw_confusion(axes, by_count, counts)
    _label_matrix(axes, "number of resonances")
    numbers = {"counts": counts, "share": by_count}
    return paths + save_figure(figure, out / "segmentation_counts.png", numbers)


def _label_matrix(axes: Axes, what: str) -> None:
    axes.set_xlabel(f"Found {what}")
    axes.set_ylabel(f"True {what}")
    axes.set_title(f"Percent of the true {what}")


def _masses(out: Path, pairs: Pairs) -> list[Path]:
    figure, panels = new_figure(2, size=(13.0, 5.4))
    numbers = {}
    for axes, name in zip(panels, ("t_bqq", "t_bl"), strict=True):
        index = next(i for i, decay in enumerate(DECAYS) if decay.name == name)
        chosen = (pairs.place == index) & (pairs.found[..., 0] > 0) & (pairs.true[..., 0] > 0)
        found, true = (to_angles(*part[chosen].T[1:])[0] for part in (pairs.found, pairs.true))
        edges = np.linspace(0.0, 400.0, 41)
        paired = paired_histogram(found, true, edges)
        mesh = axes.pcolormesh(edges, edges, paired.response.T, cmap="Blues")
        axes.figure.colorbar(mesh, ax=axes, label="Resonances")
        axes.plot(edges[[0, -1]], edges[[0, -1]], color="black", linewidth=1.0, linestyle="--")
        axes.set_xlabel(f"True transverse momentum of {name} [GeV]")
        axes.set_ylabel("Predicted [GeV]")
        mass = invariant_mass(*pairs.found[chosen].T)
        numbers[name] = {
            "edges_gev": edges,
            "response": paired.response,
            "median_mass_gev": float(np.median(mass)) if len(mass) else None,
        }
    return save_figure(figure, out / "resonance_momenta.png", numbers)


def _invisible(out: Path, pairs: Pairs) -> list[Path]:
    mask = pairs.place >= 0
    made, real = (part[mask].astype(float) for part in (pairs.found, pairs.true))
    compared = {c.name: c for c in compare_invisible(pairs.found, pairs.true, mask)}
    figure, panels = new_figure(3, size=(17.0, 5.4))
    numbers: dict[str, object] = {}
    columns = zip(to_angles(*made.T[1:]), to_angles(*real.T[1:]), strict=True)
    shown = (("pt_gev", "GeV", 200.0), ("eta", "", 5.0), ("phi", "rad", np.pi))
    for axes, (name, unit, high), (found, true) in zip(panels, shown, columns, strict=True):
        edges = np.linspace(0.0 if unit == "GeV" else -high, high, 41)
        samples = {
            "true": Sample(true, np.ones(len(true)), _TRUE, is_filled=True),
            "generated": Sample(found, np.ones(len(found)), _FOUND),
        }
        label = {"pt_gev": "Neutrino transverse momentum", "eta": "Neutrino pseudorapidity"}
        drawn = draw_densities(axes, samples, edges, label.get(name, "Neutrino azimuth"), unit=unit)
        axes.set_title(f"correlation {compared[name].correlation:.2f}", fontsize=14)
        numbers[name] = {"edges": edges, **drawn, "correlation": compared[name].correlation}
    return save_figure(figure, out / "neutrinos.png", numbers)


def _clouds(out: Path, generated: np.ndarray, real: np.ndarray) -> list[Path]:
    figure, panels = new_figure(3, size=(17.0, 5.4))
    numbers: dict[str, object] = {}
    shown = (
        ("pt_gev", "Object transverse momentum", "GeV", 200.0),
        ("energy_gev", "Object energy", "GeV", 400.0),
        ("eta", "Object pseudorapidity", "", 2.6),
    )
    for axes, (name, label, unit, high) in zip(panels, shown, strict=True):
        column = OBJECT_FEATURES.index(name)
        edges = np.linspace(0.0 if unit else -high, high, 41)
        ones = np.ones(len(real))
        samples = {
            "simulated": Sample(real[:, column], ones, _TRUE, is_filled=True),
            "generated": Sample(generated[:, column], ones, _FOUND),
        }
        numbers[name] = {"edges": edges, **draw_densities(axes, samples, edges, label, unit=unit)}
    return save_figure(figure, out / "clouds.png", numbers)
