"""What ``compare`` wrote, read back: cells, what goes with them, and several comparisons on one page.

Read next: ``report.py``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from colliderfm.errors import DataError
from colliderfm.pipelines.run_record import runs_file


def read_cells(folder: Path, *, with_runs: bool) -> pd.DataFrame:
    """Return the cells of a comparison, one row each.

    Parameters
    ----------
    folder : Path
        What ``compare`` wrote.
    with_runs : bool
        Add run id, seconds and the commit of each cell.

    Raises
    ------
    DataError
        If the folder holds no comparison.
    """
    path = folder / "cells.json"
    if not path.is_file():
        raise DataError(
            f"no comparison in {folder}",
            need="cells.json",
            fix="run `colliderfm compare --study NAME` first",
        )
    cells = pd.DataFrame(json.loads(path.read_text(encoding="utf-8")))
    if with_runs and runs_file(folder).is_file():
        runs = pd.DataFrame(json.loads(runs_file(folder).read_text(encoding="utf-8")))
        cells = pd.concat([cells, runs.drop(columns="key")], axis=1)
    return cells


def read_variants(folder: Path) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Return the cells of several encoders, each from one or more comparisons.

    Parameters
    ----------
    folder : Path
        Holds one folder per encoder; every ``cells.json`` at any depth below it counts, so that sizes
        with different numbers of seeds can be compared apart. A cell that two of them share, such as
        a scratch run, counts once. A folder without any pretrained run serves all encoders.

    Returns
    -------
    cells : dict of str to DataFrame
        By the name of the encoder's folder, with run id, seconds and commit.
    not_run : list of str
        Cells of the grids that have no result.

    Raises
    ------
    DataError
        If there is no comparison, or those of one name are of different weights or data.
    """
    found, not_run = {}, []
    for place in sorted(path for path in folder.glob("*") if path.is_dir()):
        parts = sorted(path.parent for path in place.rglob("cells.json"))
        if parts:
            found[place.name] = pd.concat([read_cells(part, with_runs=True) for part in parts])
        for part in parts:
            not_run += [f"{place.name}: {name}" for name in read_part(part, "not_run.json")]
    encoders = [name for name in found if "pretrained" in set(found[name]["init"])]
    if not encoders:
        raise DataError(
            f"no comparison below {folder}",
            need="ENCODER/cells.json, or deeper, with pretrained runs",
            fix="run `colliderfm compare --study NAME --encoder … --out …` for each encoder first",
        )
    shared = [found[name] for name in found if name not in encoders]
    return {name: _merged(name, [found[name], *shared]) for name in encoders}, not_run


def _merged(name: str, tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put the cells of one encoder together, equal ones once."""
    cells = pd.concat(tables)
    _check_one_encoder(name, cells)
    measured = [key for key in cells.columns if key.startswith("test/")]
    same = cells.duplicated(["init", "events", "seed", *measured])
    return cells[~same].reset_index(drop=True)


def _check_one_encoder(name: str, cells: pd.DataFrame) -> None:
    pretrained = cells[cells["init"] == "pretrained"]
    for key, rows in (("encoder_sha256", pretrained), ("data_md5", cells)):
        found = sorted(set(rows[key].astype(str)))
        if len(found) > 1:
            raise DataError(
                f"comparisons of the encoder {name}",
                got=f"{key} {' and '.join(value[:8] for value in found)}",
                need="one encoder and one event set per folder",
            )


def read_part(folder: Path, name: str) -> Any:
    """Return one of the JSON files that ``compare`` writes beside the cells.

    Raises
    ------
    DataError
        If it is not there.
    """
    path = folder / name
    if not path.is_file():
        raise DataError(
            f"the comparison in {folder} is incomplete",
            got=f"no {name}",
            fix="run the `colliderfm compare` that wrote it again; finished runs are kept",
        )
    return json.loads(path.read_text(encoding="utf-8"))
