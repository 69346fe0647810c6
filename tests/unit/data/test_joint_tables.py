"""Tables completed with the events that their bins share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from toy_spectra import toy_table

from colliderfm.data.joint_tables import with_joint_bins
from colliderfm.data.parton_densities import available_sets, load_densities
from colliderfm.errors import DataError
from colliderfm.physics.drell_yan_spectrum import SpectrumSettings, compute_table

NAME = "NNPDF31_lo_as_0118"
BINS = {"mll_edges_gev": (60.0, 80.0, 100.0), "pt_edges_gev": (10.0, 30.0, 50.0), "nodes": 4}


def table_of_set():
    if NAME not in available_sets():
        pytest.skip(f"{NAME} comes with the extra `generate`")
    densities = load_densities(NAME)
    settings = SpectrumSettings(**BINS, order="linear", pt_mll_range_gev=(60.0, 100.0))
    table = compute_table(densities, settings)
    return replace(table, provenance={**table.provenance, "densities": densities.provenance})


def test_a_table_is_completed_from_its_provenance():
    table = table_of_set()
    full = with_joint_bins(table)
    assert table.joint_pb is None
    np.testing.assert_allclose(full.joint_pb[:2, 2:].sum(axis=1), table.sm_pb[:2], rtol=1e-3)
    assert with_joint_bins(full) is full


def test_other_densities_are_refused():
    table = table_of_set()
    other = {**table.provenance, "densities": {"name": NAME, "sha256": "0" * 64}}
    with pytest.raises(DataError, match="its densities"):
        with_joint_bins(replace(table, provenance=other))


def test_a_table_of_unknown_origin_is_refused_with_a_way_out():
    with pytest.raises(DataError, match=r"theory\.joint_bins=true"):
        with_joint_bins(toy_table())
