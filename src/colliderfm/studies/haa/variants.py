"""Study haa: one page that shows what each of several encoders buys over scratch.

Every number on it comes from ``variant_gains.py``; equal cells give equal bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from colliderfm.config.schema import HaaStudy
from colliderfm.errors import DataError
from colliderfm.plots.gains import GainSeries, draw_gains
from colliderfm.plots.style import hep_style, new_figure, save_figure
from colliderfm.studies.haa.pairs import mass_name
from colliderfm.studies.haa.summary import HEADLINE_METRICS, Comparison, is_ratio
from colliderfm.studies.haa.table_text import arm_cell, limit_note
from colliderfm.studies.haa.tables import METRIC_TITLES, arm_label
from colliderfm.studies.haa.tries import setting_text
from colliderfm.studies.haa.variant_gains import (
    ARMS,
    paired_comparisons,
    surviving,
    variant_table,
)
from colliderfm.studies.report_files import write_texts
from colliderfm.studies.report_tables import aligned, gain_text, markdown, provenance_table

DEFAULT_TITLE = "What does each pretraining buy over scratch?"
PANEL_LABELS = {
    "test/auc": "Gain in AUC",
    "test/rejection_at_50": "Ratio of rejections at 50%",
    "test/rejection_at_25": "Ratio of rejections at 25%",
}
# Two-sided probability of two sigma and more.
_CHANCE = 0.0455


def write_variants(
    tables: Mapping[str, pd.DataFrame], settings: HaaStudy, folder: Path, extras: Mapping[str, Any]
) -> list[Path]:
    """Write the page of several encoders.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Cells by name of the encoder.
    settings : HaaStudy
        The study as it was run.
    folder : Path
        Gets ``README.md``, ``gains.csv``, ``gains.png``, ``gains.json``, ``metrics.json`` and
        ``headline.txt``.
    extras : mapping
        ``question`` (title) and ``not_run`` (list of text), both optional.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    DataError
        If the cells are of another target than the settings, or no encoder has a pair of runs.
    """
    _check_target(tables, settings)
    comparisons, alone = paired_comparisons(tables)
    table = variant_table(comparisons)
    title = str(extras.get("question") or DEFAULT_TITLE)
    left_out = [*extras.get("not_run", []), *alone]
    texts = {
        "README.md": _page(title, comparisons, table, settings, left_out),
        "headline.txt": f"{title}\n\n{_headline(comparisons, table)}\n",
        "metrics.json": json.dumps(_flat(table), indent=1) + "\n",
        "gains.csv": table.to_csv(index=False, float_format="%.6g"),
    }
    return [*write_texts(folder, texts), *_figure(table, folder / "gains.png")]


def _check_target(tables: Mapping[str, pd.DataFrame], settings: HaaStudy) -> None:
    """Refuse settings that name other signals than the cells were measured with."""
    for name, cells in tables.items():
        for signal in settings.signals:
            if f"test/rejection_at_50_{mass_name(signal)}" not in cells.columns:
                raise DataError(
                    f"cells of {name}",
                    got=f"no metric of the signal {signal}",
                    need="the signals of the comparison",
                    fix="repeat its --set studies.haa.signals=[…] and backgrounds in `report`",
                )


def _page(
    title: str,
    comparisons: Mapping[str, Comparison],
    table: pd.DataFrame,
    settings: HaaStudy,
    left_out: Sequence[str],
) -> str:
    """Put the page together in Markdown."""
    lines = [
        f"# {title}",
        "",
        f"{setting_text(settings)} Mean ± standard deviation over the seeds that both arms "
        "have; gains are pretrained against scratch, paired by seed, with 95% Student-t intervals: "
        "differences of the AUC, ratios of rejections.",
        "",
        *_count_of_tests(table),
        "",
        "![gains](gains.png)",
        "",
        "*Gain over scratch with its 95% interval; series are set apart to be seen.* "
        "[numbers](gains.json), [table](gains.csv)",
        "",
    ]
    for metric in HEADLINE_METRICS:
        rows = _metric_rows(comparisons, table, metric)
        lines += [f"## {METRIC_TITLES[metric]}", "", *markdown(_titles(), rows), ""]
    lines += [*limit_note(settings), "", "## The encoders", "", *_encoders(comparisons), ""]
    lines += ["## What each row stands on", ""]
    for name, comparison in comparisons.items():
        stands_on = provenance_table(comparison, "training events", arm_label)
        lines += [f"<details><summary>{name}</summary>", "", *stands_on, "", "</details>", ""]
    lines += ["## Cells not run or without a partner", ""]
    lines += [f"- {cell}" for cell in left_out] or ["none: the grids are complete"]
    return "\n".join(lines) + "\n"


def _count_of_tests(table: pd.DataFrame) -> list[str]:
    """Say how many tests were made, how many stand out, and what the correction leaves."""
    tested = table[table["p"].notna()]
    words = tested["verdict"].value_counts()
    helps, hurts = (int(words.get(f"pretraining {word}", 0)) for word in ("helps", "hurts"))
    left = surviving(table)
    names = [
        f"{row.variant} at {row.events:,} events in {METRIC_TITLES[row.metric]} "
        f"({'better' if row.sigma > 0 else 'worse'})"
        for row in left.itertuples()
    ]
    return [
        f"**{len(tested)} tests** are made below. Beyond two sigma: {helps} for pretraining, {hurts} "
        f"against it; about {_CHANCE * len(tested):.1f} of them would be there by chance if it did "
        f"nothing. Holm's correction for {len(tested)} tests leaves {len(left)} at an error of 5% for "
        f"the whole page{': ' + '; '.join(names) if names else ''}. The tests are not independent: "
        "encoders are compared with scratch runs of the same seeds, and on the same test events.",
    ]


def _titles() -> list[str]:
    arms = [arm_label(init) for init in ARMS]
    return ["encoder", "training events", "seeds", *arms, "gain [95%]", "verdict", "p", "p, Holm"]


def _metric_rows(
    comparisons: Mapping[str, Comparison], table: pd.DataFrame, metric: str
) -> list[list[str]]:
    """One row per encoder and size."""
    rows = []
    for row in table[table["metric"] == metric].itertuples():
        comparison, events = comparisons[str(row.variant)], int(row.events)
        gain = comparison.gain(events, metric)
        if gain is not None:
            size = f"{events:,} ({100.0 * row.fraction:.3g}%)"
            arms = [arm_cell(comparison, init, events, metric) for init in ARMS]
            numbers = [_probability(row.p), _probability(row.p_holm)]
            cells = [str(row.variant), size, f"{gain.n}", *arms, gain_text(gain)]
            rows.append([*cells, str(row.verdict), *numbers])
    return rows


def _probability(value: float) -> str:
    """Write a p-value, or a dash where nothing was tested."""
    return f"{value:.2g}" if np.isfinite(value) else "–"


def _encoders(comparisons: Mapping[str, Comparison]) -> list[str]:
    """Write which weights stand behind each name."""
    rows = []
    for name, comparison in comparisons.items():
        cells = comparison.cells[comparison.cells["init"] == "pretrained"]
        first = cells.iloc[0]
        version = first.get("encoder_version", 0)
        known = [str(first.get(key, "–")) for key in ("pretraining", "encoder_sha256", "data_md5")]
        address = f"v{version:.0f}" if version else "a folder"
        rows.append([name, known[0], address, f"`{known[1][:12]}`", f"`{known[2][:8]}`"])
    titles = ["encoder", "pretraining", "registered as", "sha256 of its weights", "data md5"]
    return markdown(titles, rows)


def _headline(comparisons: Mapping[str, Comparison], table: pd.DataFrame) -> str:
    """Write the AUC for a terminal."""
    rows = _metric_rows(comparisons, table, "test/auc")
    return "\n".join(aligned([_titles(), *rows]))


def _flat(table: pd.DataFrame) -> dict[str, float | None]:
    """Flatten the gains for ``metrics.json`` and the summary run."""
    flat: dict[str, float] = {}
    for row in table.itertuples():
        name = f"{row.variant}/gain/n{row.events}/{str(row.metric).removeprefix('test/')}"
        flat |= {name: row.gain, f"{name}_lo": row.lo, f"{name}_hi": row.hi}
        flat |= {f"{name}_sigma": row.sigma, f"{name}_p_holm": row.p_holm}
    return {
        name: float(f"{value:.6g}") if np.isfinite(value) else None for name, value in flat.items()
    }


def _figure(table: pd.DataFrame, path: Path) -> list[Path]:
    """Draw one panel per metric with one series per encoder."""
    numbers: dict[str, Any] = {}
    with hep_style():
        figure, panels = new_figure(len(HEADLINE_METRICS), size=(18.0, 6.4))
        for axes, metric in zip(panels, HEADLINE_METRICS, strict=True):
            rows = table[table["metric"] == metric]
            series = {str(name): _series(one) for name, one in rows.groupby("variant", sort=False)}
            draw_gains(axes, series, PANEL_LABELS[metric], is_ratio=is_ratio(metric))
            numbers[metric] = {name: vars(one) for name, one in series.items()}
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
        return save_figure(figure, path, numbers)


def _series(rows: pd.DataFrame) -> GainSeries:
    columns = ("events", "gain", "lo", "hi", "seeds")
    return GainSeries(*(rows[name].to_numpy() for name in columns))
