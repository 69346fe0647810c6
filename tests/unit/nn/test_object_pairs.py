"""Relations between objects, against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from colliderfm.data.event_schema import OBJECT_FEATURES
from colliderfm.nn import pairs
from colliderfm.nn.pairs import PAIR_FEATURES, PairEmbedding, azimuth_difference, pair_features


def event(*objects):
    """Massless objects (pt, eta, phi, btag) as (1, N, 7)."""
    rows = [[pt * math.cosh(eta), pt, eta, phi, btag, 0, 0] for pt, eta, phi, btag in objects]
    return torch.tensor([rows], dtype=torch.float32)


def unscaled(objects, name):
    position = [feature for feature, _, _ in PAIR_FEATURES].index(name)
    _, center, spread = PAIR_FEATURES[position]
    return float(pair_features(objects)[0, 0, 1, position]) * spread + center


def test_column_positions_are_those_of_the_event_schema():
    columns = (pairs.ENERGY, pairs.PT, pairs.ETA, pairs.PHI, pairs.BTAG, pairs.IS_LEPTON)
    names = ("energy_gev", "pt_gev", "eta", "phi", "btag", "is_lepton")
    assert columns == tuple(OBJECT_FEATURES.index(name) for name in names)


def test_back_to_back_massless_objects_have_twice_the_momentum_as_mass():
    objects = event((50.0, 0.0, 0.0, 1), (50.0, 0.0, math.pi, 1))
    assert unscaled(objects, "log_mass_gev") == pytest.approx(math.log(100.0), abs=1e-5)
    assert unscaled(objects, "log_pair_pt_gev") == pytest.approx(0.0, abs=1e-3)


def test_features_of_a_simple_pair():
    objects = event((30.0, 1.0, 0.5, 1), (60.0, 0.6, 0.2, 0))
    delta_r = 0.5
    assert unscaled(objects, "log_delta_r") == pytest.approx(math.log(delta_r), abs=1e-5)
    assert unscaled(objects, "log_kt_gev") == pytest.approx(math.log(30 * delta_r), abs=1e-5)
    assert unscaled(objects, "momentum_share") == pytest.approx(1 / 3, abs=1e-5)
    assert unscaled(objects, "abs_delta_eta") == pytest.approx(0.4, abs=1e-5)
    assert unscaled(objects, "abs_delta_phi") == pytest.approx(0.3, abs=1e-5)
    assert unscaled(objects, "btag_sum") == pytest.approx(1.0, abs=1e-5)
    assert unscaled(objects, "btag_product") == pytest.approx(0.0, abs=1e-5)


def test_masses_of_massive_objects_equal_the_four_vector_sum():
    pt, eta, phi, mass = (
        torch.tensor([[40.0, 25.0]]),
        torch.tensor([[0.3, -1.2]]),
        torch.tensor([[3.0, -3.0]]),
        torch.tensor([[8.0, 5.0]]),
    )
    momentum = torch.stack([pt * phi.cos(), pt * phi.sin(), pt * eta.sinh()], -1)
    energy = (momentum.square().sum(-1) + mass.square()).sqrt()
    objects = torch.stack([energy, pt, eta, phi, pt * 0, pt * 0, pt * 0], -1)
    expected = energy.sum() ** 2 - momentum.sum(dim=1).square().sum()
    found = pairs.pair_mass_squared(objects)[0]
    assert found[0, 1] == pytest.approx(float(expected), rel=1e-4)
    assert found.diagonal().tolist() == pytest.approx([4 * 64, 4 * 25], rel=1e-3)


def test_azimuth_difference_is_short_across_pi():
    difference = azimuth_difference(torch.tensor([[3.1, -3.1]]))
    assert difference[0, 0, 1] == pytest.approx(2 * math.pi - 6.2, abs=1e-5)


def test_aggregated_terms_ignore_padding_and_lone_objects():
    torch.manual_seed(0)
    embedding = PairEmbedding(hidden=6, n_heads=2, width=4)
    objects = event((30.0, 1.0, 0.5, 1), (60.0, 0.6, 0.2, 0), (20.0, -1.0, 2.0, 0))
    _, _, two = embedding(objects[:, :2], torch.ones(1, 2, dtype=torch.bool))
    _, _, padded = embedding(objects, torch.tensor([[True, True, False]]))
    torch.testing.assert_close(two[0], padded[0, :2])
    _, _, lone = embedding(objects[:, :1], torch.ones(1, 1, dtype=torch.bool))
    assert lone.isfinite().all()
