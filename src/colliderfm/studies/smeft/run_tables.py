"""Study smeft: what each number of a report stands on: commands, data, encoder, commits, runs."""

from __future__ import annotations

import re

import numpy as np

from colliderfm.studies.smeft.arm_styles import arm_label
from colliderfm.studies.smeft.summary import ACCURACY, Comparison
from colliderfm.studies.smeft.table_text import markdown


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
    has_command = "command" in comparison.cells.columns
    rows = []
    for events in comparison.events:
        for init in comparison.inits:
            cells = comparison.rows(init, events)
            if cells.empty:
                continue
            row = [f"{events:,}", arm_label(init), f"{len(cells)}"]
            for name in known:
                row.append(", ".join(dict.fromkeys(run_cell(name, value) for value in cells[name])))
            if has_command:
                first = str(cells["command"].iloc[0])
                row.append(f"`{re.sub('--seed [0-9]+', '--seed SEED', first)}`")
            rows.append(row)
    titles = ["labeled replicas", "arm", "seeds", *known.values()]
    return markdown([*titles, *(["command"] if has_command else [])], rows)


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
        "events": "replicas",
        "seed": "seed",
        ACCURACY: "accuracy",
        "test/ood_auroc": "AUROC",
        "test/retrieval_recall": "recall",
        "updates_to_best": "best at",
        "stopped": "stopped",
        "encoder_version": "encoder",
        "data_md5": "data md5",
        "commit": "commit",
        "run_id": "run",
        "command": "command",
    }
    known = {name: title for name, title in columns.items() if name in comparison.cells.columns}
    rows = [[run_cell(name, row[name]) for name in known] for _, row in comparison.cells.iterrows()]
    return markdown(list(known.values()), rows)


def run_cell(name: str, value: object) -> str:
    """Write one entry of the run table.

    Parameters
    ----------
    name : str
        Column.
    value : object
        Entry.

    Returns
    -------
    str
        A dash for a missing value.
    """
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return "–"
    if name in ("data_md5", "run_id", "commit"):
        return f"`{str(value)[:8]}`"
    if name == "command":
        return f"`{value}`"
    if name == "encoder_version":
        return f"v{value:.0f}" if value else "–"
    if name.startswith("test/"):
        return f"{value:.4f}"
    return f"{value:.0f}" if isinstance(value, float) else str(value)
