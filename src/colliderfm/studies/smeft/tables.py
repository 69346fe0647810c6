"""Study smeft: the tables of a report in Markdown and as rows for JSON.

Spreads are standard deviations over seeds; gains are paired by seed with 95% Student-t intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from colliderfm.stats.intervals import verdict
from colliderfm.studies.report_tables import aligned, gain_text, markdown
from colliderfm.studies.smeft.arm_styles import arm_label
from colliderfm.studies.smeft.summary import HEADLINE_METRICS, Comparison
from colliderfm.studies.smeft.table_text import arm_cell


def headline_table(comparison: Comparison) -> list[str]:
    """Write arms and labeled replicas against the headline metrics.

    Parameters
    ----------
    comparison : Comparison
        The cells.

    Returns
    -------
    list of str
        Lines of Markdown.
    """
    shown = [metric for metric in HEADLINE_METRICS if metric in comparison.metrics]
    rows = []
    for events in comparison.events:
        for init in comparison.inits:
            if len(comparison.rows(init, events)):
                cells = [arm_cell(comparison, init, events, metric) for metric in shown]
                rows.append([f"{events:,}", arm_label(init), *cells])
    return markdown(["labeled replicas", "arm", *(HEADLINE_METRICS[m] for m in shown)], rows)


def gains_table(comparison: Comparison) -> list[str]:
    """Write what the pretrained arm gains over scratch in the headline metrics.

    Parameters
    ----------
    comparison : Comparison
        The cells.

    Returns
    -------
    list of str
        Lines of Markdown.
    """
    rows = []
    for events in comparison.events:
        for metric, name in HEADLINE_METRICS.items():
            gain = comparison.gain(events, metric)
            # Accuracy over Bayes repeats the accuracy.
            if gain is not None and metric != "test/accuracy_over_bayes":
                sigma = f"{gain.significance:+.1f}" if np.isfinite(gain.significance) else "–"
                rows.append([f"{events:,}", name, gain_text(gain), sigma, verdict(gain)])
    return markdown(["labeled replicas", "metric", "gain [95%]", "σ", "verdict"], rows)


def headline_text(comparison: Comparison) -> str:
    """Write the headline for a terminal: aligned columns, no Markdown.

    Parameters
    ----------
    comparison : Comparison
        The cells.

    Returns
    -------
    str
        One block per metric: accuracy, its share of Bayes' optimum, anomaly AUROC.
    """
    blocks = []
    for metric in list(HEADLINE_METRICS)[:3]:
        if metric not in comparison.metrics:
            continue
        arms = [arm_label(init) for init in comparison.inits]
        rows = [["replicas", *arms, "pretrained - scratch", "verdict"]]
        for events in comparison.events:
            cells = [arm_cell(comparison, init, events, metric) for init in comparison.inits]
            gain = comparison.gain(events, metric)
            last = ["–", "–"] if gain is None else [gain_text(gain), verdict(gain)]
            rows.append([f"{events:,}", *cells, *last])
        n_seeds = comparison.cells["seed"].nunique()
        title = (
            f"Drell-Yan universes, test {HEADLINE_METRICS[metric]}: mean ± sd over {n_seeds} seeds"
        )
        blocks.append("\n".join([title, *aligned(rows)]))
    return "\n\n".join(blocks)


def metric_table(
    comparison: Comparison, pattern: Sequence[str], events: int | None = None
) -> list[str]:
    """Write further metrics for one number of labeled replicas, one row each.

    Parameters
    ----------
    comparison : Comparison
        The cells.
    pattern : sequence of str
        Parts of names; a metric with any of them is shown.
    events : int, optional
        Labeled replicas; by default the most.

    Returns
    -------
    list of str
        Lines of Markdown.
    """
    last = events or comparison.events[-1]
    named = [name for name in comparison.metrics if not name.startswith("test/bayes_")]
    shown = [name for name in named if any(part in name for part in pattern)]
    inits = [i for i in comparison.inits if any(len(comparison.values(i, last, m)) for m in shown)]
    rows = [
        [
            name.removeprefix("test/").replace("_", " "),
            *(arm_cell(comparison, init, last, name) for init in inits),
        ]
        for name in shown
    ]
    return markdown(["metric", *(arm_label(init) for init in inits)], rows)


def frame_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Turn a table into rows for JSON.

    Parameters
    ----------
    frame : DataFrame
        Any table.

    Returns
    -------
    list of dict
        One per row.
    """
    return [dict(zip(frame.columns, row, strict=True)) for row in frame.to_numpy(dtype=object)]
