import json
from dataclasses import replace

import numpy as np
import pytest

from colliderfm.data.table_files import read_table, write_fitter_table, write_table
from colliderfm.errors import DataError
from colliderfm.physics.drell_yan_spectrum import SpectrumSettings, ToyDensities, compute_table
from colliderfm.physics.joint_bins import joint_cross_sections

BINS = {"mll_edges_gev": (60.0, 80.0, 100.0), "pt_edges_gev": (20.0, 30.0), "nodes": 4}


@pytest.fixture(scope="module")
def table():
    return compute_table(ToyDensities(), SpectrumSettings(**BINS))


@pytest.fixture
def content(table, tmp_path):
    write_table(tmp_path / "table.json", table)
    return json.loads((tmp_path / "table.json").read_text())


def test_a_table_survives_the_round_trip(table, tmp_path):
    write_table(tmp_path / "table.json", table)
    again = read_table(tmp_path / "table.json")
    assert again.observable == table.observable
    assert again.provenance == table.provenance
    for name in ("low_gev", "high_gev", "sm_pb", "linear_pb", "quadratic_pb"):
        np.testing.assert_allclose(getattr(again, name), getattr(table, name), rtol=1e-8, atol=0)
    write_table(tmp_path / "again.json", again)
    first, second = ((tmp_path / name).read_bytes() for name in ("table.json", "again.json"))
    assert first == second


def test_every_bin_has_the_documented_form(content):
    assert set(content) == {"bins", "provenance"}
    first = content["bins"][0]
    assert list(first) == [
        *("observable", "low", "high", "sm_pb", "linear_pb", "quadratic_pb", "error_pb")
    ]
    assert (first["observable"], first["low"], first["high"]) == ("mll", 60.0, 80.0)
    assert len(first["linear_pb"]) == 17
    assert len(first["quadratic_pb"]) == 153
    assert first["quadratic_pb"]["ceu*ced"] == 0


def test_the_sum_over_named_terms_is_the_prediction(table, content):
    wilson = np.zeros(17)
    wilson[table.operators.index("clq3")], wilson[table.operators.index("cHDD")] = 1.5, -2.0
    for entry, expected in zip(content["bins"], table.predict_pb(wilson), strict=True):
        linear, pairs = entry["linear_pb"], entry["quadratic_pb"]
        value = entry["sm_pb"] + 1.5 * linear["clq3"] - 2.0 * linear["cHDD"]
        value += 2.25 * pairs["clq3*clq3"] + 4.0 * pairs["cHDD*cHDD"] - 3.0 * pairs["cHDD*clq3"]
        assert value == pytest.approx(expected, rel=1e-7)


def test_a_linear_table_stays_linear(tmp_path):
    table = compute_table(ToyDensities(), SpectrumSettings(**BINS, order="linear"))
    write_table(tmp_path / "table.json", table)
    assert read_table(tmp_path / "table.json").order == "linear"


def test_the_form_of_fitters_has_wcxf_names(table, tmp_path):
    write_fitter_table(tmp_path / "fit.json", table)
    content = json.loads((tmp_path / "fit.json").read_text())
    assert {"best_sm", "theory_cov", "LO", "NLO", "scales"} <= set(content)
    np.testing.assert_allclose(content["best_sm"], table.sm_pb, rtol=1e-8)
    assert np.shape(content["theory_cov"]) == (3, 3)
    np.testing.assert_allclose(content["LO"]["phiD"], table.linear_pb[0], rtol=1e-8)
    assert "lq3_2211*lq3_2211" in content["LO"]
    assert content["operators"]["ll_1221"] == "cll1"
    assert len(content["LO"]) == 1 + 17 + 153


def prediction_of_a_fitter(content, wilson, use_quadratic=True, cutoff_gev=None):
    """What SMEFiT 4.0.0 makes of a file: ``load_theory``, ``apply_cutoff_mask``, ``make_predictions``."""
    terms = {name: np.array(row) for name, row in content["LO"].items()}
    total = np.array(content["best_sm"])
    for name, row in terms.items():
        if "*" in name and use_quadratic:
            first, second = name.split("*")
            total = total + wilson.get(first, 0.0) * wilson.get(second, 0.0) * row
        elif "SM" not in name and "*" not in name:
            total = total + wilson.get(name, 0.0) * row
    mask = np.array(content["scales"]) < (np.inf if cutoff_gev is None else cutoff_gev)
    np.testing.assert_array_equal(terms["SM"], content["best_sm"])
    assert np.array(content["theory_cov"])[mask, :][:, mask].shape == (mask.sum(), mask.sum())
    return total[mask]


