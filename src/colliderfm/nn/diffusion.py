"""Diffusion with v-prediction: the noise schedule, a second-order sampler, the time embedding.

The schedule is variance preserving and a cosine in log-SNR, so noising is a rotation: with the
angle theta(t) = a t + b, running from almost 0 to almost pi/2,

    x_t = cos(theta) x + sin(theta) noise,    v = cos(theta) noise - sin(theta) x = d x_t / d theta.

The network's v is the right-hand side of the probability-flow equation itself; sampling integrates
it from t = 1 to t = 0 and nothing is ever divided by alpha = cos(theta), which is 5e-5 at the start.
Read next: ``heads/generate_invisible.py``.

References
----------
T. Salimans, J. Ho, arXiv:2202.00512, eqs. 8-11 and appendix D (v and the angular form);
logSNR(t) = -2 log tan(a t + b): A. Nichol, P. Dhariwal, arXiv:2102.09672, eq. 17, in continuous
time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from colliderfm.errors import ConfigError

MAX_LOG_SNR = 20.0
_FIRST_ANGLE = math.atan(math.exp(-MAX_LOG_SNR / 2))
_ANGLE_RANGE = math.pi / 2 - 2 * _FIRST_ANGLE
# Times of the sampler are (i / n)^1.25: somewhat denser near the data, where the flow is stiffest.
_SPACING = 1.25
_SLOWEST, _FASTEST = 0.25, 64.0


def angle(t: Tensor) -> Tensor:
    """Return theta(t), the angle between the data and the noised data, in radians.

    Parameters
    ----------
    t : Tensor, any shape
        Diffusion time in [0, 1].
    """
    return _FIRST_ANGLE + _ANGLE_RANGE * t


def alpha(t: Tensor) -> Tensor:
    """Return the share of the data in the noised data; ``t`` in [0, 1], any shape."""
    return angle(t).cos()


def sigma(t: Tensor) -> Tensor:
    """Return the share of the noise in the noised data; alpha² + sigma² = 1."""
    return angle(t).sin()


def noised(x: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """Return x_t = alpha x + sigma noise.

    Parameters
    ----------
    x, noise : Tensor, shape (B, ...)
        Data and standard normal noise.
    t : Tensor, shape (B,) or (1,)
        Diffusion time of each event.

    Returns
    -------
    Tensor, shape (B, ...)
        Noised data.
    """
    return _along(alpha(t), x) * x + _along(sigma(t), x) * noise


def velocity(x: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """Return v = alpha noise - sigma x, what a network is trained to predict.

    Parameters
    ----------
    x, noise : Tensor, shape (B, ...)
        Data and standard normal noise.
    t : Tensor, shape (B,) or (1,)
        Diffusion time of each event.

    Returns
    -------
    Tensor, shape (B, ...)
        Velocity d x_t / d theta.
    """
    return _along(alpha(t), x) * noise - _along(sigma(t), x) * x


def estimate(x_t: Tensor, v: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """Return the data and the noise that a velocity stands for.

    Parameters
    ----------
    x_t, v : Tensor, shape (B, ...)
        Noised data and its (predicted) velocity.
    t : Tensor, shape (B,) or (1,)
        Diffusion time of each event.

    Returns
    -------
    tuple of Tensor
        Data and noise, shape (B, ...) each.
    """
    a, s = _along(alpha(t), x_t), _along(sigma(t), x_t)
    return a * x_t - s * v, s * x_t + a * v


def random_times(n_events: int, device: torch.device | str | None = None) -> Tensor:
    """Draw a time for each event, uniform in [0, 1) and evenly spread over the batch.

    Parameters
    ----------
    n_events : int
        Events B.
    device : torch.device or str, optional
        Where to put them.

    Returns
    -------
    Tensor, shape (B,)
        One time in each interval of length 1/B, in random order: the loss of a batch then does not
        depend on how many of its times happen to be small.
    """
    stratum = torch.randperm(n_events, device=device)
    times = (stratum + torch.rand(n_events, device=device)) / max(n_events, 1)
    return times.clamp(max=1.0 - 1e-6)


def _along(values: Tensor, like: Tensor) -> Tensor:
    """Return values of shape (B,) with trailing axes to match (B, ...)."""
    return values.view(-1, *[1] * (like.ndim - 1))


@torch.no_grad()
def sample(
    velocity_of: Callable[[Tensor, Tensor], Tensor],
    shape: Sequence[int],
    n_steps: int = 16,
    *,
    stochastic: float = 0.0,
    generator: torch.Generator | None = None,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """Turn noise into data.

    Parameters
    ----------
    velocity_of : callable
        Gives v (B, ...) from x_t (B, ...) and t (1,); called at falling times.
    shape : sequence of int
        Shape (B, ...) of the result.
    n_steps : int
        Steps; each costs one call of ``velocity_of``, or two if ``stochastic``.
    stochastic : float
        0: the result is a function of the first noise. In (0, 1): every step goes further than it
        must by this share and is brought back with fresh noise.
    generator : torch.Generator, optional
        Source of the noise.
    device, dtype : optional
        Of the result.

    Returns
    -------
    Tensor
        Sample of the distribution behind the velocity.

    Raises
    ------
    ConfigError
        If there is no step, or ``stochastic`` lies outside [0, 1).

    Notes
    -----
    A step back by d is exact for v'' = -v + g' with constant g = v' + x (zero if data and noise are
    estimated alike along the step): x <- cos(d) x - sin(d) v + (1 - cos(d)) g. The first step takes
    g = 0; later ones measure it over the step before, so second order costs one call per step. The
    fresh noise of a stochastic step follows the forward process exactly, hence keeps the
    distribution; such a step measures g within itself.
    """
    if n_steps < 1 or not 0.0 <= stochastic < 1.0:
        raise ConfigError(
            "sampler of a diffusion model",
            got=f"n_steps={n_steps}, stochastic={stochastic}",
            need="n_steps >= 1 and 0 <= stochastic < 1",
        )
    times = (
        torch.arange(n_steps, -1, -1, device=device, dtype=torch.float64) / n_steps
    ) ** _SPACING
    angles = angle(times).tolist()
    x = torch.randn(*shape, generator=generator, device=device, dtype=dtype)
    times = times.to(x.dtype)
    before: tuple[Tensor, Tensor, float] | None = None
    for i in range(n_steps):
        v, step = velocity_of(x, times[i : i + 1]), angles[i] - angles[i + 1]
        is_last = i == n_steps - 1
        if stochastic > 0.0 and not is_last:
            x = _stochastic_step(
                velocity_of, x, v, (angles[i], angles[i + 1]), stochastic, generator
            )
            continue
        curvature = 0.0 if before is None else _curvature(*before, v)
        before = (x, v, step)
        x = _rotated(x, v, step, curvature)
    return x


def _rotated(x: Tensor, v: Tensor, step: float, curvature: Tensor | float) -> Tensor:
    """Return x one step back, for a constant curvature g."""
    return math.cos(step) * x - math.sin(step) * v + (1.0 - math.cos(step)) * curvature


def _curvature(x: Tensor, v: Tensor, step: float, v_next: Tensor) -> Tensor:
    """Return g from the velocities at both ends of a step back from (x, v)."""
    return (math.cos(step) * v + math.sin(step) * x - v_next) / math.sin(step)


def _stochastic_step(
    velocity_of: Callable[[Tensor, Tensor], Tensor],
    x: Tensor,
    v: Tensor,
    between: tuple[float, float],
    share: float,
    generator: torch.Generator | None,
) -> Tensor:
    """Go from the first angle beyond the second one, then diffuse forward to the second."""
    first, second = between
    beyond = max(second - share * (first - second), _FIRST_ANGLE)
    step = first - beyond
    t = torch.full((1,), (beyond - _FIRST_ANGLE) / _ANGLE_RANGE, device=x.device, dtype=x.dtype)
    v_next = velocity_of(_rotated(x, v, step, 0.0), t)
    x = _rotated(x, v, step, _curvature(x, v, step, v_next))
    kept = math.cos(second) / math.cos(beyond)
    fresh = math.sqrt(max(math.sin(second) ** 2 - (kept * math.sin(beyond)) ** 2, 0.0))
    noise = torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)
    return kept * x + fresh * noise


class TimeEmbedding(nn.Module):
    """Embed the diffusion time; t = 0 gives exactly zero.

    Cosines and sines at geometrically spaced frequencies, times t, then an MLP without biases.

    Parameters
    ----------
    width : int
        Width D of the embedding.
    n_frequencies : int
        Number of frequencies, from 0.25 to 64 rad per unit of time.
    """

    frequencies: Tensor

    def __init__(self, width: int, n_frequencies: int = 16) -> None:
        super().__init__()
        frequencies = torch.logspace(
            math.log2(_SLOWEST), math.log2(_FASTEST), n_frequencies, base=2
        )
        # Follows from the settings, so it is not part of a checkpoint.
        self.register_buffer("frequencies", frequencies, persistent=False)
        self.layers = nn.Sequential(
            nn.Linear(2 * n_frequencies, width, bias=False),
            nn.SiLU(),
            nn.Linear(width, width, bias=False),
        )

    def forward(self, t: Tensor) -> Tensor:
        """Return the embedding (..., D) of times (...)."""
        phase = t[..., None] * self.frequencies
        return self.layers(torch.cat([phase.cos(), phase.sin()], dim=-1) * t[..., None])
