"""Relations between two objects: mass, distance, momentum sharing; and their embedding.

Computed once per batch from the raw energies, momenta and directions, then used three times: as
attention bias of every layer, aggregated (mean and maximum) into the tokens, and by the assignment
head. Angles enter as differences only, so a rotation of the event in phi changes nothing. All
features are symmetric in the two objects.

Shape letters: B events, N object slots, P pair features, K hidden pair channels, H heads, D width.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

# Positions in the feature axis of ``batch.objects``; a test holds them to data/event_schema.py.
ENERGY, PT, ETA, PHI, BTAG, IS_LEPTON = range(6)

# (name, typical center, typical spread): fixed scales that bring every feature to order one.
PAIR_FEATURES: tuple[tuple[str, float, float], ...] = (
    ("log_mass_gev", 4.3, 0.9),
    ("log_delta_r", 0.6, 0.6),
    ("log_kt_gev", 3.8, 0.9),
    ("momentum_share", 0.33, 0.12),
    ("abs_delta_eta", 1.2, 1.0),
    ("abs_delta_phi", 1.8, 0.9),
    ("log_pair_pt_gev", 4.0, 0.8),
    ("btag_sum", 0.5, 0.7),
    ("btag_product", 0.1, 0.3),
)
_MIN_MASS_SQUARED_GEV2 = 0.25
_MIN_DELTA_R = 0.02
_MIN_PT_GEV = 0.1


def azimuth_difference(phi_BN: Tensor) -> Tensor:
    """Return |phi_i - phi_j| folded into [0, pi].

    Parameters
    ----------
    phi_BN : Tensor, shape (B, N), radians
        Azimuth in any range of length two pi or less.

    Returns
    -------
    Tensor, shape (B, N, N), radians
        Absolute difference of the azimuths.
    """
    difference = (phi_BN[:, :, None] - phi_BN[:, None, :]).abs()
    # The outer abs() takes angles that rounding has put just beyond pi.
    return (math.pi - (difference - math.pi).abs()).abs()


def pair_mass_squared(objects_BNF: Tensor) -> Tensor:
    """Return the squared invariant mass of every pair of objects.

    Parameters
    ----------
    objects_BNF : Tensor, shape (B, N, F), GeV and radians
        Features in the order of ``OBJECT_FEATURES``.

    Returns
    -------
    Tensor, shape (B, N, N), GeV²
        m_ij² for i != j; the diagonal holds 4 m_i².

    Notes
    -----
    m_ij² = m_i² + m_j² + 2 (E_i E_j - p_i p_j) + 4 pT_i pT_j [sinh²(Δη/2) + sin²(Δφ/2)]. This
    form has no cancellation between large products of momentum components, so it is precise for
    close pairs in float32.
    """
    energy, pt, eta, phi = objects_BNF[..., : PHI + 1].unbind(-1)
    momentum = pt * torch.cosh(eta)
    mass_squared = ((energy - momentum) * (energy + momentum)).clamp(min=0.0)
    half_eta = 0.5 * (eta[:, :, None] - eta[:, None, :])
    half_phi = 0.5 * azimuth_difference(phi)
    angular = torch.sinh(half_eta).square() + torch.sin(half_phi).square()
    masses = _outer_sum(mass_squared) + 2.0 * (_outer(energy) - _outer(momentum)).clamp(min=0.0)
    return masses + 4.0 * _outer(pt) * angular


def _outer(values_BN: Tensor) -> Tensor:
    """Return products of all pairs, (B, N, N)."""
    return values_BN[:, :, None] * values_BN[:, None, :]


def _outer_sum(values_BN: Tensor) -> Tensor:
    """Return sums of all pairs, (B, N, N)."""
    return values_BN[:, :, None] + values_BN[:, None, :]


def delta_r_squared(objects_BNF: Tensor) -> Tensor:
    """Return Δη² + Δφ² of every pair, shape (B, N, N).

    Parameters
    ----------
    objects_BNF : Tensor, shape (B, N, F)
        Features in the order of ``OBJECT_FEATURES``.
    """
    eta = objects_BNF[..., ETA]
    delta_eta = eta[:, :, None] - eta[:, None, :]
    return delta_eta.square() + azimuth_difference(objects_BNF[..., PHI]).square()


def pair_features(objects_BNF: Tensor) -> Tensor:
    """Return the scaled relations of every pair of objects.

    Parameters
    ----------
    objects_BNF : Tensor, shape (B, N, F), GeV and radians
        Features in the order of ``OBJECT_FEATURES``; padded slots must hold finite numbers.

    Returns
    -------
    Tensor, shape (B, N, N, P), dimensionless
        ``PAIR_FEATURES`` with center and spread applied.

    References
    ----------
    The choice of log ΔR, log kT, z and log m follows H. Qu, C. Li, S. Qian,
    arXiv:2202.03772, eq. 3.
    """
    pt, eta, btag = objects_BNF[..., PT], objects_BNF[..., ETA], objects_BNF[..., BTAG]
    delta_eta = (eta[:, :, None] - eta[:, None, :]).abs()
    delta_phi = azimuth_difference(objects_BNF[..., PHI])
    delta_r = (delta_eta.square() + delta_phi.square()).sqrt().clamp(min=_MIN_DELTA_R)
    pt_min = torch.minimum(pt[:, :, None], pt[:, None, :])
    pt_sum = _outer_sum(pt)
    # (pT_i + pT_j)² - 4 pT_i pT_j sin²(Δφ/2): the vector sum without phi itself.
    pair_pt_squared = pt_sum.square() - 4.0 * _outer(pt) * torch.sin(0.5 * delta_phi).square()
    values = (
        0.5 * pair_mass_squared(objects_BNF).clamp(min=_MIN_MASS_SQUARED_GEV2).log(),
        delta_r.log(),
        (pt_min.clamp(min=_MIN_PT_GEV) * delta_r).log(),
        pt_min / pt_sum.clamp(min=_MIN_PT_GEV),
        delta_eta,
        delta_phi,
        0.5 * pair_pt_squared.clamp(min=1.0).log(),
        _outer_sum(btag),
        _outer(btag),
    )
    scaled = [
        (value - center) / spread
        for value, (_, center, spread) in zip(values, PAIR_FEATURES, strict=True)
    ]
    return torch.stack(scaled, dim=-1)


class PairEmbedding(nn.Module):
    """Embed pair features and reduce them to an attention bias and to a term for each token.

    Parameters
    ----------
    hidden : int
        Hidden pair channels K.
    n_heads : int
        Attention heads H.
    width : int
        Token width D.
    """

    def __init__(self, hidden: int, n_heads: int, width: int) -> None:
        super().__init__()
        self.embed = nn.Sequential(
            nn.Linear(len(PAIR_FEATURES), hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU()
        )
        self.to_bias = nn.Linear(hidden, n_heads)
        self.to_token = nn.Linear(2 * hidden, width)

    def forward(self, objects_BNF: Tensor, mask_BN: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return hidden pairs, attention bias and token terms.

        Parameters
        ----------
        objects_BNF : Tensor, shape (B, N, F)
            Raw features; finite in padded slots.
        mask_BN : Tensor, shape (B, N), bool
            True = real object.

        Returns
        -------
        tuple of Tensor
            Hidden pairs (B, N, N, K), bias (B, H, N, N), token terms (B, N, D).
        """
        hidden_BNNK = self.embed(pair_features(objects_BNF))
        bias_BHNN = self.to_bias(hidden_BNNK).permute(0, 3, 1, 2)
        return hidden_BNNK, bias_BHNN, self.to_token(_aggregate(hidden_BNNK, mask_BN))


def _aggregate(hidden_BNNK: Tensor, mask_BN: Tensor) -> Tensor:
    """Return mean and maximum over the other real objects, (B, N, 2·K); zero for a lone object."""
    n_slots = mask_BN.shape[1]
    is_other = ~torch.eye(n_slots, dtype=torch.bool, device=mask_BN.device)
    is_pair_BNN1 = (is_other & mask_BN[:, None, :])[..., None]
    n_pairs = is_pair_BNN1.sum(dim=2).clamp(min=1)
    mean = (hidden_BNNK * is_pair_BNN1).sum(dim=2) / n_pairs
    # SiLU is bounded below by -0.28, so -1 never wins against a real pair.
    maximum = hidden_BNNK.masked_fill(~is_pair_BNN1, -1.0).amax(dim=2)
    return torch.cat([mean, maximum.clamp(min=-0.5)], dim=-1)
