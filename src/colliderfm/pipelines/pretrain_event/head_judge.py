"""Metrics of the heads beyond classification on validation events. Read first: ``head_outputs.py``.

Every metric is a function of how often each event counts, so that one bootstrap over events gives the
errors of all of them; figures that show a metric take its error from here.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from colliderfm.data.event_schema import OBJECT_FEATURES
from colliderfm.evaluate.cluster_matching import SegmentationResult
from colliderfm.evaluate.event_bands import Measure, event_errors
from colliderfm.evaluate.paired_features import PairedFeature, invisible_features
from colliderfm.evaluate.regression import MatchedDecay, matched_decays
from colliderfm.evaluate.segmentation import cluster_purity, entry_purity
from colliderfm.pipelines.pretrain_event.head_outputs import HeadOutputs, Pairs

_CLOUD_FEATURES = ("energy_gev", "pt_gev", "eta")
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
        of the truth, and correlations. ``…_error`` is a bootstrap over events.
    """
    measures = dict(_measures(outputs))
    if not measures:
        return {}
    once = np.ones(outputs.n_events, dtype=np.int64)
    errors = event_errors(measures, outputs.n_events)
    return {name: measure(once) for name, measure in measures.items()} | {
        f"{name}_error": error for name, error in errors.items()
    }


def _measures(outputs: HeadOutputs) -> Iterator[tuple[str, Measure]]:
    """Give each metric as a function of the counts of the events."""
    if outputs.segmentation is not None:
        yield from _segmentation(outputs.segmentation)
    if outputs.resonances is not None:
        yield from _regression(outputs.resonances)
    if outputs.invisible is not None:
        yield from _invisible(outputs.invisible)
    if outputs.generated is not None and outputs.real is not None:
        assert outputs.event is not None
        yield from _clouds(outputs.generated, outputs.real, outputs.event)


def _segmentation(result: SegmentationResult) -> Iterator[tuple[str, Measure]]:
    for name, kind in (("class", "class"), ("exact", "right_class")):
        yield f"val/segment_{name}_pct", _purity(result, kind)
    yield "val/segment_entry_pct", lambda counts: 100.0 * entry_purity(result, counts)
    events = np.arange(len(result.true_class))
    yield "val/segment_number_found", _mean(result.n_found, events)
    yield "val/segment_number_true", _mean(result.n_true, events)
    yield "val/segment_number_right_pct", _mean(100.0 * (result.n_found == result.n_true), events)


def _purity(result: SegmentationResult, kind: str) -> Measure:
    return lambda counts: 100.0 * cluster_purity(result, counts)[kind].value


def _regression(pairs: Pairs) -> Iterator[tuple[str, Measure]]:
    for decay, matched in matched_decays(pairs.found, pairs.true, pairs.place).items():
        for name in ("mass_gev", "pt_gev"):
            stem = f"val/regress_{decay}_{name.removesuffix('_gev')}_resolution"
            yield from _widths(stem, matched, name)


def _widths(stem: str, matched: MatchedDecay, name: str) -> Iterator[tuple[str, Measure]]:
    yield stem, lambda counts: matched.width(name, counts)
    yield f"{stem}_constant", lambda counts: matched.constant_width(name, counts)


def _invisible(pairs: Pairs) -> Iterator[tuple[str, Measure]]:
    mask = pairs.place >= 0
    features = invisible_features(pairs.found, pairs.true, mask) if mask.any() else ()
    for one in features:
        yield f"val/invisible_{one.name}_distance", _of_values(one.distance(), one.event)
        yield f"val/invisible_{one.name}_correlation", _of_values(one.agreement, one.event)


def _clouds(
    generated: np.ndarray, real: np.ndarray, event: np.ndarray
) -> Iterator[tuple[str, Measure]]:
    for name in _CLOUD_FEATURES:
        column = OBJECT_FEATURES.index(name)
        one = PairedFeature(name, generated[:, column], real[:, column], event)
        yield f"val/cloud_{name}_distance", _of_values(one.distance(), event)
    for name in _FLAGS:
        column = OBJECT_FEATURES.index(name)
        yield f"val/cloud_{name}_share", _mean(generated[:, column], event)
        yield f"val/cloud_{name}_share_true", _mean(real[:, column], event)


def _mean(values: np.ndarray, event: np.ndarray) -> Measure:
    return _of_values(lambda weight: float(np.average(values, weights=weight)), event)


def _of_values(measure: Measure, event: np.ndarray) -> Measure:
    """Turn a function of weights of values into one of counts of events; NaN if no value counts."""

    def of_events(counts: np.ndarray) -> float:
        weight = counts[event]
        return measure(weight) if weight.any() else float("nan")

    return of_events
