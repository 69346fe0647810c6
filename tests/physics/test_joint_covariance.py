"""Two spectra of the same events: shared cross-sections, their covariance, and events drawn one by one."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from colliderfm.physics.densities import ToyDensities
from colliderfm.physics.drell_yan import squared_amplitude
from colliderfm.physics.drell_yan_spectrum import SpectrumSettings, compute_table
from colliderfm.physics.electroweak import DEFAULT_INPUTS
from colliderfm.physics.identifiability import fisher_information
from colliderfm.physics.joint_bins import joint_cross_sections, settings_of_table
from colliderfm.physics.operators import CONTRIBUTING
from colliderfm.physics.replicas import HARD_NOISE, STUDY_NOISE, correlation_matrix, noise_model

FEW = {
    "mll_edges_gev": (60.0, 85.0, 100.0, 160.0),
    "pt_edges_gev": (10.0, 25.0, 42.0, 80.0),
    "pt_mll_range_gev": (60.0, 160.0),
}
# The range of the study in wide bins.
WIDE = {
    "mll_edges_gev": tuple(50.0 + 40.0 * i for i in range(16)),
    "pt_edges_gev": (*(10.0 + 30.0 * i for i in range(11)), 325.0),
}
HC_SQUARED_PB_GEV2 = 0.3893793721e9


@cache
def joint_table(**changes):
    """A toy table that knows which events its bins share."""
    settings = SpectrumSettings(**{"nodes": 8, "order": "linear", **changes})
    table = compute_table(ToyDensities(), settings)
    return replace(table, joint_pb=joint_cross_sections(ToyDensities(), settings))


@cache
def events(n_tried):
    """Mass and transverse momentum of unweighted events, and the cross-section they stand for (pb)."""
    rng, inputs, pdf = np.random.default_rng(3), DEFAULT_INPUTS, ToyDensities()
    scale = inputs.mz_gev * inputs.gamma_z_gev
    low, high = (np.arctan((m**2 - inputs.mz_gev**2) / scale) for m in (60.0, 160.0))
    s = inputs.mz_gev**2 + scale * np.tan(rng.uniform(low, high, n_tried))
    mass, rapidity = np.sqrt(s), rng.uniform(-2.5, 2.5, n_tried)
    cosine = rng.uniform(-1.0, 1.0, n_tried)
    pt, star = 0.5 * mass * np.sqrt(1.0 - cosine**2), np.arctanh(np.abs(cosine))
    is_seen = (pt > 10.0) & (np.abs(rapidity) + star < 2.5)
    jacobian = (high - low) * ((s - inputs.mz_gev**2) ** 2 + scale**2) / scale / (2.0 * mass)
    x1, x2 = (mass / 13000.0 * np.exp(sign * rapidity) for sign in (1.0, -1.0))
    weight = np.zeros(n_tried)
    for quark, ids in (("u", (2, 4)), ("d", (1, 3))):
        for direction in (1.0, -1.0):
            amplitude = squared_amplitude(quark, mass, direction * cosine, None, "sm", inputs)
            for each in ids:
                first, second = (each, -each) if direction > 0.0 else (-each, each)
                product = pdf.x_density(first, x1, mass) * pdf.x_density(second, x2, mass)
                weight += product * amplitude / (32.0 * np.pi * s)
    weight *= is_seen * jacobian * (2.0 / mass) * 5.0 * 2.0 * HC_SQUARED_PB_GEV2
    is_kept = rng.uniform(0.0, weight.max(), n_tried) < weight
    return mass[is_kept], pt[is_kept], weight.mean()


def bins_of(table, mass, pt):
    """Whether each event lies in each bin, shape (N, B)."""
    value = np.where(table.is_observable("mll"), mass[:, None], pt[:, None])
    return (value >= table.low_gev) & (value < table.high_gev)


def test_rows_and_columns_sum_to_the_spectra():
    table = joint_table(**WIDE)
    mll, pt = table.is_observable("mll"), table.is_observable("pt")
    shared = table.joint_pb[np.ix_(mll, pt)]
    np.testing.assert_allclose(shared.sum(axis=1), table.sm_pb[mll], rtol=1e-5)
    np.testing.assert_allclose(shared.sum(axis=0), table.sm_pb[pt], rtol=1e-4)
    np.testing.assert_allclose(np.diagonal(table.joint_pb), table.sm_pb, rtol=1e-12)
    for block in (mll, pt):
        inside = table.joint_pb[np.ix_(block, block)]
        assert not (inside - np.diag(np.diagonal(inside))).any()


def test_a_narrower_mass_range_of_the_other_spectrum_shares_what_lies_inside():
    table = joint_table(**{**FEW, "pt_mll_range_gev": (85.0, 130.0)})
    whole = joint_table(**FEW).joint_pb
    np.testing.assert_allclose(table.joint_pb[:3, 3:].sum(axis=0), table.sm_pb[3:], rtol=1e-6)
    assert not table.joint_pb[0, 3:].any()
    np.testing.assert_allclose(table.joint_pb[1, 3:], whole[1, 3:], rtol=1e-8)
    assert (table.joint_pb[2, 3:] < whole[2, 3:]).all()


def test_halves_share_their_events_with_the_whole():
    table = joint_table(**FEW, forward_backward=True)
    joint = table.joint_pb
    mll, pt, forward, backward = (slice(start, start + 3) for start in (0, 3, 6, 9))
    np.testing.assert_allclose(joint[mll, forward], np.diag(table.sm_pb[forward]), rtol=1e-12)
    np.testing.assert_allclose(joint[forward, pt] + joint[backward, pt], joint[mll, pt], rtol=1e-12)
    assert not joint[forward, backward].any()


@pytest.mark.parametrize("noise", [HARD_NOISE, STUDY_NOISE])
@pytest.mark.parametrize("halves", [False, True])
def test_correlations_are_possible_ones(noise, halves):
    table = joint_table(**WIDE, forward_backward=halves)
    correlation = correlation_matrix(table, replace(noise, joint=True))
    alone = correlation_matrix(table, noise)
    np.testing.assert_allclose(np.diagonal(correlation), 1.0, atol=1e-9)
    assert np.abs(correlation).max() <= 1.0 + 1e-9
    assert np.linalg.eigvalsh(correlation)[0] > -1e-5
    names = np.array(table.observable)
    same = names[:, None] == names
    np.testing.assert_allclose(correlation[same], alone[same], atol=1e-9)
    assert correlation[~same].max() > 0.3


def test_both_spectra_count_the_same_total():
    table = joint_table(**WIDE)
    model = noise_model(table, table.sm_pb / table.width_gev, replace(HARD_NOISE, joint=True))
    width, mll = table.width_gev, table.is_observable("mll")
    values = model.draw(np.random.default_rng(0), np.zeros(500, dtype=np.int64)).astype(np.float64)
    totals = [(values * width)[:, block].sum(axis=1) for block in (mll, ~mll)]
    np.testing.assert_allclose(totals[0], totals[1], rtol=1e-4)
    assert totals[0].std() == pytest.approx(0.01 * table.sm_pb[mll].sum(), rel=0.1)


def test_a_factor_on_every_bin_is_measured_once_not_twice():
    table = joint_table(**WIDE)
    k, events_in_all = CONTRIBUTING.index("cll1"), 1.0 / 0.01**2
    for joint, times in ((False, 2.0), (True, 1.0)):
        model = noise_model(table, table.sm_pb / table.width_gev, replace(HARD_NOISE, joint=joint))
        information = fisher_information(table, model.covariance(), order="linear")[k, k]
        expected = times * events_in_all * (2.0 * DEFAULT_INPUTS.suppression) ** 2
        assert information == pytest.approx(expected, rel=1e-3)


def test_shared_cross_sections_are_those_of_simulated_events():
    table = joint_table(**FEW)
    mass, pt, total_pb = events(100_000)
    counts = bins_of(table, mass, pt).astype(float)
    found = counts.T @ counts
    expected = table.joint_pb * len(mass) / total_pb
    # The total comes from weights: 0.8 % more.
    allowed = np.sqrt(expected + (0.008 * expected) ** 2)
    filled = expected > 0.0
    assert not found[~filled].any()
    assert np.abs((found - expected)[filled] / allowed[filled]).max() < 4.0


def test_counts_of_poisson_samples_vary_together_as_computed():
    table = joint_table(**FEW)
    mass, pt, _ = events(100_000)
    rng, n_samples, n_mean = np.random.default_rng(5), 4000, 150.0
    sizes = rng.poisson(n_mean, n_samples)
    sample = np.repeat(np.arange(n_samples), sizes)
    chosen = bins_of(table, mass, pt)[rng.integers(len(mass), size=sizes.sum())]
    counts = np.stack([np.bincount(sample[each], minlength=n_samples) for each in chosen.T])
    luminosity = n_mean / table.sm_pb[:3].sum()
    expected = luminosity * table.joint_pb
    variance = np.diagonal(expected)
    error = np.sqrt((np.outer(variance, variance) + expected**2 + expected) / n_samples)
    assert np.abs((np.cov(counts) - expected) / error).max() < 4.5
    noise = replace(HARD_NOISE, joint=True, delta_sigma_rel=n_mean**-0.5)
    covariance = noise_model(table, table.sm_pb / table.width_gev, noise).covariance()
    in_counts = covariance * np.outer(table.width_gev, table.width_gev) * luminosity**2
    np.testing.assert_allclose(in_counts, expected, rtol=1e-6, atol=1e-6)


def test_a_table_knows_the_settings_it_was_computed_with():
    chosen = {**FEW, "mu_f": "pt", "pt_mll_range_gev": (70.0, 130.0)}
    assert settings_of_table(joint_table(**chosen)) == SpectrumSettings(
        nodes=8, order="linear", **chosen
    )
