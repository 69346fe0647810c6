"""Study smeft, second step: how a Dirichlet over universes is read off a latent, and what it says.

The head is aware of distance: a universe is a point of the (noise-whitened) latent, probabilities
follow from squared distances to all of them, and the evidence from how near the nearest one is. Far
from every universe the Dirichlet is flat, whatever the direction. Three entropies split what is not
known: total = expected (replicas of two universes overlap) + mutual information (no such universe
was seen). Read next: ``calibration.py``, ``anomalies.py``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import digamma
from torch import Tensor, nn

from colliderfm.errors import PhysicsError
from colliderfm.losses.dirichlet import fixed_concentration_loss


@dataclass(frozen=True)
class DirichletUncertainty:
    """Entropies of a Dirichlet over U universes, in nats.

    Parameters
    ----------
    total_entropy : ndarray, shape (N,)
        Entropy of the mean probabilities.
    expected_entropy : ndarray, shape (N,)
        Mean entropy of the probabilities: ambiguity that more training does not remove.
    mutual_information : ndarray, shape (N,)
        Their difference, never negative: what is not known about the probabilities themselves.
    """

    total_entropy: np.ndarray
    expected_entropy: np.ndarray
    mutual_information: np.ndarray


def dirichlet_uncertainty(concentration: np.ndarray) -> DirichletUncertainty:
    """Total entropy, expected entropy and mutual information in closed form.

    Parameters
    ----------
    concentration : ndarray, shape (N, U)
        Parameters alpha of the Dirichlet, all positive.

    Returns
    -------
    DirichletUncertainty
        With ``m = alpha / alpha0``: total ``-sum m ln m``, expected
        ``psi(alpha0 + 1) - sum m psi(alpha + 1)``, mutual information the difference.

    Raises
    ------
    PhysicsError
        If a parameter is not positive and finite.

    References
    ----------
    Eqs. 4.1-4.6 of the source study; A. Malinin and M. Gales, arXiv:1802.10501, section 3.2.
    """
    alpha = np.asarray(concentration, dtype=np.float64)
    if not (np.isfinite(alpha).all() and (alpha > 0.0).all()):
        raise PhysicsError("parameters of a Dirichlet", got=float(alpha.min()), need="> 0, finite")
    total = alpha.sum(axis=1)
    mean = alpha / total[:, None]
    entropy = -(mean * np.log(mean)).sum(axis=1)
    expected = digamma(total + 1.0) - (mean * digamma(alpha + 1.0)).sum(axis=1)
    return DirichletUncertainty(entropy, expected, np.maximum(entropy - expected, 0.0))


class DirichletHead(nn.Module):
    """Latent to the parameters of a Dirichlet over universes.

    Parameters
    ----------
    n_universes : int
        Universes U.
    latent : int
        Latent width D.
    concentration : float
        Evidence for a spectrum of a known universe, in units of the flat Dirichlet: alpha0 is then
        ``U (1 + concentration)``, and U where there is no evidence.

    Notes
    -----
    ``alpha = 1 + U * concentration * gate * share`` with ``share`` the softmax of ``b - d^2 / 2``
    over universes and ``gate = 1 / (1 + (d_min^2 / d_half^2)^s)``. The gate knows nothing but the
    smallest distance: a free function of the latent closes where the distortions of training are
    dense and stays open where they are rare, near the Standard Model.

    ``calibration.calibrate`` sets two numbers after training, 1 before: the temperature, which
    divides ``b - d^2 / 2``, and the reach, which divides ``d_min^2``.
    """

    center: Tensor
    whitener: Tensor
    temperature: Tensor
    reach: Tensor

    def __init__(self, n_universes: int, latent: int, concentration: float) -> None:
        super().__init__()
        self.n_universes, self.latent, self.concentration = n_universes, latent, concentration
        self.register_buffer("center", torch.zeros(latent))
        self.register_buffer("whitener", torch.eye(latent))
        self.register_buffer("temperature", torch.ones(()))
        self.register_buffer("reach", torch.ones(()))
        self.universe_place = nn.Parameter(torch.randn(n_universes, latent))
        self.log_scale = nn.Parameter(torch.zeros(latent))
        self.bias = nn.Parameter(torch.zeros(n_universes))
        self.log_half_distance = nn.Parameter(torch.tensor(0.5 * math.log(4.0 * latent)))
        self.log_steepness = nn.Parameter(torch.tensor(math.log(2.0)))

    @torch.no_grad()
    def place_universes(
        self, latent: np.ndarray, universe: np.ndarray, whitener: np.ndarray
    ) -> None:
        """Start from the mean latent of each universe, in units of the noise.

        Parameters
        ----------
        latent : ndarray, shape (N, D)
            Latents of labeled replicas, at least one of each universe.
        universe : ndarray, shape (N,), int
            Their universes.
        whitener : ndarray, shape (D, D)
            ``latent @ whitener`` has unit noise.
        """
        center = latent.mean(axis=0)
        white = (latent - center) @ whitener
        count = np.bincount(universe, minlength=self.n_universes)
        place = np.zeros((self.n_universes, self.latent))
        np.add.at(place, universe, white)
        self.center.copy_(torch.from_numpy(center))
        self.whitener.copy_(torch.from_numpy(whitener))
        self.universe_place.copy_(torch.from_numpy(place / count[:, None]))
        # The mean of n replicas is itself uncertain: a new one scatters by 1 + 1/n about it.
        self.log_scale.fill_(-0.5 * math.log1p(1.0 / count.mean()))

    def forward(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Return squared distances to all universes and to the nearest, in units of the noise.

        Parameters
        ----------
        latent : Tensor, shape (N, D)
            Latents.

        Returns
        -------
        tuple of Tensor
            Shapes (N, U) and (N,).
        """
        white = (latent - self.center) @ self.whitener
        scale = self.log_scale.exp()
        squared = _squared_distances(white * scale, self.universe_place * scale)
        # Spectra from off the manifold may move the encoder away, but not the universes.
        place = self.universe_place.detach()[squared.argmin(dim=1)]
        return squared, ((white - place) * scale).square().sum(dim=1)

    def log_share(self, squared: Tensor) -> Tensor:
        """Return the logarithm of how evidence is shared, at squared distances, all (N, U)."""
        return torch.log_softmax((self.bias - 0.5 * squared) / self.temperature, dim=1)

    def parameters_at(self, squared: Tensor, nearest: Tensor) -> Tensor:
        """Return alpha at given distances.

        Parameters
        ----------
        squared : Tensor, shape (N, U)
            Squared distances to all universes.
        nearest : Tensor, shape (N,)
            Squared distance to the nearest one.

        Returns
        -------
        Tensor, shape (N, U)
            All at least 1.
        """
        log_ratio = 2.0 * self.log_half_distance - torch.log(nearest / self.reach + 1e-6)
        gate = torch.sigmoid(self.log_steepness.exp() * log_ratio)
        evidence = self.n_universes * self.concentration * gate
        return 1.0 + evidence[:, None] * self.log_share(squared).exp()

    def parameters_of(self, latent: Tensor) -> Tensor:
        """Return alpha, shape (N, U), of latents (N, D)."""
        return self.parameters_at(*self(latent))

    def losses(self, latent: Tensor, universe: Tensor, off_manifold: Tensor) -> dict[str, Tensor]:
        """Return the loss of labeled replicas and of spectra from off the manifold.

        Parameters
        ----------
        latent : Tensor, shape (N, D)
            Latents of labeled replicas.
        universe : Tensor, shape (N,), int
            Their universes.
        off_manifold : Tensor, shape (M, D)
            Latents of spectra that no universe made.

        Returns
        -------
        dict of str to Tensor
            ``known`` and ``off_manifold``, both ``fixed_concentration_loss``: alpha0 is pulled to
            ``U (1 + concentration)`` for the one and to U for the other; missing the first by all
            of it costs 1.
        """
        total = self.n_universes * (1.0 + self.concentration)
        weight = 1.0 / np.log1p(self.concentration) ** 2
        nowhere = torch.full((len(off_manifold),), -1, device=off_manifold.device)
        return {
            name: fixed_concentration_loss(self.parameters_of(latent), target, total, weight).mean()
            for name, latent, target in (
                ("known", latent, universe),
                ("off_manifold", off_manifold, nowhere),
            )
        }


def dirichlet_parameters(head: DirichletHead, latent: np.ndarray) -> np.ndarray:
    """Return the parameters alpha (N, U), float64, of latents (N, D)."""
    with torch.no_grad():
        return np.asarray(head.parameters_of(torch.from_numpy(latent)).double().numpy())


def log_losses(alpha: Tensor, universe: Tensor) -> Tensor:
    """Negative logarithm of the mean probability of the true universe.

    Parameters
    ----------
    alpha : Tensor, shape (N, U)
        Parameters of the Dirichlet.
    universe : Tensor, shape (N,), int
        The truth.

    Returns
    -------
    Tensor, shape (N,)
        In nats.
    """
    true = alpha.gather(1, universe[:, None])[:, 0]
    return alpha.sum(dim=1).log() - true.log()


def _squared_distances(first: Tensor, second: Tensor) -> Tensor:
    """Squared distances (N, U) by one matrix product.

    In double precision: latents can lie thousands of units of noise from the origin.
    """
    first, second = first.double(), second.double()
    squares = first.square().sum(dim=1)[:, None] + second.square().sum(dim=1)
    return (squares - 2.0 * first @ second.T).clamp(min=0.0).float()
