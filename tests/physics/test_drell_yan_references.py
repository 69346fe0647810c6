"""Numbers of independent calculations: amplitudes point by point, cross-sections per slice of the mass."""

import json
from functools import cache

import numpy as np
import pytest

from colliderfm.data.parton_densities import available_sets, load_densities
from colliderfm.physics.drell_yan import squared_amplitude
from colliderfm.physics.drell_yan_spectrum import SpectrumSettings, compute_table
from colliderfm.physics.operator_scan import operator_scan
from colliderfm.physics.operators import CONTRIBUTING

AMPLITUDE_ACCURACY = 1e-9
SLICES_GEV = ((50, 80), (80, 100), (100, 200), (200, 400), (400, 650))

# Independent event generator with the same densities, scale m_ll, pb and its statistical error.
GENERATOR_SM_PB = (
    (39.46, 0.056),
    (583.15, 0.70),
    (26.877, 0.043),
    (1.15126, 1.5e-3),
    (0.109625, 1.5e-4),
)
ANALYTIC_SM_PB = (39.465, 583.015, 26.903, 1.15087, 0.109708)
# Interference over the SM per unit coefficient in 50-60, 90-100, 300-310, 640-650 GeV.
RATIOS = {
    "cHDD": (-0.2109, -0.0035, -0.0851, -0.0951),
    "cHWB": (-0.4059, 0.0597, -0.1957, -0.2194),
    "cHl1": (0.0042, 0.1332, 0.0761, 0.0696),
    "cHl3": (-0.2383, -0.1093, -0.1664, -0.1729),
    "cHe": (-0.0381, -0.1050, -0.0192, -0.0152),
    "cHq1": (0.0039, 0.0113, -0.0024, -0.0062),
    "cHq3": (0.0209, 0.1412, 0.0616, 0.0554),
    "cHu": (0.0075, 0.0272, 0.0084, 0.0077),
    "cHd": (-0.0038, -0.0132, -0.0034, -0.0027),
    "cll1": (0.1212, 0.1212, 0.1212, 0.1212),
    "clq1": (-0.0097, 0.0001, -0.2047, -1.2911),
    "clq3": (0.0070, 0.0035, 1.1117, 4.9954),
    "ceu": (-0.0134, -0.0007, -0.4493, -2.1836),
    "ced": (0.0068, 0.0003, 0.1838, 0.7760),
    "clu": (-0.0194, 0.0004, -0.2079, -1.0746),
    "cld": (0.0098, -0.0002, 0.0850, 0.3819),
    "cqe": (-0.0066, -0.0003, -0.1996, -0.9264),
}
VALIDATION_SET = "NNPDF23_lo_as_0130_qed"
DEFAULT_SET = "NNPDF31_lo_as_0118"


@cache
def grid_table(name, **changes):
    """A table with densities of the installed generator package, or a skip."""
    if name not in available_sets():
        pytest.skip(f"{name} comes with the extra `generate`")
    return compute_table(load_densities(name), SpectrumSettings(**{"nodes": 8, **changes}))


def per_slice(table, row):
    """Sum bins of the mass into slices."""
    is_mass = table.is_observable("mll")
    return np.array(
        [
            row[is_mass & (table.low_gev >= low) & (table.high_gev <= high)].sum()
            for low, high in SLICES_GEV
        ]
    )


@pytest.fixture
def points(project):
    """Reference points of an independent generator; not part of the project."""
    path = project.parent / "shared" / "data" / "smeft_reference" / "matrix_elements.json"
    if not path.is_file():
        pytest.skip("the reference points of another generator are not part of the project")
    return json.loads(path.read_text(encoding="utf-8"))


def test_two_reference_points_without_any_file():
    """SM for u and d at 425.06 GeV, and the linear cHDD term there."""
    point = (425.0572799628002, -0.45550536305498057)
    assert squared_amplitude("u", *point, order="sm") == pytest.approx(
        0.0008566158472514231, rel=1e-12
    )
    assert squared_amplitude("d", *point, order="sm") == pytest.approx(
        0.0004485890552923131, rel=1e-12
    )
    linear = squared_amplitude("u", *point, {"cHDD": 1.0}) - squared_amplitude(
        "u", *point, order="sm"
    )
    assert linear == pytest.approx(-0.000146211569020437, rel=1e-9)


