"""Study haa: the main tables of a report in Markdown, each readable on its own.

Spreads are standard deviations over seeds; gains are paired by seed with 95% Student-t intervals.
A rejection that rests on too few test background events in some run carries a double dagger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from colliderfm.plots.style import ARM_LABELS
from colliderfm.stats.intervals import verdict
from colliderfm.studies import report_tables
from colliderfm.studies.haa.figure_input import Key
from colliderfm.studies.haa.summary import HEADLINE_METRICS, Comparison
from colliderfm.studies.haa.table_text import arm_cell
from colliderfm.studies.report_tables import aligned, gain_text, markdown, spread

METRIC_TITLES = {
    "test/auc": "AUC",
    "test/rejection_at_50": "Background rejection at 50% signal efficiency",
    "test/rejection_at_25": "Background rejection at 25% signal efficiency",
    "test/max_sic": "Maximum significance improvement",
}
EQUAL_UPDATES = (25, 50, 100, 200, 400)


def arm_label(init: str) -> str:
    """Readable name of an arm."""
    return ARM_LABELS.get(init, init)


def headline_tables(comparison: Comparison) -> list[str]:
    """Write one table per headline metric: arms side by side, gain and verdict.

    Parameters
    ----------
    comparison : Comparison
        The cells.

    Returns
    -------
    list of str
        Lines of Markdown.
    """
    lines: list[str] = []
    arms = [ARM_LABELS.get(init, init) for init in comparison.inits]
    for metric in HEADLINE_METRICS:
        rows = [_headline_row(comparison, events, metric) for events in comparison.events]
        lines += [f"**{METRIC_TITLES[metric]}**", ""]
        lines += markdown(["training events", *arms, "gain [95%]", "verdict"], rows)
        lines.append("")
    return lines


def headline_text(comparison: Comparison) -> str:
    """Write the headline for a terminal: aligned columns, no Markdown.

    Parameters
    ----------
    comparison : Comparison
        The cells.

    Returns
    -------
    str
        One block per metric.
    """
    blocks = []
    for metric in ("test/auc", "test/rejection_at_50"):
        arms = [ARM_LABELS.get(init, init) for init in comparison.inits]
        header = ["events", *arms, "gain [95%]", "verdict"]
        rows = [header] + [_headline_row(comparison, n, metric) for n in comparison.events]
        n_seeds = comparison.cells["seed"].nunique()
        title = f"H -> aa -> 4b, test {METRIC_TITLES[metric]}: mean ± sd over {n_seeds} seeds"
        blocks.append("\n".join([title, *aligned(rows)]))
    return "\n\n".join(blocks)


def convergence_table(comparison: Comparison) -> list[str]:
    """Write the updates of the networks until their best validation, in Markdown."""
    return report_tables.convergence_table(
        comparison, "training events", arm_label, without=("xgboost",)
    )


def equal_updates_table(
    comparison: Comparison, histories: Mapping[Key, Sequence[Mapping[str, float]]]
) -> list[str]:
    """Write the best validation AUC reached within equal numbers of updates.

    Parameters
    ----------
    comparison : Comparison
        The cells.
    histories : mapping of (init, events, seed) to list of dict
        ``update`` and ``val/auc`` of every validation.

    Returns
    -------
    list of str
        Lines of Markdown; empty without histories.
    """
    rows = []
    for events in comparison.events:
        for init in comparison.inits:
            runs = [h for key, h in sorted(histories.items()) if key[:2] == (init, events) and h]
            if not runs:
                continue
            row = [f"{events:,}", ARM_LABELS.get(init, init)]
            for updates in EQUAL_UPDATES:
                best = [_best_within(run, updates) for run in runs]
                known = [value for value in best if value is not None]
                sd = float(np.std(known, ddof=1)) if len(known) > 1 else float("nan")
                row.append(spread(float(np.mean(known)), sd, 3) if known else "–")
            rows.append(row)
    header = ["training events", "arm", *(f"{updates} updates" for updates in EQUAL_UPDATES)]
    return markdown(header, rows)


def _headline_row(comparison: Comparison, events: int, metric: str) -> list[str]:
    """Training events, one cell per arm, gain and verdict."""
    cells = [arm_cell(comparison, init, events, metric) for init in comparison.inits]
    gain = comparison.gain(events, metric)
    last = ["–", "–"] if gain is None else [gain_text(gain), verdict(gain)]
    return [f"{events:,}", *cells, *last]


def _best_within(history: Sequence[Mapping[str, float]], updates: int) -> float | None:
    """Best validation AUC up to a number of updates; None if nothing was validated by then."""
    reached = [row["val/auc"] for row in history if row["update"] <= updates and "val/auc" in row]
    return max(reached) if reached else None
