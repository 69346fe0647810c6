"""Noise schedule, sampler and time embedding against closed forms."""

from __future__ import annotations

import math

import pytest
import torch

from colliderfm.errors import ConfigError
from colliderfm.nn import diffusion


def mixture_velocity(means, widths, shares):
    """The exact v of a mixture of Gaussians: posterior means of data and noise are closed forms."""

    def velocity_of(x, t):
        a, s = diffusion.alpha(t), diffusion.sigma(t)
        scores, data = [], []
        for mean, width, share in zip(means, widths, shares, strict=True):
            variance = (a * width) ** 2 + s**2
            scores.append(
                math.log(share) - 0.5 * variance.log() - 0.5 * (x - a * mean) ** 2 / variance
            )
            data.append(mean + a * width**2 / variance * (x - a * mean))
        posterior = torch.stack(scores).softmax(dim=0)
        x_0 = (posterior * torch.stack(data)).sum(dim=0)
        return a * (x - a * x_0) / s - s * x_0

    return velocity_of


TWO_PEAKS = mixture_velocity([-1.0, 1.5], [0.3, 0.15], [0.3, 0.7])


def draw(velocity_of, n_steps, n_events=20_000, **options):
    generator = torch.Generator().manual_seed(1)
    return diffusion.sample(
        velocity_of, (n_events,), n_steps, generator=generator, dtype=torch.float64, **options
    )


def test_schedule_is_a_cosine_in_log_snr():
    t = torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64)
    log_snr = 2 * (diffusion.alpha(t) / diffusion.sigma(t)).log()
    assert torch.allclose(log_snr, torch.tensor([20.0, 0.0, -20.0], dtype=torch.float64))
    assert torch.allclose(
        diffusion.alpha(t) ** 2 + diffusion.sigma(t) ** 2, torch.ones(()).double()
    )


def test_velocity_and_noised_data_give_back_data_and_noise():
    torch.manual_seed(0)
    x, noise, t = torch.randn(6, 3, 2), torch.randn(6, 3, 2), torch.rand(6)
    x_t, v = diffusion.noised(x, noise, t), diffusion.velocity(x, noise, t)
    data, again = diffusion.estimate(x_t, v, t)
    assert torch.allclose(data, x, atol=1e-6)
    assert torch.allclose(again, noise, atol=1e-6)


def test_velocity_is_the_derivative_with_respect_to_the_angle():
    x, noise = torch.tensor([0.7]).double(), torch.tensor([-1.2]).double()
    t, dt = torch.tensor([0.4]).double(), 1e-6
    difference = diffusion.noised(x, noise, t + dt) - diffusion.noised(x, noise, t - dt)
    d_angle = diffusion.angle(t + dt) - diffusion.angle(t - dt)
    assert torch.allclose(difference / d_angle, diffusion.velocity(x, noise, t))


@pytest.mark.parametrize(("n_steps", "tolerance"), [(10, 0.06), (16, 0.03), (20, 0.02)])
@pytest.mark.parametrize(("mean", "width"), [(0.5, 0.3), (-1.0, 1.4)])
def test_moments_of_a_gaussian(mean, width, n_steps, tolerance):
    x = draw(mixture_velocity([mean], [width], [1.0]), n_steps)
    assert abs(x.mean() - mean) < 0.03
    assert abs(x.std() / width - 1) < tolerance


@pytest.mark.parametrize("n_steps", [10, 16, 20])
def test_moments_of_two_peaks(n_steps):
    x = draw(TWO_PEAKS, n_steps)
    is_right = x > 0.4
    assert abs(is_right.double().mean() - 0.7) < 0.015
    assert abs(x[is_right].mean() - 1.5) < 0.02
    assert abs(x[~is_right].mean() + 1.0) < 0.03
    assert abs(x[~is_right].std() / 0.3 - 1) < 0.08
    assert abs(x[is_right].std() / 0.15 - 1) < 0.18


