"""A measured spectrum with its errors from CSV, JSON or Parquet, held to the bins of a table.

One row per bin: ``observable, low, high`` (GeV), ``value`` (dsigma/dX in pb/GeV) and either ``error``
or a covariance in (pb/GeV)^2: columns ``covariance_0``, ``covariance_1``, … in the order of the
rows, in JSON and Parquet also one list per row, in JSON also one matrix beside ``bins``.
Read next: ``spectrum_check``.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from colliderfm.data.spectrum_check import checked_covariance, numbers, order_of_rows
from colliderfm.data.writing import write_bytes_atomic
from colliderfm.errors import DataError
from colliderfm.physics.spectrum_table import SpectrumTable

_NEEDED = ("observable", "low", "high", "value")
_COVARIANCE_COLUMN = re.compile(r"covariance_(\d+)")
_FORMATS = (".csv", ".json", ".parquet")


@dataclass(frozen=True)
class Spectrum:
    """One spectrum in the bins of a table.

    Parameters
    ----------
    values : ndarray, shape (B,), pb/GeV
        Densities dsigma/dX.
    covariance : ndarray, shape (B, B), (pb/GeV)^2
        Symmetric, positive semi-definite, positive diagonal.
    source : str
        File it came from.
    has_correlations : bool
        Whether the file gave a covariance or errors only.
    """

    values: np.ndarray
    covariance: np.ndarray
    source: str
    has_correlations: bool


def read_spectrum(path: Path | str, table: SpectrumTable) -> Spectrum:
    """Read a spectrum and hold it to the bins of a table.

    Parameters
    ----------
    path : path
        ``*.csv``, ``*.json`` or ``*.parquet``.
    table : SpectrumTable
        Defines number, order and edges of the bins. Observables may come in any order, the bins of
        one must rise.

    Returns
    -------
    Spectrum
        In the order of the table.

    Raises
    ------
    DataError
        Names file, column and row: wrong number of bins, edges that do not rise or are not the
        table's, a missing column, NaN, errors that are not positive, a covariance that is not
        symmetric or not positive semi-definite.
    """
    path = Path(path)
    columns, matrix = _read_columns(path)
    for name in _NEEDED:
        if name not in columns:
            _refuse_column(path, name, columns)
    has_matrix = matrix is not None or "covariance" in columns
    if "error" not in columns and not has_matrix:
        _refuse_column(path, "error (or covariance)", columns)
    low, high, values = (numbers(path, name, columns[name]) for name in ("low", "high", "value"))
    order = order_of_rows(path, columns["observable"], low, high, table)
    error = numbers(path, "error", columns["error"]) if "error" in columns else None
    rows = columns.get("covariance") if matrix is None else matrix
    covariance = checked_covariance(path, error, rows, table.n_bins)
    return Spectrum(values[order], covariance[np.ix_(order, order)], str(path), has_matrix)


def write_spectrum(
    path: Path | str, table: SpectrumTable, values: np.ndarray, covariance: np.ndarray
) -> None:
    """Write a spectrum as ``read_spectrum`` takes it.

    Parameters
    ----------
    path : path
        ``*.csv``, ``*.json`` or ``*.parquet``.
    table : SpectrumTable
        Bins.
    values : ndarray, shape (B,), pb/GeV
        Densities.
    covariance : ndarray, shape (B, B), (pb/GeV)^2
        A diagonal one is written as errors.

    Raises
    ------
    DataError
        For another ending, or if the disk refuses.
    """
    path = Path(path)
    columns: dict[str, list[Any]] = {
        "observable": list(table.observable),
        "low": table.low_gev.tolist(),
        "high": table.high_gev.tolist(),
        "value": np.asarray(values, dtype=np.float64).tolist(),
    }
    is_diagonal = not np.any(covariance - np.diag(np.diagonal(covariance)))
    if is_diagonal:
        columns["error"] = np.sqrt(np.diagonal(covariance)).tolist()
    else:
        for number, row in enumerate(covariance.T.tolist()):
            columns[f"covariance_{number}"] = row
    write_bytes_atomic(path, _encode(path, columns))


def _encode(path: Path, columns: dict[str, list[Any]]) -> bytes:
    if path.suffix == ".parquet":
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table(columns), sink)
        return bytes(sink.getvalue())
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    if path.suffix == ".json":
        return (json.dumps({"bins": rows}, indent=1) + "\n").encode()
    if path.suffix == ".csv":
        text = io.StringIO()
        writer = csv.DictWriter(text, list(columns), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue().encode()
    raise _unknown_format(path)


def _read_columns(path: Path) -> tuple[dict[str, list[Any]], list[Any] | None]:
    """Columns by name, ``covariance`` with one list per row, and a matrix that stands beside."""
    if path.suffix.lower() not in _FORMATS:
        raise _unknown_format(path)
    matrix = None
    try:
        if path.suffix.lower() == ".parquet":
            columns = pq.read_table(path).to_pydict()
        elif path.suffix.lower() == ".json":
            content = json.loads(path.read_text(encoding="utf-8"))
            rows = content["bins"] if isinstance(content, dict) else content
            matrix = content.get("covariance") if isinstance(content, dict) else None
            columns = _columns_of_rows(path, rows)
        else:
            with path.open(encoding="utf-8-sig", newline="") as stream:
                columns = _columns_of_rows(path, list(csv.DictReader(stream)))
    except (OSError, ValueError, KeyError, TypeError, csv.Error, pa.ArrowException) as err:
        raise DataError(
            f"{path} cannot be read as {path.suffix[1:]}",
            got=f"{type(err).__name__}: {str(err).splitlines()[0]}",
            need="one row per bin with observable, low, high, value and error or covariance",
        ) from err
    wide = [name for name in columns if _COVARIANCE_COLUMN.fullmatch(str(name))]
    if wide and "covariance" not in columns:
        wide.sort(key=lambda name: int(name.rpartition("_")[2]))
        if wide != [f"covariance_{number}" for number in range(len(wide))]:
            got = ", ".join(wide[:4])
            raise DataError(f"{path}: covariance columns", got=got, need="covariance_0, …, no gap")
        columns["covariance"] = [
            list(row) for row in zip(*(columns[name] for name in wide), strict=True)
        ]
    return columns, matrix


def _columns_of_rows(path: Path, rows: list[Any]) -> dict[str, list[Any]]:
    """Turn a list of rows into columns; every row must have the keys of the first."""
    if not rows:
        raise DataError(f"{path}: no rows", need="one row per bin")
    for number, row in enumerate(rows):
        wrong = (
            not isinstance(row, Mapping)
            or set(row) != set(rows[0])
            or None in row
            or None in row.values()
        )
        if wrong:
            raise DataError(
                f"{path}: row {number}",
                got=f"{list(row)}" if isinstance(row, Mapping) else repr(row),
                need=f"the columns {', '.join(str(name) for name in rows[0])}, each with a value",
            )
    return {str(name).strip(): [row[name] for row in rows] for name in rows[0]}


def _refuse_column(path: Path, name: str, columns: Mapping[str, Any]) -> None:
    raise DataError(
        f"{path}: column {name} is missing",
        got=", ".join(list(columns)[:8]),
        need=f"{', '.join(_NEEDED)} and error or covariance",
    )


def _unknown_format(path: Path) -> DataError:
    return DataError(f"{path}: format", got=path.suffix or "no ending", need=", ".join(_FORMATS))
