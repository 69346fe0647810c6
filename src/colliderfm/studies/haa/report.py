"""Study haa, last step: ``report.md`` with tables and figures, ``metrics.json``, ``summary.csv``.

Every number comes from the cells handed in; nothing is computed from files that are not listed.
Equal cells give equal bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from colliderfm.config.schema import HaaStudy, Params
from colliderfm.stats.intervals import verdict
from colliderfm.studies.cell_comparison import summary_table
from colliderfm.studies.haa import detail_tables, tables
from colliderfm.studies.haa.figure_input import FigureInput
from colliderfm.studies.haa.figures import draw_figures
from colliderfm.studies.haa.summary import Comparison, flat_metrics, gain_table
from colliderfm.studies.haa.table_text import limit_note
from colliderfm.studies.haa.tries import write_try
from colliderfm.studies.haa.variants import write_variants
from colliderfm.studies.report_files import write_texts
from colliderfm.studies.report_tables import gain_text, provenance_table, run_table

RUN_METRICS = {
    "test/auc": ("AUC", 4),
    "test/rejection_at_50": ("R50", 1),
    "test/rejection_at_25": ("R25", 1),
}
BAND_CAPTION = "Band: sd over seeds and statistical error of the test events in quadrature."
FIGURE_CAPTIONS = {
    "learning_curves": "Mean over seeds and its standard deviation (band) against training events.",
    "inverse_roc": "Background rejection against signal efficiency, all masses with equal weight, "
    "averaged over all seeds, from where every seed has background left; vertical lines mark the "
    "quoted working points.",
    "assignment": "Jets assigned to the two a → bb, beside the two rules one would use without a "
    "network. Errors: sd over seeds for networks, binomial for rules.",
    "reconstructed_mass": "Mean mass of the two chosen jet pairs, unit area, mean over seeds. Dotted: "
    "the true masses; in the legend how often both pairs are right where all four b were found. "
    f"{BAND_CAPTION}",
    "scores": f"Classifier scores, unit area per sample, mean over seeds. {BAND_CAPTION}",
    "loss_curves": "Training loss and validation AUC against updates; a curve ends where fewer "
    "than half of the seeds still train.",
}


def write_report(
    params: Params, cells: pd.DataFrame, folder: Path, extras: Mapping[str, Any]
) -> list[Path]:
    """Write the report of a comparison.

    Parameters
    ----------
    params : Params
        The parameters the comparison ran with.
    cells : DataFrame
        One row per cell: ``init, events, seed``, ``test/...`` and bookkeeping columns.
    folder : Path
        Gets ``report.md``, ``headline.txt``, ``metrics.json``, ``summary.csv``, ``gains.csv`` and
        ``figures/``.
    extras : mapping
        ``predictions`` and ``histories`` by (init, events, seed); ``scale`` (text); ``not_run``
        (list of text); optional ``cpu_hours`` and ``equal_updates`` (cells of a second comparison
        at equal numbers of updates), ``question`` (a short report of a side question) and
        ``variants`` (cells by name of the encoder: the page of all of them instead).

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    DataError
        If the cells are incomplete or the folder cannot be written to.
    """
    settings = params.studies.haa
    if extras.get("variants"):
        return write_variants(extras["variants"], settings, folder, extras)
    comparison = Comparison.of_cells(cells)
    if extras.get("question"):
        return write_try(comparison, settings, folder, extras)
    given = FigureInput(
        comparison, _frames(extras.get("predictions", {})), extras.get("histories", {}), settings
    )
    figures = draw_figures(given, folder / "figures")
    texts = {
        "report.md": _report_text(given, extras, [path.stem for path in figures]),
        "headline.txt": tables.headline_text(comparison) + "\n",
        "metrics.json": json.dumps(flat_metrics(comparison), indent=1) + "\n",
        "summary.csv": summary_table(comparison).to_csv(index=False, float_format="%.6g"),
        "gains.csv": gain_table(comparison).to_csv(index=False, float_format="%.6g"),
    }
    return [*write_texts(folder, texts), *figures]


def _report_text(given: FigureInput, extras: Mapping[str, Any], figures: Sequence[str]) -> str:
    """Put the whole report together in Markdown."""
    comparison, settings = given.comparison, given.settings
    sections = [
        ["# H → aa → 4b: what does pretraining bring?", "", *_introduction(comparison, settings)],
        [_scale(comparison, extras), "", *_verdicts(comparison)],
        ["## Scratch, pretrained, boosted trees", "", *tables.headline_tables(comparison)],
        [*limit_note(settings), "", *_figure("learning_curves", figures)],
        _figure("inverse_roc", figures),
        _section("Updates to the best validation", tables.convergence_table(comparison)),
        _section(
            "Validation AUC after equal numbers of updates (best so far)",
            tables.equal_updates_table(comparison, given.histories),
        ),
        _equal_updates(extras),
        _figure("loss_curves", figures),
        _section(
            "Rejection per mass, all backgrounds", detail_tables.mass_table(comparison, settings)
        ),
        _section(
            "Rejection per background component, all masses",
            detail_tables.component_table(comparison, settings),
        ),
        _section(
            "Assignment: both pairs right, in % of matchable / of all signal events",
            detail_tables.assignment_table(comparison, settings),
        ),
        *(_figure(name, figures) for name in ("assignment", "reconstructed_mass", "scores")),
        _section(
            "What each row stands on",
            provenance_table(comparison, "training events", tables.arm_label),
        ),
        _not_run(extras.get("not_run", [])),
        _section(
            "Runs",
            [
                "<details><summary>every run, with the command that repeats it</summary>",
                "",
                *run_table(comparison, "events", RUN_METRICS),
                "",
                "</details>",
            ],
        ),
    ]
    return "\n".join("\n".join([*section, ""]) for section in sections if section)


def _introduction(comparison: Comparison, settings: HaaStudy) -> list[str]:
    """Say what is compared."""
    share = f"{settings.signal_fraction:.0%}"
    masses = ", ".join(name.rsplit("ma", maxsplit=1)[-1] for name in settings.signals)
    return [
        f"Signal: H → aa → 4b at m_a = {masses} GeV; "
        f"background: {', '.join(settings.backgrounds)}. "
        f"Training events hold {share} signal; efficiencies are relative to the preselection "
        "(at least 4 jets, at least 2 b-tags). "
        "Signal and background are normalized separately and the masses count equally. "
        f"Mean ± standard deviation over {comparison.cells['seed'].nunique()} seeds; each seed "
        "draws its own training events and initial weights, and all arms of a seed see the same "
        "events.",
    ]


def _scale(comparison: Comparison, extras: Mapping[str, Any]) -> str:
    """State scale and cost of what is shown."""
    text = f"**Scale: {extras.get('scale', 'not stated')}; {len(comparison.cells)} runs"
    hours = extras.get("cpu_hours")
    if hours is None and "seconds" in comparison.cells.columns:
        hours = float(comparison.cells["seconds"].astype(float).sum()) / 3600.0
        return f"{text}, {hours:.2f} hours of training in all (one process per run).**"
    return f"{text}, {hours:.2f} CPU hours.**" if hours is not None else f"{text}.**"


def _verdicts(comparison: Comparison) -> list[str]:
    """One line per training size: what the paired test says about the AUC and the rejection."""
    lines = []
    for events in comparison.events:
        found = []
        for metric, name in (("test/auc", "AUC"), ("test/rejection_at_50", "rejection at 50%")):
            gain = comparison.gain(events, metric)
            if gain is not None:
                sigma = f", {abs(gain.significance):.1f}σ" if gain.n > 1 else ""
                found.append(f"{name} {gain_text(gain)}{sigma}: **{verdict(gain)}**")
        if found:
            lines.append(f"- {events:,} training events: {'; '.join(found)}.")
    if not lines:
        return []
    note = (
        "Gains are pretrained against scratch, paired by seed, with 95% Student-t intervals; "
        "below two sigma (two-sided p of the t-test as Gaussian sigma) the words are "
        "*no difference seen*."
    )
    return [*lines, "", note]


def _equal_updates(extras: Mapping[str, Any]) -> list[str]:
    """Second comparison on the test split at equal numbers of updates, if it was run."""
    cells = extras.get("equal_updates")
    if cells is None or len(cells) == 0:
        return []
    second = Comparison.of_cells(cells)
    return _section("Test metrics at equal numbers of updates", tables.headline_tables(second))


def _not_run(cells: Sequence[str]) -> list[str]:
    """Cells of the grid that have no result."""
    listed = [f"- {cell}" for cell in cells] or ["none: the grid is complete"]
    return ["## Cells not run", "", *listed]


def _section(title: str, lines: Sequence[str]) -> list[str]:
    """Make a section, or nothing if there is nothing to show."""
    return [f"## {title}", "", *lines] if lines else []


def _figure(name: str, figures: Sequence[str]) -> list[str]:
    """Link a figure with its caption and its numbers, if it was drawn."""
    if name not in figures:
        return []
    link = f"![{name}](figures/{name}.png)"
    return [link, "", f"*{FIGURE_CAPTIONS[name]}* [numbers](figures/{name}.json)"]


def _frames(predictions: Mapping[Any, Any]) -> dict[Any, pd.DataFrame]:
    """Predictions in memory; paths are read."""
    return {
        key: frame if isinstance(frame, pd.DataFrame) else pd.read_parquet(frame)
        for key, frame in predictions.items()
    }