@pytest.mark.parametrize("n_steps", [16, 20])
def test_stochastic_sampling_keeps_the_moments_of_two_peaks(n_steps):
    x = draw(TWO_PEAKS, n_steps, stochastic=0.5)
    is_right = x > 0.4
    assert abs(is_right.double().mean() - 0.7) < 0.015
    assert abs(x[is_right].mean() - 1.5) < 0.02
    assert abs(x[~is_right].mean() + 1.0) < 0.03
    assert abs(x[~is_right].std() / 0.3 - 1) < 0.08


def test_the_sampler_is_of_second_order():
    exact = draw(TWO_PEAKS, 800, n_events=500)
    errors = [(draw(TWO_PEAKS, n, n_events=500) - exact).abs().mean() for n in (20, 40, 80)]
    orders = [math.log2(coarse / fine) for coarse, fine in zip(errors, errors[1:], strict=False)]
    assert all(1.7 < order < 2.4 for order in orders)


def test_a_single_point_is_reached_in_one_step():
    x = draw(mixture_velocity([0.25], [1e-9], [1.0]), 1, n_events=10)
    assert torch.allclose(x, torch.full_like(x, 0.25), atol=1e-3)


def test_sixteen_steps_keep_the_hard_edges_of_a_uniform_density():
    """With the exact velocity; so soft edges of generated objects are the network's, not the sampler's."""
    edge = math.sqrt(3.0)

    def velocity_of(x, t):
        a, s = diffusion.alpha(t), diffusion.sigma(t)
        low, high = ((end - x / a) * a / s for end in (-edge, edge))
        normal = torch.distributions.Normal(0.0, 1.0)
        share = (normal.cdf(high) - normal.cdf(low)).clamp(min=1e-300)
        shift = (normal.log_prob(low).exp() - normal.log_prob(high).exp()) / share
        mean = (x / a + s / a * shift).clamp(-edge, edge)
        return a * (x - a * mean) / s - s * mean

    generator = torch.Generator().manual_seed(0)
    x = diffusion.sample(velocity_of, (20000,), 16, generator=generator, dtype=torch.float64)
    assert x.abs().max() < edge + 0.01
    assert x.std().item() == pytest.approx(1.0, abs=0.01)
    counts = torch.histc(x, 6, -edge, edge) / len(x)
    torch.testing.assert_close(counts, torch.full_like(counts, 1 / 6), atol=0.012, rtol=0)


def test_only_the_stochastic_sampler_adds_noise():
    """For a standard normal the flow is at rest: the data are the first noise, unless more is added."""
    at_rest = mixture_velocity([0.0], [1.0], [1.0])
    first = torch.randn(20_000, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(draw(at_rest, 40), first, rtol=2e-3)
    stirred = draw(at_rest, 40, stochastic=0.5)
    assert (stirred - first).abs().mean() > 0.2
    assert abs(stirred.std() - 1) < 0.02


def test_each_step_asks_for_one_velocity():
    times = []

    def velocity_of(x, t):
        times.append(float(t))
        return torch.zeros_like(x)

    diffusion.sample(velocity_of, (3, 2), 5)
    assert len(times) == 5
    assert times[0] == 1.0
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize("options", [{"n_steps": 0}, {"stochastic": 1.0}, {"stochastic": -0.1}])
def test_impossible_samplers_are_refused(options):
    with pytest.raises(ConfigError):
        diffusion.sample(lambda x, _: x, (2,), **options)


def test_times_of_a_batch_are_spread_evenly():
    torch.manual_seed(0)
    t = diffusion.random_times(50)
    assert torch.equal((t * 50).floor().sort().values, torch.arange(50.0))
    assert not torch.equal(t, t.sort().values)
    assert len(diffusion.random_times(0)) == 0


def test_time_zero_has_no_embedding():
    torch.manual_seed(0)
    embedding = diffusion.TimeEmbedding(8)
    out = embedding(torch.tensor([0.0, 0.3, 1.0]))
    assert torch.equal(out[0], torch.zeros(8))
    assert out[1:].abs().min(dim=1).values.gt(0).all()
    assert not torch.allclose(out[1], out[2])
