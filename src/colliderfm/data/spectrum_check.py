"""Hold a spectrum from a file to the bins of a table and its covariance to what one can be.

Rows count from 0, below the header. A fault is reported with file, column and row.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from colliderfm.errors import DataError
from colliderfm.physics.spectrum_table import SpectrumTable

# Text files carry six digits or more; edges are compared to a millionth of the bin.
_EDGE_TOLERANCE = 1e-6
_ROUNDING = 1e-5


def numbers(path: Path, name: str, column: Sequence[Any]) -> np.ndarray:
    """Turn a column into finite numbers.

    Parameters
    ----------
    path : Path
        Named in messages.
    name : str
        Column.
    column : sequence
        Numbers or their text.

    Returns
    -------
    ndarray, shape (B,)
        Values.

    Raises
    ------
    DataError
        Names the first row that is not a finite number.
    """
    values = np.empty(len(column))
    for row, content in enumerate(column):
        try:
            values[row] = float(content)
        except (TypeError, ValueError):
            values[row] = np.nan
        if not np.isfinite(values[row]):
            where = f"{path}: column {name}, row {row}"
            raise DataError(where, got=repr(content), need="a finite number")
    return values


def order_of_rows(
    path: Path, observables: Sequence[Any], low: np.ndarray, high: np.ndarray, table: SpectrumTable
) -> np.ndarray:
    """Row of each bin of the table.

    Parameters
    ----------
    path : Path
        Named in messages.
    observables : sequence of str, length N
        Observable per row.
    low, high : ndarray, shape (N,), GeV
        Edges per row.
    table : SpectrumTable
        Bins that are wanted.

    Returns
    -------
    ndarray, shape (B,), int
        Indices of rows.

    Raises
    ------
    DataError
        For unknown observables, a wrong number of bins, edges that do not rise or do not match.
    """
    names = np.array([str(name).strip() for name in observables])
    wanted = np.array(table.observable)
    for row, name in enumerate(names):
        if name not in table.observable:
            need = f"one of {', '.join(dict.fromkeys(table.observable))}"
            raise DataError(f"{path}: column observable, row {row}", got=repr(name), need=need)
    order = np.empty(table.n_bins, dtype=np.int64)
    for name in dict.fromkeys(table.observable):
        rows, bins = np.flatnonzero(names == name), np.flatnonzero(wanted == name)
        _check_rising(path, rows, low, high)
        if len(rows) != len(bins):
            raise DataError(
                f"{path}: column observable, {name}",
                got=f"{len(rows)} bins",
                need=f"{len(bins)} from {table.low_gev[bins[0]]:g} to {table.high_gev[bins[-1]]:g}"
                f" GeV ({table.n_bins} bins of all observables)",
            )
        edges = (("low", low, table.low_gev), ("high", high, table.high_gev))
        for column, found, expected in edges:
            tolerance = _EDGE_TOLERANCE * table.width_gev[bins]
            is_wrong = np.abs(found[rows] - expected[bins]) > tolerance
            if is_wrong.any():
                first = int(np.argmax(is_wrong))
                raise DataError(
                    f"{path}: column {column}, row {rows[first]}",
                    got=f"{found[rows[first]]:g} GeV",
                    need=f"{expected[bins[first]]:g} GeV, as the table has",
                )
        order[bins] = rows
    return order


def _check_rising(path: Path, rows: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
    """Bins of one observable rise and do not overlap."""
    previous = -np.inf
    for row in rows:
        if not low[row] < high[row]:
            got = f"low {low[row]:g}, high {high[row]:g}"
            raise DataError(f"{path}: column high, row {row}", got=got, need="high above low")
        if low[row] < previous - _EDGE_TOLERANCE * abs(previous):
            raise DataError(
                f"{path}: column low, row {row}",
                got=f"{low[row]:g} GeV after a bin that ends at {previous:g} GeV",
                need="edges that rise",
            )
        previous = high[row]


def checked_covariance(
    path: Path, error: np.ndarray | None, rows: Sequence[Any] | None, n_bins: int
) -> np.ndarray:
    """Covariance from errors or from a matrix.

    Parameters
    ----------
    path : Path
        Named in messages.
    error : ndarray, shape (B,), optional
        Standard deviations.
    rows : sequence of B sequences, optional
        Covariance; errors given beside it must be its own.
    n_bins : int
        Bins B.

    Returns
    -------
    ndarray, shape (B, B)
        In the order of the rows, exactly symmetric.

    Raises
    ------
    DataError
        Names column and row of a wrong length, NaN, a variance that is not positive, an asymmetry;
        or says that the matrix is not positive semi-definite.
    """
    if error is not None:
        _check_positive(path, "error", error)
    if rows is None:
        return np.diag(np.asarray(error) ** 2)
    covariance = _matrix(path, rows, n_bins)
    variance = np.diagonal(covariance)
    _check_positive(path, "covariance", variance)
    sigma = np.sqrt(variance)
    if error is not None and (np.abs(error - sigma) > 1e-3 * sigma).any():
        row = int(np.argmax(np.abs(error - sigma) / sigma))
        got, need = f"{error[row]:g}", f"{sigma[row]:g}, the root of the covariance's diagonal"
        raise DataError(f"{path}: column error, row {row}", got=got, need=need)
    correlation = covariance / (sigma[:, None] * sigma)
    asymmetry = np.abs(correlation - correlation.T)
    if asymmetry.max() > _ROUNDING:
        row, column = divmod(int(np.argmax(asymmetry)), n_bins)
        raise DataError(
            f"{path}: column covariance, row {row}, entry {column}",
            got=f"{covariance[row, column]:g}, but {covariance[column, row]:g} across",
            need="a symmetric matrix",
        )
    _check_positive_semi_definite(path, 0.5 * (correlation + correlation.T))
    return np.asarray(0.5 * (covariance + covariance.T))


def _matrix(path: Path, rows: Sequence[Any], n_bins: int) -> np.ndarray:
    """Numbers of a covariance, shape (B, B)."""
    if not isinstance(rows, list) or len(rows) != n_bins:
        got = f"{len(rows)} rows" if isinstance(rows, list) else repr(rows)
        raise DataError(f"{path}: column covariance", got=got, need=f"{n_bins} rows")
    covariance = np.empty((n_bins, n_bins))
    for number, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != n_bins:
            where = f"{path}: column covariance, row {number}"
            got = f"{len(row)} numbers" if isinstance(row, list) else repr(row)
            raise DataError(where, got=got, need=f"{n_bins} numbers")
        try:
            covariance[number] = numbers(path, "covariance", row)
        except DataError as err:
            entry = err.what.rpartition(" ")[2]
            where = f"{path}: column covariance, row {number}, entry {entry}"
            raise DataError(where, got=err.got, need=err.need) from None
    return covariance


def _check_positive(path: Path, name: str, values: np.ndarray) -> None:
    if not (values > 0.0).all():
        row = int(np.argmin(values > 0.0))
        what = "variance" if name == "covariance" else "error"
        where = f"{path}: column {name}, row {row}"
        raise DataError(where, got=f"{what} {values[row]:g}", need=f"a positive {what}")


def _check_positive_semi_definite(path: Path, correlation: np.ndarray) -> None:
    # Of the correlation: variances of one spectrum span a dozen decades.
    eigenvalue, vector = np.linalg.eigh(correlation)
    if eigenvalue[0] < -_ROUNDING * eigenvalue[-1]:
        row = int(np.argmax(np.abs(vector[:, 0])))
        raise DataError(
            f"{path}: column covariance is not positive semi-definite, most of all in row {row}",
            got=f"an eigenvalue {eigenvalue[0]:.3g} of the correlation matrix",
            need="none below zero",
        )
