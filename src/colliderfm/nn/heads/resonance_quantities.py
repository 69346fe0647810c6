"""What is regressed of a resonance, and the way from four-momenta to it and back.

Momenta here are relative to the direction of the missing momentum, so that a turn of the whole event
changes nothing. Shape letters: B events, R resonances, Q = 5 quantities.
"""

from __future__ import annotations

import torch
from torch import Tensor

# Center and spread over simulated resonances: fixed, so that a loss means the same everywhere.
QUANTITIES: tuple[tuple[str, float, float], ...] = (
    ("log_mass_gev", 4.5, 0.5),
    ("log1p_pt_gev", 4.2, 0.8),
    ("eta", 0.0, 2.0),
    ("cos_phi", 0.0, 0.7),
    ("sin_phi", 0.0, 0.7),
)
# Center and relative spread of the mass by |PDG id|; W and Z are often far below their mass. On a
# wider scale the noise of a network would exceed the natural width.
MASSES_GEV: dict[int, tuple[float, float]] = {
    6: (172.5, 0.03),
    23: (91.2, 0.08),
    24: (80.4, 0.2),
    25: (125.0, 0.01),
    36: (40.0, 0.3),
}
# Beyond these a prediction would overflow when it is turned into a momentum.
_MAX_LOG_GEV, _MAX_ETA = 10.0, 8.0


def quantities_of(momenta_BR4: Tensor, floor_gev2: float = 1e-6) -> Tensor:
    """Return log mass, log pT and direction of four-momenta.

    Parameters
    ----------
    momenta_BR4 : Tensor, shape (B, R, 4), GeV
        Energy, px, py, pz.
    floor_gev2 : float
        Added to squared masses and momenta, so that derivatives stay finite.

    Returns
    -------
    Tensor, shape (B, R, 5)
        In the order of ``QUANTITIES``, not standardized.
    """
    energy, px, py, pz = momenta_BR4.unbind(-1)
    pt = (px.square() + py.square() + floor_gev2).sqrt()
    momentum = (pt.square() + pz.square()).sqrt()
    # Not as a difference of squares, which loses small masses of fast resonances in float32. The
    # momentum contains the floor already.
    mass_squared = ((energy - momentum) * (energy + momentum) + floor_gev2).clamp(min=0.0)
    return torch.stack(
        [0.5 * (mass_squared + floor_gev2).log(), pt.log1p(), (pz / pt).asinh(), px / pt, py / pt],
        dim=-1,
    )


def momenta_of(quantities_BRQ: Tensor) -> Tensor:
    """Return the four-momenta of quantities; extreme ones are limited.

    Parameters
    ----------
    quantities_BRQ : Tensor, shape (B, R, 5)
        In the order of ``QUANTITIES``, not standardized; the length of (cos, sin) does not matter.

    Returns
    -------
    Tensor, shape (B, R, 4), GeV
        Energy, px, py, pz, with energy >= momentum.
    """
    mass, pt, eta, cosine, sine = quantities_BRQ.unbind(-1)
    mass_gev = mass.clamp(max=_MAX_LOG_GEV).exp()
    pt_gev = pt.clamp(0.0, _MAX_LOG_GEV).expm1()
    phi = torch.atan2(sine, cosine)
    pz_gev = pt_gev * eta.clamp(-_MAX_ETA, _MAX_ETA).sinh()
    energy_gev = (mass_gev.square() + pt_gev.square() + pz_gev.square()).sqrt()
    return torch.stack([energy_gev, pt_gev * phi.cos(), pt_gev * phi.sin(), pz_gev], dim=-1)


def turned(momenta_BR4: Tensor, angle_B: Tensor) -> Tensor:
    """Return four-momenta (B, R, 4) turned by an angle (B,), radians, around the beam."""
    energy, px, py, pz = momenta_BR4.unbind(-1)
    cosine, sine = angle_B.cos()[:, None], angle_B.sin()[:, None]
    return torch.stack([energy, px * cosine - py * sine, px * sine + py * cosine, pz], dim=-1)
