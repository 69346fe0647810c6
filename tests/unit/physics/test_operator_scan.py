from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from colliderfm.errors import DataError
from colliderfm.physics.drell_yan_spectrum import SpectrumSettings, ToyDensities, compute_table
from colliderfm.physics.operator_scan import default_noise_pb, operator_scan
from colliderfm.physics.operators import CONTRIBUTING


@cache
def tables():
    """A fine and a coarse table of twenty wide bins."""
    edges = tuple(np.geomspace(50.0, 650.0, 21))
    return tuple(
        compute_table(
            ToyDensities(), SpectrumSettings(mll_edges_gev=edges, pt_edges_gev=(), nodes=n)
        )
        for n in (12, 8)
    )


def test_seventeen_operators_are_kept_and_sixty_listed():
    scan = operator_scan(tables()[0])
    assert len(scan.rows) == 60
    assert sorted(scan.kept) == sorted(CONTRIBUTING)
    assert [row.operator.name for row in scan.rows if row.effect is None] == [
        row.operator.name for row in scan.rows if not row.operator.contributes
    ]


def test_effects_are_ratios_to_the_sm():
    scan, table = operator_scan(tables()[0]), tables()[0]
    row = next(row for row in scan.rows if row.operator.name == "clq3")
    k = CONTRIBUTING.index("clq3")
    assert row.largest == pytest.approx(table.linear_pb[k, -1] / table.sm_pb[-1])


def test_two_node_counts_certify_the_directions():
    fine, coarse = tables()
    scan = operator_scan(fine, coarse=coarse)
    assert scan.is_certified
    assert not operator_scan(fine).is_certified
    assert scan.rank == 7
    assert scan.singular_values[6] > scan.numerical_bound > scan.singular_values[7]


def test_more_noise_leaves_fewer_directions_above_the_numerical_error():
    fine, coarse = tables()
    quiet = operator_scan(fine, default_noise_pb(fine), coarse)
    loud = operator_scan(fine, 10.0 * default_noise_pb(fine), coarse)
    np.testing.assert_allclose(loud.singular_values[:7], 0.1 * quiet.singular_values[:7])


def test_the_noise_of_the_total_is_two_per_mille():
    table = tables()[0]
    noise = default_noise_pb(table)
    assert np.sqrt((noise**2).sum()) == pytest.approx(0.002 * table.sm_pb.sum())


def test_the_text_marks_what_is_quoted():
    fine, coarse = tables()
    text = str(operator_scan(fine, coarse=coarse))
    assert "| cuW | uW_22 | dipole | 0.0002 (quoted, not computed) |" in text
    assert "7 independent directions" in text


@pytest.mark.parametrize("sigma", [np.ones(3), np.zeros(20), np.full(20, np.nan)])
def test_noise_that_does_not_fit_is_refused(sigma):
    with pytest.raises(DataError):
        operator_scan(tables()[0], sigma)


def test_a_direction_far_below_the_error_of_the_largest_one_is_certified():
    """Two node counts differ by bin weights alone, so a weak direction moves relative to its own size."""
    fine = tables()[0]
    linear = np.zeros_like(fine.linear_pb)
    linear[0], linear[1, 3] = 1e6 * default_noise_pb(fine), 1.0 * default_noise_pb(fine)[3]
    fine = replace(fine, linear_pb=linear)
    wobble = 1.0 + 1e-4 * np.sin(np.arange(20))
    scan = operator_scan(fine, coarse=replace(fine, linear_pb=linear * wobble))
    assert np.linalg.norm(linear * (wobble - 1.0) / default_noise_pb(fine), ord=2) > 100.0
    # Rounding to nine digits of the largest effect hides what is below 0.0045.
    assert (scan.rank, scan.is_certified) == (2, True)
    assert scan.numerical_bound < 0.1
    # A change across the directions is no change of weights: nothing is certified below it.
    crossed = linear.copy()
    crossed[1] += 10.0 * default_noise_pb(fine)
    assert operator_scan(fine, coarse=replace(fine, linear_pb=crossed)).rank == 1


def test_the_split_spectrum_has_thirteen_certified_directions():
    edges = tuple(np.geomspace(50.0, 650.0, 15))
    fine, coarse = (
        compute_table(
            ToyDensities(),
            SpectrumSettings(
                mll_edges_gev=edges, pt_edges_gev=(), forward_backward=True, nodes=n, order="linear"
            ),
        )
        for n in (16, 12)
    )
    scan = operator_scan(fine, coarse=coarse)
    assert (scan.rank, scan.is_certified) == (13, True)


def test_a_second_table_of_other_bins_is_refused():
    edges = (50.0, 100.0, 200.0)
    other = compute_table(
        ToyDensities(), SpectrumSettings(mll_edges_gev=edges, pt_edges_gev=(), nodes=4)
    )
    with pytest.raises(DataError, match="second table"):
        operator_scan(tables()[0], coarse=other)
