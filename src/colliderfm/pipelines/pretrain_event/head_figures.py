"""Figures of the heads beyond classification: resonances found and their momenta.

Generated particles are in ``generation_figures.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from colliderfm.evaluate.cluster_matching import SegmentationResult
from colliderfm.evaluate.regression import MatchedDecay, matched_decays
from colliderfm.evaluate.response import Response, response
from colliderfm.evaluate.segmentation import class_confusion, count_confusion
from colliderfm.pipelines.pretrain_event.generation_figures import (
    write_cloud_figure,
    write_neutrino_figures,
)
from colliderfm.pipelines.pretrain_event.head_outputs import HeadOutputs, Pairs
from colliderfm.plots.curves import draw_bars
from colliderfm.plots.matrices import binomial_errors, draw_confusion
from colliderfm.plots.responses import draw_profiles
from colliderfm.plots.style import SAMPLE_COLORS, hep_style, new_figure, save_figure

_MAX_COUNT = 3
_PT_EDGES_GEV = np.array([0.0, 25.0, 50.0, 75.0, 100.0, 150.0, 200.0, 300.0, 400.0])
_TOP_DECAYS = ("t_bqq", "t_bl")
# Decays as they are written on an axis.
DECAY_LABELS = {
    "t_bqq": "$t \\to bqq$",
    "t_bl": "$t \\to b\\ell\\nu$",
    "W_qq": "$W \\to qq$",
    "W_l": "$W \\to \\ell\\nu$",
    "Z_qq": "$Z \\to qq$",
    "Z_ll": "$Z \\to \\ell\\ell$",
    "H_bb": "$H \\to bb$",
}


def write_head_figures(
    out: Path, outputs: HeadOutputs, metrics: Mapping[str, float], classes: tuple[str, ...]
) -> list[Path]:
    """Write the figures of the heads a model has, each with its numbers as JSON.

    Parameters
    ----------
    out : Path
        Folder.
    outputs : HeadOutputs
        Of validation events.
    metrics : mapping of str to float
        From ``head_metrics``: what a figure shows of them has their errors.
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
            paths += _classes(out, outputs.segmentation, classes)
            paths += _counts(out, outputs.segmentation, metrics)
        if outputs.resonances is not None:
            paths += _momenta(out, outputs.resonances, metrics)
        if outputs.invisible is not None and outputs.met_phi is not None:
            paths += write_neutrino_figures(out, outputs.invisible, outputs.met_phi, metrics)
        if outputs.generated is not None and outputs.real is not None:
            assert outputs.event is not None
            paths += write_cloud_figure(out, outputs.generated, outputs.real, outputs.event)
    return paths


def _classes(out: Path, result: SegmentationResult, classes: tuple[str, ...]) -> list[Path]:
    matrix = class_confusion(result)
    is_cluster = result.is_cluster
    n = np.bincount(result.true_class[is_cluster], minlength=len(classes) + 1)
    n[-1] = (result.other_class >= 0).sum()
    errors = binomial_errors(matrix, n)
    figure, (axes,) = new_figure(size=(8.8, 7.8))
    labels = [*(DECAY_LABELS.get(name, name) for name in classes), "none"]
    draw_confusion(axes, matrix, labels, errors, "resonance")
    axes.set_xlabel("Found resonance")
    numbers = {"classes": [*classes, "none"], "n": n, "share": matrix, "share_error": errors}
    return save_figure(figure, out / "segmentation_classes.png", numbers)


def _counts(out: Path, result: SegmentationResult, metrics: Mapping[str, float]) -> list[Path]:
    matrix = count_confusion(result, _MAX_COUNT)
    n = np.bincount(np.minimum(result.n_true, _MAX_COUNT), minlength=_MAX_COUNT + 1)
    errors = binomial_errors(matrix, n)
    figure, (axes,) = new_figure(size=(6.8, 6.2))
    counts = [*(str(number) for number in range(_MAX_COUNT)), f"{_MAX_COUNT}+"]
    draw_confusion(axes, matrix, counts, errors, "number of resonances")
    axes.set_xlabel("Found number of resonances")
    axes.tick_params(axis="x", rotation=0)
    means = {
        f"mean_{kind}{error}": metrics[f"val/segment_number_{kind}{error}"]
        for kind in ("found", "true")
        for error in ("", "_error")
    }
    axes.set_title(
        "Percent of the true number; mean {mean_found:.3f} ± {mean_found_error:.3f} found, "
        "{mean_true:.3f} ± {mean_true_error:.3f} true".format(**means),
        fontsize=11,
    )
    numbers = {
        "counts": counts,
        "n": n,
        "share": matrix,
        "share_error": errors,
        **means,
    }
    return save_figure(figure, out / "segmentation_counts.png", numbers)


def _momenta(out: Path, pairs: Pairs, metrics: Mapping[str, float]) -> list[Path]:
    figure, panels = new_figure(2, size=(14.0, 5.6))
    matched = matched_decays(pairs.found, pairs.true, pairs.place)
    responses = _responses(matched)
    profiles = {
        DECAY_LABELS[name]: (r.edges, r.median, r.median_error, r.low, r.high)
        for name, r in responses.items()
    }
    draw_profiles(panels[0], profiles, SAMPLE_COLORS)
    panels[0].set_xlabel("True $p_T$ of the resonance [GeV]")
    panels[0].set_ylabel("Predicted / true $p_T$")
    table = _pt_resolutions(matched, metrics)
    if table:
        _draw_resolutions(panels[1], table)
    numbers = {
        "response": {name: asdict(found) for name, found in responses.items()},
        "pt_resolution": table,
    }
    return save_figure(figure, out / "resonance_momenta.png", numbers)


def _pt_resolutions(
    matched: Mapping[str, MatchedDecay], metrics: Mapping[str, float]
) -> dict[str, dict[str, float]]:
    """Return bias and widths of the transverse momentum per decay, with the errors of the metrics."""
    table = {}
    for name, found in matched.items():
        stem = f"val/regress_{name}_pt_resolution"
        if name in DECAY_LABELS:
            table[name] = asdict(found.resolution("pt_gev")) | {
                "width_error": metrics[f"{stem}_error"],
                "constant_width_error": metrics[f"{stem}_constant_error"],
            }
    return table


def _draw_resolutions(axes: Axes, table: Mapping[str, Mapping[str, float]]) -> None:
    """Draw the relative resolution of each decay beside that of the best constant."""
    widths = {
        label: tuple(
            [100.0 * row[key] for row in table.values()] for key in (kind, f"{kind}_error")
        )
        for label, kind in (("regression head", "width"), ("best constant", "constant_width"))
    }
    colors = {"regression head": "#bd1f01", "best constant": "#94a4a2"}
    names = [DECAY_LABELS[name] for name in table]
    draw_bars(axes, names, widths, "Relative $p_T$ resolution [%]", colors)
    axes.set_ylim(0.0, 1.3 * max(max(values) for values, _ in widths.values()))
    axes.tick_params(axis="x", labelsize=13)


def _responses(matched: Mapping[str, MatchedDecay]) -> dict[str, Response]:
    """Predicted over true transverse momentum of both top decays, equal ones exchanged for the best."""
    none = MatchedDecay(np.zeros(0, dtype=np.int64), *({"pt_gev": np.zeros(0)} for _ in range(2)))
    found = {}
    for name in _TOP_DECAYS:
        one = matched.get(name, none)
        found[name] = response(
            one.predicted["pt_gev"], one.true["pt_gev"], one.event, _PT_EDGES_GEV
        )
    return found
