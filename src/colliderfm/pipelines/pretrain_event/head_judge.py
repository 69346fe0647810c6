"""Metrics of the heads beyond classification on validation events. Read first: ``head_outputs.py``."""

from __future__ import annotations

import numpy as np

from colliderfm.data.event_schema import OBJECT_FEATURES
from colliderfm.evaluate.cluster_matching import SegmentationResult
from colliderfm.evaluate.generation import compare_feature, compare_invisible
from colliderfm.evaluate.regression import decay_resolutions
from colliderfm.evaluate.segmentation import cluster_purity, entry_purity
from colliderfm.pipelines.pretrain_event.head_outputs import HeadOutputs, Pairs
from colliderfm.stats.jackknife import jackknife_error

_CLOUD_FEATURES = ("energy_gev", "pt_gev", "eta")
# Groups of events of which the jackknife leaves out one at a time.
_GROUPS = 10
_FLAGS = ("btag", "is_lepton")


def head_metrics(outputs: HeadOutputs) -> dict[str, float]:
    """Return one number per question that the heads of a variant answer, and its error.

    Parameters
    ----------
    outputs : HeadOutputs
        Of validation events.

    Returns
    -------
    dict of str to float
        ``val/segment_…`` shares of true clusters found, and mean numbers per event;
        ``val/regress_…`` half widths of the central 68% of the relative error, beside that of the best
        constant; ``val/invisible_…`` and ``val/cloud_…`` Wasserstein distances in units of the spread
        of the truth, and correlations. ``…_error`` is a jackknife over groups of events.
    """
    metrics = _metrics(outputs)
    if not metrics:
        return {}
    groups = np.arange(outputs.n_events) % _GROUPS
    without = [_metrics(outputs.of(groups != group)) for group in range(_GROUPS)]
    return metrics | {
        f"{name}_error": jackknife_error(np.array([one.get(name, np.nan) for one in without]))
        for name in metrics
    }


def _metrics(outputs: HeadOutputs) -> dict[str, float]:
    metrics: dict[str, float] = {}
    if outputs.segmentation is not None:
        purity = cluster_purity(outputs.segmentation)
        metrics["val/segment_class_pct"] = 100.0 * purity["class"].value
        metrics["val/segment_exact_pct"] = 100.0 * purity["right_class"].value
        metrics["val/segment_entry_pct"] = 100.0 * entry_purity(outputs.segmentation)
        metrics |= _counts(outputs.segmentation)
    if outputs.resonances is not None:
        metrics |= _regression(outputs.resonances)
    if outputs.invisible is not None:
        metrics |= _invisible(outputs.invisible)
    if outputs.generated is not None and outputs.real is not None:
        metrics |= _clouds(outputs.generated, outputs.real)
    return metrics


def _counts(result: SegmentationResult) -> dict[str, float]:
    return {
        "val/segment_number_found": float(result.n_found.mean()),
        "val/segment_number_true": float(result.n_true.mean()),
        "val/segment_number_right_pct": 100.0 * float((result.n_found == result.n_true).mean()),
    }


def _regression(pairs: Pairs) -> dict[str, float]:
    metrics = {}
    for decay, resolutions in decay_resolutions(pairs.found, pairs.true, pairs.place).items():
        for name in ("mass_gev", "pt_gev"):
            stem = f"val/regress_{decay}_{name.removesuffix('_gev')}"
            metrics[f"{stem}_resolution"] = resolutions[name].width
            metrics[f"{stem}_resolution_constant"] = resolutions[name].constant_width
    return metrics


def _invisible(pairs: Pairs) -> dict[str, float]:
    compared = compare_invisible(pairs.found, pairs.true, pairs.place >= 0)
    metrics = {f"val/invisible_{c.name}_distance": c.scaled_distance for c in compared}
    return metrics | {f"val/invisible_{c.name}_correlation": c.correlation for c in compared}


def _clouds(generated: np.ndarray, real: np.ndarray) -> dict[str, float]:
    metrics = {}
    for name in _CLOUD_FEATURES:
        column = OBJECT_FEATURES.index(name)
        compared = compare_feature(name, generated[:, column], real[:, column])
        metrics[f"val/cloud_{name}_distance"] = compared.scaled_distance
    for name in _FLAGS:
        column = OBJECT_FEATURES.index(name)
        metrics[f"val/cloud_{name}_share"] = float(generated[:, column].mean())
        metrics[f"val/cloud_{name}_share_true"] = float(real[:, column].mean())
    return metrics
