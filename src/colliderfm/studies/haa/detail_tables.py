"""Study haa: tables per mass, per background component, of assignment, provenance and runs."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

from colliderfm.config.schema import HaaStudy
from colliderfm.plots.style import ARM_LABELS
from colliderfm.studies.haa.pairs import mass_name
from colliderfm.studies.haa.summary import Comparison
from colliderfm.studies.haa.table_text import arm_cell, cells_of, markdown, mass_title, spread


def mass_table(comparison: Comparison, settings: HaaStudy) -> list[str]:
    """Write both rejections per mass of the light boson.

    Parameters
    ----------
    comparison : Comparison
        The cells.
    settings : HaaStudy
        Names the signals and working points.

    Returns
    -------
    list of str
        Lines of Markdown.
    """
    columns = {mass_title(name): mass_name(name) for name in settings.signals}
    return _rejection_table(comparison, settings, columns)


def component_table(comparison: Comparison, settings: HaaStudy) -> list[str]:
    """Write both rejections per background component.

    Parameters
    ----------
    comparison : Comparison
        The cells.
    settings : HaaStudy
        Names the backgrounds and working points.

    Returns
    -------
    list of str
        Lines of Markdown.
    """
    columns = {name.replace("_", " "): name for name in settings.backgrounds}
    return _rejection_table(comparison, settings, columns)


def assignment_table(comparison: Comparison, settings: HaaStudy) -> list[str]:
    """Write assignment efficiencies per mass beside both rules.

    Parameters
    ----------
    comparison : Comparison
        The cells.
    settings : HaaStudy
        Names the signals.

    Returns
    -------
    list of str
        Lines of Markdown; "matchable / all" in percent.
    """
    stems = ("assignment_efficiency_matchable_pct", "assignment_efficiency_all_pct")
    masses = [mass_name(name) for name in settings.signals]
    rows = []
    for events in comparison.events:
        for init in comparison.inits:
            row = [f"{events:,}", ARM_LABELS.get(init, init)]
            for mass in masses:
                pair = [comparison.mean(init, events, f"test/{stem}_{mass}") for stem in stems]
                row.append(" / ".join(spread(p.mean, p.sd, 1) if p else "–" for p in pair))
            if any(cell != "– / –" for cell in row[2:]):
                rows.append(row)
    for rule, label in (("closest_dr", "closest ΔR rule"), ("equal_mass", "equal-mass rule")):
        row = ["–", label]
        for mass in masses:
            names = [f"test/{stem}_{mass}_{rule}" for stem in stems]
            values = [_column_mean(comparison.cells, name) for name in names]
            row.append(" / ".join("–" if value is None else f"{value:.1f}" for value in values))
        rows.append(row)
    return markdown(["training events", "pairs by", *map(mass_title, settings.signals)], rows)


def provenance_table(comparison: Comparison) -> list[str]:
    """Write what each row of the headline stands on.

    Parameters
    ----------
    comparison : Comparison
        The cells; columns that are absent are left out.

    Returns
    -------
    list of str
        Lines of Markdown: command with its seeds, data md5, encoder version, commit.
    """
    columns = {"data_md5": "data md5", "encoder_version": "encoder", "commit": "commit"}
    known = {name: title for name, title in columns.items() if name in comparison.cells.columns}
    rows = []
    for events in comparison.events:
        for init in comparison.inits:
            cells = cells_of(comparison, init, events)
            if cells.empty:
                continue
            row = [f"{events:,}", ARM_LABELS.get(init, init), f"{len(cells)}"]
            for name in known:
                row.append(
                    ", ".join(dict.fromkeys(_run_cell(name, value) for value in cells[name]))
                )
            if "command" in cells.columns:
                first = str(cells["command"].iloc[0])
                row.append(f"`{re.sub('--seed [0-9]+', '--seed SEED', first)}`")
            rows.append(row)
    titles = ["training events", "arm", "seeds", *known.values()]
    return markdown(
        [*titles, *(["command"] if "command" in comparison.cells.columns else [])], rows
    )


def run_table(comparison: Comparison) -> list[str]:
    """Write one row per run with what reproduces it.

    Parameters
    ----------
    comparison : Comparison
        The cells; columns that are absent are left out.

    Returns
    -------
    list of str
        Lines of Markdown.
    """
    columns = {
        "init": "arm",
        "events": "events",
        "seed": "seed",
        "test/auc": "AUC",
        "test/rejection_at_50": "R50",
        "test/rejection_at_25": "R25",
        "updates_to_best": "best at",
        "stopped": "stopped",
        "encoder_version": "encoder",
        "data_md5": "data md5",
        "commit": "commit",
        "run_id": "run",
        "command": "command",
    }
    known = {name: title for name, title in columns.items() if name in comparison.cells.columns}
    rows = [
        [_run_cell(name, row[name]) for name in known] for _, row in comparison.cells.iterrows()
    ]
    return markdown(list(known.values()), rows)


def _rejection_table(
    comparison: Comparison, settings: HaaStudy, columns: Mapping[str, str]
) -> list[str]:
    """Rejections with the given suffixes, one row per size, arm and working point."""
    rows = []
    for events in comparison.events:
        for init in comparison.inits:
            if not len(comparison.values(init, events, "test/auc")):
                continue
            for at in sorted(settings.metrics.signal_efficiencies, reverse=True):
                stem = f"test/rejection_at_{round(100 * at)}"
                cells = [
                    arm_cell(comparison, init, events, f"{stem}_{s}") for s in columns.values()
                ]
                rows.append([f"{events:,}", ARM_LABELS.get(init, init), f"{at:.0%}", *cells])
    return markdown(["training events", "arm", "signal efficiency", *columns], rows)


def _run_cell(name: str, value: object) -> str:
    """Readable form of one entry of the run table."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return "–"
    written = {
        "data_md5": lambda: f"`{str(value)[:8]}`",
        "run_id": lambda: f"`{str(value)[:8]}`",
        "commit": lambda: f"`{str(value)[:8]}`",
        "command": lambda: f"`{value}`",
        "encoder_version": lambda: f"v{value:.0f}" if value else "–",
        "test/auc": lambda: f"{value:.4f}",
        "test/rejection_at_50": lambda: f"{value:.1f}",
        "test/rejection_at_25": lambda: f"{value:.1f}",
    }
    if name in written:
        return written[name]()
    return f"{value:.0f}" if isinstance(value, float) else str(value)


def _column_mean(cells: pd.DataFrame, name: str) -> float | None:
    """Mean of a column over all runs, None if absent."""
    values = cells[name].astype(float).dropna() if name in cells.columns else pd.Series(dtype=float)
    return float(values.mean()) if len(values) else None
