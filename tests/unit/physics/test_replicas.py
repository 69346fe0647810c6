"""Noise settings, covariances and draws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from toy_spectra import TOTAL_PB, toy_table

from colliderfm.errors import PhysicsError
from colliderfm.physics.replicas import (
    HARD_NOISE,
    STUDY_NOISE,
    NoiseSettings,
    alpha,
    chunk_generator,
    correlation_matrix,
    effective_luminosity_per_pb,
    noise_model,
    poisson_sigma,
)
from colliderfm.physics.universes import make_universes

TABLE = toy_table()
SM = (TABLE.sm_pb / TABLE.width_gev)[None]
UNIVERSES = make_universes(TABLE, 8, 0)


def test_luminosity_is_that_of_the_total():
    # sigma / (rel sigma)^2 = 1 / (0.002^2 650 pb)
    assert effective_luminosity_per_pb(TABLE, 0.002) == pytest.approx(1 / (4e-6 * TOTAL_PB))


def test_poisson_sigma_is_that_of_counted_events():
    luminosity = effective_luminosity_per_pb(TABLE, 0.01)
    events = TABLE.sm_pb * luminosity
    expected = np.sqrt(events) / luminosity / TABLE.width_gev
    assert poisson_sigma(TABLE, 0.01) == pytest.approx(expected)


def test_kernel_couples_bins_of_one_observable_only():
    kernel = correlation_matrix(TABLE, STUDY_NOISE)
    assert np.diagonal(kernel) == pytest.approx(1.0)
    # Neighbors in 10 GeV bins; the last pT bins are 7.5 GeV apart.
    assert kernel[0, 1] == pytest.approx(np.exp(-0.5 * (10 / 35) ** 2))
    assert kernel[90, 91] == pytest.approx(np.exp(-0.5 * (7.5 / 35) ** 2))
    assert not kernel[:60, 60:].any()
    eigenvalue = np.linalg.eigvalsh(kernel[:60, :60])
    assert 23 <= (eigenvalue > 1e-3).sum() <= 27
    assert 13 <= (eigenvalue < 1e-10).sum() <= 21


def test_alpha_gives_each_observable_the_poisson_error_of_its_total():
    model = noise_model(TABLE, SM, STUDY_NOISE)
    covariance, width = model.covariance(), TABLE.width_gev
    for bins in (slice(0, 60), slice(60, 92)):
        variance = width[bins] @ covariance[bins, bins] @ width[bins]
        assert np.sqrt(variance) == pytest.approx(0.002 * TOTAL_PB, rel=1e-6)
    values = alpha(TABLE, STUDY_NOISE)
    assert set(values) == {"mll", "pt"}
    assert 0.1 < values["mll"] < 1.0
    assert alpha(TABLE, HARD_NOISE) == {"mll": pytest.approx(1.0), "pt": pytest.approx(1.0)}
    plain = noise_model(TABLE, SM, replace(STUDY_NOISE, rescale=False))
    assert plain.sigma[0] == pytest.approx(poisson_sigma(TABLE, 0.002))
    assert (model.sigma[0, :60] / plain.sigma[0, :60]) ** 2 == pytest.approx(values["mll"])


def test_alpha_of_two_bins_by_hand():
    # Fully correlated bins of cross sections 9 and 16 pb: (9 + 16) / (3 + 4)^2.
    table = replace(
        TABLE,
        observable=("mll", "mll"),
        low_gev=np.array([100.0, 101.0]),
        high_gev=np.array([101.0, 102.0]),
        sm_pb=np.array([9.0, 16.0]),
        linear_pb=np.zeros((17, 2)),
        quadratic_pb=np.zeros((153, 2)),
        error_pb=np.zeros(2),
    )
    assert alpha(table, NoiseSettings(length_gev=1e6))["mll"] == pytest.approx(25 / 49)


def test_hard_noise_does_not_tell_the_universe():
    model = noise_model(TABLE, UNIVERSES.mean_pb_per_gev, HARD_NOISE)
    assert model.sigma.shape == (1, 92)
    assert model.sigma[0] == pytest.approx(poisson_sigma(TABLE, 0.01))
    assert np.array_equal(model.covariance(0), model.covariance(7))
    assert model.covariance() == pytest.approx(np.diag(poisson_sigma(TABLE, 0.01) ** 2))


def test_study_noise_follows_each_universe():
    model = noise_model(TABLE, UNIVERSES.mean_pb_per_gev, STUDY_NOISE)
    ratio = (model.sigma / noise_model(TABLE, SM, STUDY_NOISE).sigma) ** 2
    assert ratio == pytest.approx(UNIVERSES.mean_pb_per_gev / SM)
    kernel = correlation_matrix(TABLE, STUDY_NOISE)
    expected = model.sigma[3][:, None] * kernel * model.sigma[3]
    assert model.covariance(3) == pytest.approx(expected, abs=1e-6 * expected.max())
    assert model.factor.shape[:2] == (8, 92)
    assert model.factor[3] @ model.factor[3].T == pytest.approx(model.covariance(3))
    # 17 + of the 60 directions carry no variance: they cost no random numbers.
    assert model.factor.shape[2] < 70


def test_calibration_per_universe_gives_each_the_same_relative_error():
    settings = replace(STUDY_NOISE, calibration="universe")
    model = noise_model(TABLE, UNIVERSES.mean_pb_per_gev, settings)
    for universe in range(len(UNIVERSES)):
        total = (UNIVERSES.mean_pb_per_gev[universe] * TABLE.width_gev)[:60].sum()
        width, covariance = TABLE.width_gev[:60], model.covariance(universe)[:60, :60]
        assert np.sqrt(width @ covariance @ width) == pytest.approx(0.002 * total, rel=1e-6)


def test_negative_bins_get_the_variance_of_their_size():
    mean = SM.copy()
    mean[0, 40] *= -2.0
    model = noise_model(TABLE, mean, HARD_NOISE)
    assert np.isfinite(model.sigma).all()
    own = noise_model(TABLE, mean, replace(HARD_NOISE, per_universe=True))
    assert own.sigma[0, 40] == pytest.approx(np.sqrt(2) * poisson_sigma(TABLE, 0.01)[40])
    assert own.mean[0, 40] < 0


def test_uncorrelated_share_moves_to_the_diagonal():
    kernel = correlation_matrix(TABLE, replace(STUDY_NOISE, uncorrelated_fraction=0.25))
    assert np.diagonal(kernel) == pytest.approx(1.0)
    assert kernel[0, 1] == pytest.approx(0.75 * np.exp(-0.5 * (10 / 35) ** 2))


@pytest.mark.parametrize("settings", [STUDY_NOISE, HARD_NOISE])
def test_draws_have_mean_and_covariance(settings):
    model = noise_model(TABLE, UNIVERSES.mean_pb_per_gev, settings)
    n = 20_000
    values = model.draw(np.random.default_rng(0), np.full(n, 5))
    assert values.dtype == np.float32
    sigma = np.sqrt(np.diagonal(model.covariance(5)))
    pull = (values - model.mean[5]) / sigma
    assert np.abs(pull.mean(axis=0)).max() < 5 / np.sqrt(n)
    correlation = model.covariance(5) / (sigma[:, None] * sigma)
    assert np.abs(pull.T @ pull / n - correlation).max() < 7 / np.sqrt(n)


@pytest.mark.parametrize("settings", [STUDY_NOISE, HARD_NOISE])
def test_a_stream_restarts_at_any_chunk(settings):
    model = noise_model(TABLE, UNIVERSES.mean_pb_per_gev, settings)
    whole = list(model.stream(250, seed=11, chunk=64))
    assert [len(values) for _, values in whole] == [64, 64, 64, 58]
    assert np.array_equal(np.concatenate([u for u, _ in whole]), np.arange(250) % 8)
    rest = list(model.stream(250, seed=11, chunk=64, first_chunk=2))
    assert len(rest) == 2
    for (universe, values), (again, same) in zip(whole[2:], rest, strict=True):
        assert np.array_equal(universe, again)
        assert np.array_equal(values, same)
    other = next(model.stream(250, seed=12, chunk=64))[1]
    assert not np.array_equal(other, whole[0][1])


def test_chunks_are_independent_streams():
    first = chunk_generator(3, 0).standard_normal(4000)
    second = chunk_generator(3, 1).standard_normal(4000)
    assert abs(np.corrcoef(first, second)[0, 1]) < 4 / np.sqrt(4000)
    assert np.array_equal(first, chunk_generator(3, 0).standard_normal(4000))


def test_halves_of_the_mass_spectrum_count_the_total_once():
    halves = replace(TABLE, observable=("mll_forward",) * 30 + ("mll_backward",) * 62)
    total = TABLE.sm_pb.sum()
    assert effective_luminosity_per_pb(halves, 0.1) == pytest.approx(100 / total)


def test_impossible_noise_is_refused():
    with pytest.raises(PhysicsError, match="delta_sigma_rel"):
        NoiseSettings(delta_sigma_rel=0.0)
    with pytest.raises(PhysicsError, match="length_gev"):
        NoiseSettings(length_gev=float("nan"))
    with pytest.raises(PhysicsError, match="uncorrelated_fraction"):
        NoiseSettings(uncorrelated_fraction=1.5)
    with pytest.raises(PhysicsError, match="92 bins"):
        noise_model(TABLE, np.ones((2, 60)), HARD_NOISE)
    with pytest.raises(PhysicsError, match="total cross section"):
        noise_model(TABLE, -SM, replace(HARD_NOISE, per_universe=True, calibration="universe"))


def shared_table():
    """The toy table; each bin of pT shares a third of its events with the bin of twice its pT."""
    joint = np.diag(TABLE.sm_pb)
    for pt_bin in range(60, 92):
        mll_bin = min(59, max(0, int(2 * TABLE.center_gev[pt_bin] - 50) // 10))
        shared = min(TABLE.sm_pb[pt_bin], TABLE.sm_pb[mll_bin]) / 3
        joint[mll_bin, pt_bin] = joint[pt_bin, mll_bin] = shared
    return replace(TABLE, joint_pb=joint)


@pytest.mark.parametrize("noise", [HARD_NOISE, STUDY_NOISE])
def test_without_joint_noise_a_table_that_knows_its_events_draws_the_same_bits(noise):
    universe = np.arange(8)
    drawn = [
        noise_model(table, UNIVERSES.mean_pb_per_gev, noise).draw(chunk_generator(0, 0), universe)
        for table in (TABLE, shared_table())
    ]
    assert drawn[0].tobytes() == drawn[1].tobytes()


def test_joint_noise_by_hand():
    table, noise = shared_table(), replace(HARD_NOISE, joint=True)
    correlation = correlation_matrix(table, noise)
    # pT 60-70 GeV is the bin 65, m_ll 130-140 GeV the bin 8.
    low, high = sorted((TABLE.sm_pb[65], TABLE.sm_pb[8]))
    assert correlation[8, 65] == pytest.approx(low / 3 / np.sqrt(low * high))
    covariance = noise_model(table, SM, noise).covariance()
    luminosity = effective_luminosity_per_pb(table, 0.01)
    assert covariance[8, 65] == pytest.approx(low / 3 / luminosity / 10.0**2)
    assert np.diagonal(covariance) == pytest.approx(poisson_sigma(table, 0.01) ** 2)


def test_a_kernel_without_reach_leaves_the_shared_events():
    table = shared_table()
    uncorrelated = replace(STUDY_NOISE, joint=True, uncorrelated_fraction=1.0)
    independent = replace(HARD_NOISE, joint=True)
    assert correlation_matrix(table, uncorrelated) == pytest.approx(
        correlation_matrix(table, independent)
    )


def test_joint_noise_needs_the_shared_cross_sections():
    with pytest.raises(PhysicsError, match="joint_bins"):
        noise_model(TABLE, SM, replace(HARD_NOISE, joint=True))
