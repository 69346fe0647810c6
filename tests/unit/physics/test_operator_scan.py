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