@pytest.mark.parametrize("quark", ["u", "d"])
def test_amplitudes_agree_with_the_reference_points(points, quark):
    where = np.array(points["sqrt_shat_GeV"]), np.array(points["cos_q_muminus"])
    sm = squared_amplitude(quark, *where, order="sm")
    assert np.abs(sm - points["SM"][quark]).max() <= AMPLITUDE_ACCURACY * max(points["SM"][quark])
    for name in points["linear"]:
        linear = squared_amplitude(quark, *where, {name: 1.0})
        quadratic = squared_amplitude(quark, *where, {name: 1.0}, order="quadratic")
        for kind, value in (("linear", linear - sm), ("quadratic", quadratic - linear)):
            largest = max(np.abs(points[kind][name][each]).max() for each in ("u", "d"))
            difference = np.abs(value - points[kind][name][quark]).max()
            assert difference <= AMPLITUDE_ACCURACY * largest, (kind, name)


def test_the_sm_agrees_with_a_generator_per_slice():
    table = grid_table(VALIDATION_SET)
    slices = per_slice(table, table.sm_pb)
    for value, (generated, error), analytic in zip(
        slices, GENERATOR_SM_PB, ANALYTIC_SM_PB, strict=True
    ):
        assert abs(value - generated) < 3.0 * error
        assert value == pytest.approx(analytic, rel=5e-5)
    assert slices.sum() == pytest.approx(650.644599, rel=1e-6)


def test_interference_has_its_known_size():
    table = grid_table(VALIDATION_SET)
    is_mass = table.is_observable("mll")
    bins = [
        np.flatnonzero(is_mass & (table.low_gev == low))[0] for low in (50.0, 90.0, 300.0, 640.0)
    ]
    for name, expected in RATIOS.items():
        ratio = (table.linear_pb[CONTRIBUTING.index(name)] / table.sm_pb)[bins]
        np.testing.assert_allclose(ratio, expected, atol=6e-5, err_msg=name)


def test_the_scale_of_the_muons_lowers_the_spectrum():
    """Independent values with mu_f = pt: the SM, and direct integration of the clq1 interference."""
    table = grid_table(VALIDATION_SET, mu_f="pt")
    assert per_slice(table, table.sm_pb)[0] == pytest.approx(30.63, abs=0.01)
    interference = per_slice(table, table.linear_pb[CONTRIBUTING.index("clq1")])[:3]
    generated, errors = np.array([-0.2914, -0.0985, -0.1184]), np.array([0.0012, 0.008, 0.0055])
    assert (np.abs(interference - generated) < 3.0 * errors).all()


def test_a_shifted_width_lowers_the_effect_on_the_peak():
    fixed, linear = (grid_table(VALIDATION_SET, width=width) for width in ("fixed", "linear"))
    for name, expected in (
        ("cHq3", (0.141, 0.035)),
        ("cll1", (0.121, 0.056)),
        ("cHl3", (-0.111, -0.022)),
    ):
        for table, value in zip((fixed, linear), expected, strict=True):
            k = CONTRIBUTING.index(name)
            ratio = per_slice(table, table.linear_pb[k])[1] / per_slice(table, table.sm_pb)[1]
            assert ratio == pytest.approx(value, abs=1e-3), name


def test_bottom_quarks_change_the_bins_by_one_and_a_half_percent_on_average():
    """The flavor-scheme check: 1.5 % averaged over bins, though 4 % on the Z peak and in the total."""
    four, five = (grid_table(DEFAULT_SET, nf=nf) for nf in (4, 5))
    change = five.sm_pb / four.sm_pb - 1.0
    assert change.mean() == pytest.approx(0.015, abs=0.001)
    total = [per_slice(table, table.sm_pb).sum() for table in (four, five)]
    assert total[1] / total[0] - 1.0 == pytest.approx(0.042, abs=0.002)


def test_seven_directions_have_their_known_singular_values():
    scan = operator_scan(grid_table(VALIDATION_SET), coarse=grid_table(VALIDATION_SET, nodes=6))
    assert scan.rank == 7
    expected = (195.0, 54.0, 43.0, 6.0, 0.96, 0.57, 0.03)
    np.testing.assert_allclose(scan.singular_values[:7], expected, rtol=0.02)


@pytest.mark.parametrize(
    ("name", "total_pb"),
    [("NNPDF23_lo_as_0119_qed", 600.6), (DEFAULT_SET, 719.7), ("NNPDF31_lo_as_0130", 735.5)],
)
def test_other_sets_have_their_known_totals(name, total_pb):
    table = grid_table(name, pt_edges_gev=())
    assert table.sm_pb.sum() == pytest.approx(total_pb, abs=0.1)
