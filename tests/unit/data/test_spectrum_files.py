"""Spectra of users: three formats read alike, and every fault named with file, column and row."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from toy_spectra import toy_table

from colliderfm.data.spectrum_files import read_spectrum, write_spectrum
from colliderfm.errors import DataError
from colliderfm.physics.replicas import STUDY_NOISE, noise_model, poisson_sigma

TABLE = toy_table()
VALUES = TABLE.sm_pb / TABLE.width_gev
ERRORS = poisson_sigma(TABLE)
COVARIANCE = noise_model(TABLE, VALUES[None], STUDY_NOISE).covariance()
FORMATS = ("csv", "json", "parquet")


def rows_of_table() -> list[dict[str, object]]:
    """One row per bin with errors."""
    columns = (TABLE.observable, TABLE.low_gev, TABLE.high_gev, VALUES, ERRORS)
    names = ("observable", "low", "high", "value", "error")
    return [
        dict(zip(names, (row[0], *map(float, row[1:])), strict=True))
        for row in zip(*columns, strict=True)
    ]


def write_rows(path, rows):
    """Write rows in the format of the ending, whatever they hold."""
    names = list(rows[0])
    if path.suffix == ".json":
        path.write_text(json.dumps(rows))
    elif path.suffix == ".csv":
        lines = [",".join(str(row.get(name, "")) for name in names) for row in rows]
        path.write_text("\n".join([",".join(names), *lines]) + "\n")
    else:
        pq.write_table(pa.table({name: [row.get(name) for row in rows] for name in names}), path)
    return path


def write_matrix(path, covariance):
    """Write JSON with a matrix beside the bins."""
    path.write_text(json.dumps({"bins": rows_of_table(), "covariance": covariance.tolist()}))
    return path


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("is_correlated", [False, True])
def test_a_spectrum_survives_the_trip(tmp_path, ending, is_correlated):
    path = tmp_path / f"spectrum.{ending}"
    covariance = COVARIANCE if is_correlated else np.diag(ERRORS**2)
    write_spectrum(path, TABLE, VALUES, covariance)
    spectrum = read_spectrum(path, TABLE)
    assert spectrum.values == pytest.approx(VALUES, rel=1e-15)
    scale = np.sqrt(np.outer(np.diagonal(covariance), np.diagonal(covariance)))
    assert spectrum.covariance / scale == pytest.approx(covariance / scale, abs=1e-12)
    assert spectrum.has_correlations == is_correlated
    assert spectrum.source == str(path)


def test_all_ways_to_give_a_covariance_agree(tmp_path):
    matrix = read_spectrum(write_matrix_without_errors(tmp_path / "matrix.json", COVARIANCE), TABLE)
    rows = [
        {**{k: v for k, v in row.items() if k != "error"}, "covariance": line}
        for row, line in zip(rows_of_table(), COVARIANCE.tolist(), strict=True)
    ]
    for name in ("lists.json", "lists.parquet"):
        lists = read_spectrum(write_rows(tmp_path / name, rows), TABLE)
        assert np.array_equal(lists.covariance, matrix.covariance)


def write_matrix_without_errors(path, covariance):
    """Write JSON with a matrix and no errors."""
    rows = [{k: v for k, v in row.items() if k != "error"} for row in rows_of_table()]
    path.write_text(json.dumps({"bins": rows, "covariance": covariance.tolist()}))
    return path


def test_observables_may_come_in_any_order(tmp_path):
    rows = rows_of_table()
    path = write_rows(tmp_path / "swapped.csv", rows[60:] + rows[:60])
    spectrum = read_spectrum(path, TABLE)
    assert spectrum.values == pytest.approx(VALUES)
    assert np.sqrt(np.diagonal(spectrum.covariance)) == pytest.approx(ERRORS)


@pytest.mark.parametrize("ending", FORMATS)
def test_a_wrong_number_of_bins_is_refused(tmp_path, ending):
    rows = rows_of_table()
    path = write_rows(tmp_path / f"short.{ending}", rows[:59] + rows[60:])
    with pytest.raises(DataError, match=rf"short\.{ending}: column observable, mll") as caught:
        read_spectrum(path, TABLE)
    assert caught.value.got == "59 bins"
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize(
    ("row", "changed", "where"),
    [
        (5, {"low": 95.0}, "column low, row 5"),
        (6, {"low": 90.0}, "column low, row 6"),
        (7, {"low": 130.0}, "column high, row 7"),
        (8, {"high": 135.0}, "column high, row 8"),
        (59, {"high": 700.0}, "column high, row 59"),
        (3, {"value": float("nan")}, "column value, row 3"),
        (3, {"value": float("inf")}, "column value, row 3"),
        (2, {"error": float("nan")}, "column error, row 2"),
        (2, {"error": -1e-3}, "column error, row 2"),
        (2, {"error": 0.0}, "column error, row 2"),
        (61, {"observable": "mass"}, "column observable, row 61"),
    ],
)
def test_bad_rows_are_named(tmp_path, ending, row, changed, where):
    rows = rows_of_table()
    rows[row].update(changed)
    path = write_rows(tmp_path / f"bad.{ending}", rows)
    with pytest.raises(DataError, match=rf"bad\.{ending}: {where}"):
        read_spectrum(path, TABLE)


def test_bins_in_falling_order_are_refused(tmp_path):
    rows = rows_of_table()
    path = write_rows(tmp_path / "falling.csv", rows[:60][::-1] + rows[60:])
    with pytest.raises(DataError, match="column low, row 1") as caught:
        read_spectrum(path, TABLE)
    assert caught.value.need == "edges that rise"


def test_words_and_missing_values_are_refused(tmp_path):
    rows = rows_of_table()
    rows[4]["value"] = "many"
    with pytest.raises(DataError, match="column value, row 4"):
        read_spectrum(write_rows(tmp_path / "word.csv", rows), TABLE)
    del rows[4]["value"]
    with pytest.raises(DataError, match="row 4"):
        read_spectrum(write_rows(tmp_path / "gap.json", rows), TABLE)
    with pytest.raises(DataError, match="column value, row 4"):
        read_spectrum(write_rows(tmp_path / "gap.parquet", rows), TABLE)


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("name", ["observable", "low", "high", "value", "error"])
def test_missing_columns_are_named(tmp_path, ending, name):
    rows = [{key: value for key, value in row.items() if key != name} for row in rows_of_table()]
    with pytest.raises(DataError, match=f"column {name}"):
        read_spectrum(write_rows(tmp_path / f"part.{ending}", rows), TABLE)


def test_a_covariance_must_be_positive_semi_definite(tmp_path):
    broken = np.diag(ERRORS**2)
    broken[10, 11] = broken[11, 10] = 1.5 * ERRORS[10] * ERRORS[11]
    path = write_matrix(tmp_path / "negative.json", broken)
    with pytest.raises(DataError, match=r"covariance is not positive semi-definite.*row 1[01]"):
        read_spectrum(path, TABLE)


def test_a_covariance_must_be_symmetric(tmp_path):
    broken = np.diag(ERRORS**2)
    broken[3, 4] = 0.5 * ERRORS[3] * ERRORS[4]
    with pytest.raises(DataError, match="column covariance, row 3, entry 4"):
        read_spectrum(write_matrix(tmp_path / "skew.json", broken), TABLE)


def test_variances_must_be_positive_and_finite(tmp_path):
    for value, where in ((-1.0, "column covariance, row 7"), (0.0, "column covariance, row 7")):
        broken = np.diag(ERRORS**2)
        broken[7, 7] = value
        path = write_matrix_without_errors(tmp_path / "variance.json", broken)
        with pytest.raises(DataError, match=where):
            read_spectrum(path, TABLE)
    broken = np.diag(ERRORS**2)
    broken[7, 9] = np.nan
    with pytest.raises(DataError, match="column covariance, row 7, entry 9"):
        read_spectrum(write_matrix(tmp_path / "nan.json", broken), TABLE)


def test_a_covariance_must_have_the_bins(tmp_path):
    path = write_matrix(tmp_path / "small.json", np.eye(60))
    with pytest.raises(DataError, match="column covariance") as caught:
        read_spectrum(path, TABLE)
    assert (caught.value.got, caught.value.need) == ("60 rows", "92 rows")
    path = write_matrix(tmp_path / "narrow.json", np.ones((92, 91)))
    with pytest.raises(DataError, match="column covariance, row 0"):
        read_spectrum(path, TABLE)


def test_errors_must_agree_with_the_covariance(tmp_path):
    path = write_matrix(tmp_path / "two.json", np.diag(4 * ERRORS**2))
    with pytest.raises(DataError, match="column error, row 0"):
        read_spectrum(path, TABLE)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(DataError, match=r"none\.csv cannot be read"):
        read_spectrum(tmp_path / "none.csv", TABLE)
    with pytest.raises(DataError, match="format"):
        read_spectrum(tmp_path / "spectrum.txt", TABLE)
    for name, content in (("a.json", "{"), ("b.json", "{}"), ("c.json", "3"), ("d.parquet", "x")):
        path = tmp_path / name
        path.write_text(content)
        with pytest.raises(DataError, match=f"{name} cannot be read"):
            read_spectrum(path, TABLE)
    for name, content in (("e.csv", ""), ("f.json", "[]"), ("g.csv", "low,high\n")):
        path = tmp_path / name
        path.write_text(content)
        with pytest.raises(DataError, match=f"{name}: no rows"):
            read_spectrum(path, TABLE)
    path = tmp_path / "h.csv"
    path.write_text("observable,low\nmll,50,60\n")
    with pytest.raises(DataError, match="row 0"):
        read_spectrum(path, TABLE)


def test_gaps_between_covariance_columns_are_refused(tmp_path):
    rows = [{**row, "covariance_0": 1.0, "covariance_2": 1.0} for row in rows_of_table()]
    with pytest.raises(DataError, match="covariance columns"):
        read_spectrum(write_rows(tmp_path / "gap.csv", rows), TABLE)