def test_a_fitter_predicts_what_the_table_predicts(table, tmp_path):
    write_fitter_table(tmp_path / "fit.json", table)
    content = json.loads((tmp_path / "fit.json").read_text())
    ours = np.random.default_rng(0).normal(size=17)
    wilson = {
        name: content["wcxf_per_unit"][name] * ours[table.operators.index(operator)]
        for name, operator in content["operators"].items()
    }
    # WCxf counts the equal entries 1221 and 2112 once.
    assert wilson["ll_1221"] == 2.0 * ours[table.operators.index("cll1")]
    assert [factor for factor in content["wcxf_per_unit"].values() if factor != 1.0] == [2.0]
    for order in ("linear", "quadratic"):
        found = prediction_of_a_fitter(content, wilson, order == "quadratic")
        difference = (found - table.predict_pb(ours, order)) / table.sm_pb
        np.testing.assert_allclose(difference, 0.0, atol=1e-9)


def test_a_fitter_can_cut_on_the_scale_of_bins(table, tmp_path):
    write_fitter_table(tmp_path / "fit.json", table)
    content = json.loads((tmp_path / "fit.json").read_text())
    # 60-80 and 80-100 GeV of mass, 20-30 GeV of pT.
    assert content["scales"] == [70.0, 90.0, 50.0]
    assert len(prediction_of_a_fitter(content, {}, cutoff_gev=80.0)) == 2


def break_at(*keys, value=None):
    """Return a function that removes or replaces one entry."""

    def change(content):
        entry = content
        for key in keys[:-1]:
            entry = entry[key]
        if value is None:
            del entry[keys[-1]]
        else:
            entry[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (break_at("bins"), "is no table"),
        (break_at("bins", 1, "sm_pb"), "bin 1"),
        (break_at("bins", 2, "linear_pb", "cHDD"), "bin 2, linear_pb"),
        (break_at("bins", 0, "linear_pb", "cXX", value=1.0), "unknown"),
        (break_at("bins", 0, "quadratic_pb", "a*b", value=1.0), "unknown"),
        (break_at("bins", 0, "quadratic_pb", value=[1.0]), "bin 0, quadratic_pb"),
        (break_at("bins", 0, "sm_pb", value="many"), "no number"),
        (break_at("bins", 0, "sm_pb", value=float("nan")), "sm_pb"),
        (break_at("bins", 0, "high", value=10.0), "edges"),
        (break_at("bins", 0, "observable", value="eta"), "observables"),
        (break_at("bins", value=[]), "observables"),
        (break_at("bins", 0, value=7), "bin 0"),
    ],
)
def test_broken_tables_are_refused(content, tmp_path, change, message):
    change(content)
    path = tmp_path / "broken.json"
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=message) as caught:
        read_table(path)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("text", ["", "{", "[1, 2]"])
def test_a_file_that_is_no_table_is_refused(tmp_path, text):
    path = tmp_path / "table.json"
    path.write_text(text)
    with pytest.raises(DataError, match="table"):
        read_table(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError, match="cannot read table"):
        read_table(tmp_path / "none.json")


@pytest.mark.parametrize(("name", "total_pb"), [("table", 719.7), ("table_nnpdf23", 650.64)])
def test_the_shipped_tables_hold_the_study_bins(project, name, total_pb):
    path = project / "starter" / "smeft" / f"{name}.json"
    table = read_table(path)
    assert path.stat().st_size < 400_000
    assert (table.n_bins, table.order) == (92, "quadratic")
    assert table.sm_pb[table.is_observable("mll")].sum() == pytest.approx(total_pb, abs=0.1)
    assert (table.error_pb / table.sm_pb).max() < 1e-3


def test_shared_cross_sections_survive_the_round_trip(table, tmp_path):
    settings = SpectrumSettings(**BINS)
    joint = replace(table, joint_pb=joint_cross_sections(ToyDensities(), settings))
    write_table(tmp_path / "joint.json", joint)
    again = read_table(tmp_path / "joint.json")
    np.testing.assert_allclose(again.joint_pb, joint.joint_pb, rtol=1e-8, atol=0)
    assert again.joint_pb[0, 2] > 0.0
    write_table(tmp_path / "again.json", again)
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "joint.json").read_bytes()
    write_table(tmp_path / "plain.json", replace(again, joint_pb=None))
    write_table(tmp_path / "table.json", table)
    assert (tmp_path / "plain.json").read_bytes() == (tmp_path / "table.json").read_bytes()


@pytest.mark.parametrize("entry", [[0, 0, 1.0], [2, 0, 1.0], [0, 3, 1.0], [0, 1], ["a", 1, 2], 3])
def test_a_broken_entry_of_shared_cross_sections_is_named(content, tmp_path, entry):
    content["joint_pb"] = [[0, 2, 1e-6], entry]
    (tmp_path / "broken.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match="joint_pb, entry 1"):
        read_table(tmp_path / "broken.json")
