"""Study haa: tables per mass, per background component and of assignment."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from colliderfm.config.schema import HaaStudy
from colliderfm.plots.style import ARM_LABELS
from colliderfm.studies.haa.pairs import mass_name
from colliderfm.studies.haa.summary import Comparison
from colliderfm.studies.haa.table_text import arm_cell, mass_title
from colliderfm.studies.report_tables import markdown, spread


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


def _column_mean(cells: pd.DataFrame, name: str) -> float | None:
    """Mean of a column over all runs, None if absent."""
    values = cells[name].astype(float).dropna() if name in cells.columns else pd.Series(dtype=float)
    return float(values.mean()) if len(values) else None
