"""Network features of invisible particles, and back: standardized momenta, azimuth on a circle."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from colliderfm.errors import DataError

N_FEATURES = 4
_MAX_ETA, _MAX_GEV, _MIN_PT_GEV = 10.0, 1.0e5, 1.0e-3
# Cosine and sine of an angle have a mean square of 1/2; this brings them to order one.
_CIRCLE = math.sqrt(2.0)


class InvisibleFeatures(nn.Module):
    """Map momenta of invisible particles to four features: standardized, azimuth from met_phi.

    ``mean`` and ``std`` of log(1 + pT/GeV) and eta hold typical values until ``fit``.
    """

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor([3.6, 0.0]))
        self.register_buffer("std", torch.tensor([0.8, 1.5]))

    @torch.no_grad()
    def fit(self, batches: Iterable[Any]) -> InvisibleFeatures:
        """Measure mean and width of log(1 + pT) and eta; they are saved with the weights.

        Parameters
        ----------
        batches : iterable of EventBatch
            Training events with truth; absolute event weights count.

        Returns
        -------
        InvisibleFeatures
            This module.

        Raises
        ------
        DataError
            If the events have no truth, or no invisible particle.
        """
        sums = torch.zeros(3, 2, dtype=torch.float64)
        for batch in batches:
            momenta, mask = invisible_truth(batch)
            weight = batch.weight.double().abs()[:, None].expand(mask.shape)[mask].cpu()
            values = _kinematics(momenta[mask].double().cpu())[:, :2]
            sums[0] += weight.sum()
            sums[1] += weight @ values
            sums[2] += weight @ values**2
        if not sums[0, 0] > 0:
            raise DataError("no invisible particle to measure a normalization on")
        mean = sums[1] / sums[0]
        self.mean.copy_(mean)
        self.std.copy_((sums[2] / sums[0] - mean**2).clamp(min=1e-12).sqrt())
        return self

    def forward(self, momenta: Tensor, met_phi: Tensor) -> Tensor:
        """Return network features of invisible particles.

        Parameters
        ----------
        momenta : Tensor, shape (B, K, 4)
            Energy, px, py, pz in GeV; energy is not used, for the particles are massless.
        met_phi : Tensor, shape (B,), radians
            Direction of the missing momentum.

        Returns
        -------
        Tensor, shape (B, K, 4), dimensionless
            Standardized log(1 + pT) and eta, cosine and sine of phi - met_phi times sqrt(2).
        """
        scaled = _kinematics(momenta)
        angle = scaled[..., 2] - met_phi[:, None]
        return torch.cat(
            [
                (scaled[..., :2] - self.mean) / self.std,
                _CIRCLE * angle.cos()[..., None],
                _CIRCLE * angle.sin()[..., None],
            ],
            dim=-1,
        )

    def inverse(self, features: Tensor, met_phi: Tensor) -> Tensor:
        """Return four-momenta from network features; the inverse of ``forward``.

        Parameters
        ----------
        features : Tensor, shape (B, K, 4)
            As ``forward`` gives them; the vector on the circle may have any length.
        met_phi : Tensor, shape (B,), radians
            Direction of the missing momentum.

        Returns
        -------
        Tensor, shape (B, K, 4)
            Energy, px, py, pz in GeV, massless, energy at most 1e5 GeV.
        """
        scaled = features[..., :2] * self.std + self.mean
        eta = scaled[..., 1].clamp(-_MAX_ETA, _MAX_ETA)
        # The limit of the file format on the energy, with some room for rounding.
        pt = scaled[..., 0].clamp(min=0.0, max=math.log(_MAX_GEV)).expm1()
        pt = torch.minimum(pt, 0.999 * _MAX_GEV / eta.cosh())
        phi = torch.atan2(features[..., 3], features[..., 2]) + met_phi[:, None]
        parts = (pt * eta.cosh(), pt * phi.cos(), pt * phi.sin(), pt * eta.sinh())
        return torch.stack(parts, dim=-1)


def invisible_truth(batch: Any) -> tuple[Tensor, Tensor]:
    """Return the true invisible particles of a batch.

    Parameters
    ----------
    batch : EventBatch
        Gives ``truth``.

    Returns
    -------
    tuple of Tensor
        Energy, px, py, pz (B, K, 4) in GeV, and which of them are real (B, K), bool.

    Raises
    ------
    DataError
        If the batch has no truth.
    """
    if batch.truth is None:
        raise DataError(
            "events to learn invisible particles from",
            got="no truth",
            need="columns invisible_energy_gev, invisible_px_gev, invisible_py_gev, invisible_pz_gev",
            fix="read the events with truth, or leave this head out",
        )
    return batch.truth.invisible, batch.truth.invisible_mask


def _kinematics(momenta: Tensor) -> Tensor:
    """Return log(1 + pT/GeV), eta and phi, (..., 3)."""
    _, px, py, pz = momenta.unbind(-1)
    pt = torch.hypot(px, py)
    eta = torch.asinh(pz / pt.clamp(min=_MIN_PT_GEV)).clamp(-_MAX_ETA, _MAX_ETA)
    return torch.stack([pt.log1p(), eta, torch.atan2(py, px)], dim=-1)
