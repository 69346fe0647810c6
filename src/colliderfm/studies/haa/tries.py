"""Study haa: short reports of side questions, and one page that lists all of them with their gains.

A try changes one thing of the comparison (the encoder, the size, the target) and is judged by the same
paired test; a try that brought nothing is listed like one that did.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from colliderfm.config.schema import HaaStudy
from colliderfm.stats.intervals import verdict
from colliderfm.studies.cell_comparison import summary_table
from colliderfm.studies.haa import tables
from colliderfm.studies.haa.summary import Comparison, flat_metrics, gain_table
from colliderfm.studies.haa.table_text import arm_cell
from colliderfm.studies.report_files import write_texts
from colliderfm.studies.report_tables import gain_text, markdown, provenance_table

TRY_FILE, INDEX_FILE = "try.json", "README.md"


def write_try(
    comparison: Comparison, settings: HaaStudy, folder: Path, extras: Mapping[str, Any]
) -> list[Path]:
    """Write the short report of a side question and list it on the page above it.

    Parameters
    ----------
    comparison : Comparison
        The cells.
    settings : HaaStudy
        The study as it was changed for the question.
    folder : Path
        Gets ``report.md``, ``headline.txt``, ``metrics.json``, ``summary.csv``, ``gains.csv`` and
        ``try.json``; ``README.md`` beside it is written again.
    extras : mapping
        ``question`` (text), ``not_run`` (list of text).

    Returns
    -------
    list of Path
        The files written.
    """
    question = str(extras["question"])
    texts = {
        "report.md": _report_text(comparison, settings, question, extras.get("not_run", [])),
        "headline.txt": f"{question}\n\n{tables.headline_text(comparison)}\n",
        "metrics.json": json.dumps(flat_metrics(comparison), indent=1) + "\n",
        "summary.csv": summary_table(comparison).to_csv(index=False, float_format="%.6g"),
        "gains.csv": gain_table(comparison).to_csv(index=False, float_format="%.6g"),
        TRY_FILE: json.dumps(_try_content(comparison, question), indent=1) + "\n",
    }
    return [*write_texts(folder, texts), write_index(folder.parent)]


def write_index(folder: Path) -> Path:
    """List every try below a folder with its paired gain in AUC.

    Parameters
    ----------
    folder : Path
        Holds one folder per try.

    Returns
    -------
    Path
        The page.
    """
    rows = []
    for path in sorted(folder.glob(f"*/{TRY_FILE}")):
        content = json.loads(path.read_text(encoding="utf-8"))
        first = f"[{content['question']}]({path.parent.name}/report.md)"
        for row in content["rows"]:
            cells = (row["events"], row["scratch"], row["pretrained"], row["gain"], row["verdict"])
            rows.append([first, *map(str, cells)])
            first = ""
    header = ["what was tried", "training events", "scratch", "pretrained", "gain [95%]", "verdict"]
    lines = [
        "# Where does pretraining pay? Every try, the failures as well",
        "",
        "Test AUC, mean ± standard deviation over seeds; gains of pretrained over scratch are paired by "
        "seed, with 95% Student-t intervals. No correction is made for the number of tries.",
        "",
        *markdown(header, rows),
    ]
    page = folder / INDEX_FILE
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return page


def setting_text(settings: HaaStudy) -> str:
    """Say what is told from what, and how runs are trained."""
    cap = f"{settings.max_updates} updates"
    if settings.max_epochs:
        cap += f" or {settings.max_epochs} passes over its events, whichever is more"
    return (
        f"Signal: {', '.join(settings.signals)}; background: {', '.join(settings.backgrounds)}. "
        f"Training events hold {settings.signal_fraction:.0%} signal; assignment has weight "
        f"{settings.assign_weight:g}; a run has at most {cap}."
    )


def _try_content(comparison: Comparison, question: str) -> dict[str, Any]:
    rows = []
    for events in comparison.events:
        gain = comparison.gain(events, "test/auc")
        if gain is not None:
            arms = {
                init: arm_cell(comparison, init, events, "test/auc")
                for init in ("scratch", "pretrained")
            }
            rows.append(
                {"events": events, **arms, "gain": gain_text(gain), "verdict": verdict(gain)}
            )
    return {"question": question, "rows": rows}


def _report_text(
    comparison: Comparison, settings: HaaStudy, question: str, not_run: Sequence[str]
) -> str:
    seeds = comparison.cells["seed"].nunique()
    lines = [
        f"# {question}",
        "",
        f"{setting_text(settings)} Mean ± standard deviation over {seeds} seeds; gains are "
        "pretrained against scratch, paired by seed, with 95% Student-t intervals.",
        "",
        *tables.headline_tables(comparison),
        "## Updates to the best validation",
        "",
        *tables.convergence_table(comparison),
        "",
        "## What each row stands on",
        "",
        *provenance_table(comparison, "training events", tables.arm_label),
        "",
        "## Cells not run",
        "",
        *([f"- {cell}" for cell in not_run] or ["none: the grid is complete"]),
    ]
    return "\n".join(lines) + "\n"
