"""How numbers, spreads, gains and tables are written in the report of any study."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from colliderfm.stats.intervals import PairedGain
from colliderfm.studies.cell_comparison import CellComparison

# Columns of the run table that tell how to get a number again, with their titles.
REPRODUCES = {
    "updates_to_best": "best at",
    "stopped": "stopped",
    "encoder_version": "encoder",
    "data_md5": "data md5",
    "commit": "commit",
    "run_id": "run",
    "command": "command",
}


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Write a Markdown table.

    Parameters
    ----------
    header : sequence of str
        Column titles.
    rows : sequence of sequence of str
        Cells.

    Returns
    -------
    list of str
        Lines; empty without a row.
    """
    lines = [header, ["---"] * len(header), *rows]
    return [f"| {' | '.join(line)} |" for line in lines] if rows else []


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Write a table for a terminal.

    Parameters
    ----------
    rows : sequence of sequence of str
        Cells, the titles first; all rows of one length.

    Returns
    -------
    list of str
        Lines with two blanks between columns, none at the end.
    """
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in rows]
    return [line.rstrip() for line in lines]


def spread(mean: float, sd: float, digits: int = 3) -> str:
    """Write a mean with its standard deviation over seeds, if there is one.

    Parameters
    ----------
    mean, sd : float
        The two numbers; sd NaN for one seed.
    digits : int
        Decimals.

    Returns
    -------
    str
        ``0.843 ± 0.017``.
    """
    return f"{mean:.{digits}f}" + (f" ± {sd:.{digits}f}" if np.isfinite(sd) else "")


def gain_text(gain: PairedGain) -> str:
    """Write a gain with its interval: a signed difference or a factor.

    Parameters
    ----------
    gain : PairedGain
        From `Comparison.gain`.

    Returns
    -------
    str
        ``+0.030 [+0.011, +0.049]`` or ``×1.59 [1.12, 2.26]``.
    """
    if gain.is_ratio:
        interval = f" [{gain.low:.2f}, {gain.high:.2f}]" if gain.n > 1 else ""
        return f"×{gain.gain:.2f}{interval}"
    interval = f" [{gain.low:+.3f}, {gain.high:+.3f}]" if gain.n > 1 else ""
    return f"{gain.gain:+.3f}{interval}"


def convergence_table(
    comparison: CellComparison,
    unit: str,
    label: Callable[[str], str],
    *,
    without: Collection[str] = (),
) -> list[str]:
    """Write updates until the best validation and runs stopped at the cap.

    Parameters
    ----------
    comparison : CellComparison
        The cells, with ``updates_to_best`` and ``stopped`` where known.
    unit : str
        What training sizes count, e.g. ``"training events"``.
    label : callable
        Arm to its readable name.
    without : collection of str
        Arms that have no updates.

    Returns
    -------
    list of str
        Lines of Markdown; empty without these columns.
    """
    rows = []
    for events in comparison.events:
        for init in comparison.inits:
            updates = comparison.mean(init, events, "updates_to_best")
            if updates is None or updates.mean == 0.0 or init in without:
                continue
            cells = comparison.rows(init, events)
            capped = int((cells["stopped"] == "cap").sum()) if "stopped" in cells else 0
            flag = f"{capped} of {len(cells)} stopped at the cap" if capped else "all at a plateau"
            rows.append([f"{events:,}", label(init), spread(updates.mean, updates.sd, 0), flag])
    return markdown([unit, "arm", "updates to best validation", "stopped"], rows)


def provenance_table(
    comparison: CellComparison, unit: str, label: Callable[[str], str]
) -> list[str]:
    """Write what each row of the headline stands on.

    Parameters
    ----------
    comparison : CellComparison
        The cells; columns that are absent are left out.
    unit : str
        What training sizes count, e.g. ``"training events"``.
    label : callable
        Arm to its readable name.

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
            row = [f"{events:,}", label(init), f"{len(cells)}"]
            for name in known:
                row.append(", ".join(dict.fromkeys(run_cell(name, value) for value in cells[name])))
            if has_command:
                first = str(cells["command"].iloc[0])
                row.append(f"`{re.sub('--seed [0-9]+', '--seed SEED', first)}`")
            rows.append(row)
    titles = [unit, "arm", "seeds", *known.values()]
    return markdown([*titles, *(["command"] if has_command else [])], rows)


def run_table(
    comparison: CellComparison, unit: str, metrics: Mapping[str, tuple[str, int]]
) -> list[str]:
    """Write one row per run with what reproduces it.

    Parameters
    ----------
    comparison : CellComparison
        The cells; columns that are absent are left out.
    unit : str
        Title of the training size.
    metrics : mapping of str to (str, int)
        Title and decimals of the metrics to show, by column.

    Returns
    -------
    list of str
        Lines of Markdown.
    """
    columns = {"init": "arm", "events": unit, "seed": "seed"}
    columns |= {name: title for name, (title, _) in metrics.items()} | REPRODUCES
    known = {name: title for name, title in columns.items() if name in comparison.cells.columns}
    digits = {name: number for name, (_, number) in metrics.items()}
    rows = [
        [run_cell(name, row[name], digits) for name in known]
        for _, row in comparison.cells.iterrows()
    ]
    return markdown(list(known.values()), rows)


def run_cell(name: str, value: Any, digits: Mapping[str, int] | None = None) -> str:
    """Write one entry of the run table.

    Parameters
    ----------
    name : str
        Column.
    value : object
        Entry.
    digits : mapping of str to int, optional
        Decimals by column.

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
    if digits and name in digits:
        return f"{value:.{digits[name]}f}"
    return f"{value:.0f}" if isinstance(value, float) else str(value)
