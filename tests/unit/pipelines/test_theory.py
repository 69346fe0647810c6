import json

import numpy as np
import pytest

from colliderfm.data.parton_densities import available_sets
from colliderfm.data.table_files import read_table
from colliderfm.errors import ConfigError, DataError, PhysicsError
from colliderfm.pipelines.theory import (
    TableRequest,
    make_table,
    operator_scan,
    scan_operators,
    write_operator_scan,
)

FEW_BINS = {"mll_edges_gev": (50.0, 80.0, 100.0), "pt_edges_gev": (10.0, 20.0, 30.0), "nodes": 6}


@pytest.fixture
def grid(tmp_path):
    """A grid file with u and d of different shapes, good from 1 to 1000 GeV."""
    x, q = np.geomspace(1e-5, 1.0, 40), np.geomspace(1.0, 1000.0, 8)
    ids = (-5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 21)
    power = {1: (0.6, 4.5), 2: (0.5, 3.0)}
    columns = [
        x**a * (1.0 - x) ** b
        for a, b in (power.get(each, (-0.1, 6.0 + 0.1 * each)) for each in ids)
    ]
    rows = [
        " ".join(f"{value:.8e}" for value in row) for row in zip(*columns, strict=True) for _ in q
    ]
    knots = (" ".join(f"{value:.9e}" for value in knots) for knots in (x, q))
    text = "\n".join(["PdfType: central", "---", *knots, " ".join(map(str, ids)), *rows, "---", ""])
    path = tmp_path / "own_0000.dat"
    path.write_text(text)
    return str(path)


def test_a_table_from_an_own_grid_is_written_in_both_forms(grid, tmp_path):
    out, fitter = tmp_path / "table.json", tmp_path / "fitter.json"
    summary = make_table(TableRequest(pdf=grid, **FEW_BINS, out=out, fitter_out=fitter))
    assert summary.paths == (out, fitter)
    table = read_table(out)
    assert table.n_bins == 4
    assert table.provenance["densities"]["name"] == "own"
    assert len(table.provenance["densities"]["sha256"]) == 64
    assert "LO" in json.loads(fitter.read_text())
    assert "2 bins" in str(summary)
    assert str(out) in str(summary)


def test_the_same_request_gives_the_same_bytes(grid, tmp_path):
    paths = [tmp_path / name for name in ("a.json", "b.json")]
    for path in paths:
        make_table(TableRequest(pdf=grid, **FEW_BINS, out=path))
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_options_reach_the_calculation(grid):
    base = make_table(TableRequest(pdf=grid, **FEW_BINS)).table
    for change in ({"nf": 5}, {"eta_max": 1.5}, {"pt_min_gev": 15.0}, {"width": "linear"}):
        other = make_table(TableRequest(pdf=grid, **FEW_BINS, **change)).table
        assert (other.linear_pb != base.linear_pb).any(), change
    linear = make_table(TableRequest(pdf=grid, **FEW_BINS, order="linear", forward_backward=True))
    assert linear.table.order == "linear"
    assert linear.table.n_bins == 8


@pytest.mark.parametrize(
    ("change", "error", "exit_code"),
    [
        ({"lambda_tev": 0.0}, PhysicsError, 7),
        ({"lambda_tev": -2.0}, PhysicsError, 7),
        ({"mll_edges_gev": (50.0, 2000.0)}, PhysicsError, 7),  # Q above the grid
        ({"mll_edges_gev": (50.0, 50.0)}, DataError, 3),
        ({"pt_edges_gev": (20.0, 10.0)}, DataError, 3),
        ({"pdf": "/nowhere/CT18LO_0000.dat"}, DataError, 3),
        ({"pdf": "NNPDF99"}, ConfigError, 2),
        ({"mu_f": "ht"}, ConfigError, 2),
        ({"nf": 3}, ConfigError, 2),
    ],
)
def test_bad_requests_write_nothing(grid, tmp_path, change, error, exit_code):
    out = tmp_path / "never.json"
    with pytest.raises(error) as caught:
        make_table(TableRequest(**{"pdf": grid, **FEW_BINS, "out": out, **change}))
    assert caught.value.exit_code == exit_code
    assert not out.exists()


def test_the_scan_is_certified_and_written(grid, tmp_path):
    request = TableRequest(
        pdf=grid, mll_edges_gev=tuple(np.geomspace(50, 650, 15)), pt_edges_gev=()
    )
    scan = scan_operators(request, tmp_path / "scan")
    assert (scan.rank, scan.is_certified) == (7, True)
    content = json.loads((tmp_path / "scan" / "operator_scan.json").read_text())
    assert len(content["operators"]) == 60
    by_name = {entry["name"]: entry for entry in content["operators"]}
    assert by_name["clq3"]["is_computed"]
    assert len(by_name["clq3"]["effect"]) == 14
    assert not by_name["cuW"]["is_computed"]
    assert by_name["cuW"]["quoted_size"] == 1.9e-4
    text = (tmp_path / "scan" / "operator_scan.md").read_text()
    assert text.startswith("| operator | WCxf |")


def test_the_shipped_table_can_be_scanned_without_densities(project, tmp_path):
    scan = operator_scan(read_table(project / "starter" / "smeft" / "table.json"))
    assert scan.rank == 7
    assert not scan.is_certified
    assert all(path.is_file() for path in write_operator_scan(tmp_path, scan))


def test_the_default_set_comes_with_the_generator_package():
    if not available_sets():
        pytest.skip("no sets without the extra `generate`")
    assert TableRequest().pdf in available_sets()
