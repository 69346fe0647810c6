"""High-level variables against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from colliderfm.baselines.high_level import high_level_variables
from colliderfm.data.event_schema import GLOBAL_FEATURES

PHI = (0.0, np.pi, 0.5 * np.pi, -0.5 * np.pi, 0.1)
PT = (40.0, 40.0, 30.0, 30.0, 25.0)


def square_event() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two back-to-back pairs at eta 0 of mass 80 and 60 GeV, and a fifth jet without tag."""
    rows = [
        [pt, pt, 0.0, phi, float(i < 4), 0.0, 0.0]
        for i, (pt, phi) in enumerate(zip(PT, PHI, strict=True))
    ]
    values = np.arange(len(GLOBAL_FEATURES), dtype=np.float32)[None]
    return np.array([rows]), np.ones((1, 5), dtype=bool), values


def variables(*arrays: np.ndarray) -> dict[str, float]:
    values, names = high_level_variables(*arrays)
    assert values.shape == (1, len(names))
    assert len(set(names)) == len(names)
    return dict(zip(names, values[0].tolist(), strict=True))


def test_variables_of_a_square_of_jets() -> None:
    found = variables(*square_event())
    # All jets lie at 90 degrees from their neighbors: m^2 = 2 * 40 * 30 for a mixed pair.
    mixed = np.sqrt(2 * 40 * 30)
    assert found["mass_4j_gev"] == pytest.approx(140.0)
    assert found["pt_4j_gev"] == pytest.approx(0.0, abs=1e-5)
    assert found["eta_spread_4j"] == 0.0
    assert found["centrality_4j"] == pytest.approx(1.0)
    assert found["delta_r_min_4j"] == pytest.approx(np.pi / 2)
    assert found["delta_r_max_4j"] == pytest.approx(np.pi)
    assert found["mass_pair_min_gev"] == pytest.approx(mixed, rel=1e-6)
    assert found["mass_pair_max_gev"] == pytest.approx(80.0)
    assert found["closest_dr_mass_heavy_gev"] == pytest.approx(mixed, rel=1e-6)
    assert found["closest_dr_mass_asymmetry"] == pytest.approx(0.0, abs=1e-6)
    assert found["n_btag_4j"] == 4.0
    assert [found[f"pt_jet{i}_gev"] for i in (1, 2, 3, 4)] == [40.0, 40.0, 30.0, 30.0]
    assert found["met_gev"] == GLOBAL_FEATURES.index("met_gev")
    assert found["n_bjet"] == GLOBAL_FEATURES.index("n_bjet")


def test_rotation_in_phi_and_order_of_objects_do_not_matter() -> None:
    objects, mask, values = square_event()
    turned = objects.copy()
    turned[..., 3] = np.remainder(turned[..., 3] + 2.0 + np.pi, 2 * np.pi) - np.pi
    expected = variables(objects, mask, values)
    for other in (turned, objects[:, ::-1]):
        found = variables(other, mask, values)
        assert found == pytest.approx(expected, abs=1e-4)


def test_pair_variables_are_missing_with_three_jets() -> None:
    objects, mask, values = square_event()
    mask[0, 3:] = False
    found = variables(objects, mask, values)
    assert np.isnan(found["mass_4j_gev"])
    assert np.isnan(found["equal_mass_mass_mean_gev"])
    assert found["pt_jet3_gev"] == 30.0
    assert found["pt_jet4_gev"] == 0.0
