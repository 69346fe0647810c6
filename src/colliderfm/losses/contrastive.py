"""Losses over pairs of spectra in a latent space.

``pair_loss`` is that of the source study. It stops pushing at its margin, so that all distances
beyond look alike. ``same_universe_loss`` and ``distance_stress`` make latent distances mean
something: units of the noise. Shape letters: P pairs, D latent.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

# Two replicas of one universe differ by twice the variance of one: -D^2 / (2 * 2).
_PAIR_VARIANCE = 2.0
_SMALLEST_SQUARE = 1e-6


def pair_loss(first_PD: Tensor, second_PD: Tensor, is_same_P: Tensor, margin: float) -> Tensor:
    """Contrastive loss of pairs (eq. 3.19 of the source study).

    Parameters
    ----------
    first_PD, second_PD : Tensor, shape (P, D)
        Latents of the two spectra of each pair.
    is_same_P : Tensor, shape (P,), bool
        True = both are replicas of one universe.
    margin : float
        Distance from which different universes no longer repel.

    Returns
    -------
    Tensor, shape (P,)
        ``D^2`` for equal, ``max(0, margin - D)^2`` for different universes.
    """
    square_P = (first_PD - second_PD).float().square().sum(dim=1)
    distance_P = (square_P + _SMALLEST_SQUARE**2).sqrt()
    return torch.where(is_same_P, square_P, (margin - distance_P).clamp(min=0.0).square())


def same_universe_loss(
    first_PD: Tensor, second_PD: Tensor, universe_P: Tensor | None = None
) -> Tensor:
    """Find the other replica of the same universe among all pairs, by distance alone.

    The score of a candidate is ``-D^2 / 4``, the log-likelihood that two replicas with unit noise
    have one mean: at the optimum latent distances are in units of the noise.

    Parameters
    ----------
    first_PD, second_PD : Tensor, shape (P, D)
        Two replicas of universe p, at place p.
    universe_P : Tensor, shape (P,), int64, optional
        Index of each universe where one can occur twice: its other pairs are no candidates.

    Returns
    -------
    Tensor, shape (P,)
        Cross-entropy of the right candidate, mean of both directions, in nats.
    """
    score_PP = squared_distances(first_PD, second_PD) / (-2.0 * _PAIR_VARIANCE)
    own_P = torch.arange(len(first_PD), device=first_PD.device)
    if universe_P is not None:
        is_twin_PP = (universe_P[:, None] == universe_P) & (own_P[:, None] != own_P)
        score_PP = score_PP.masked_fill(is_twin_PP, -math.inf)
    forth_P = functional.cross_entropy(score_PP, own_P, reduction="none")
    back_P = functional.cross_entropy(score_PP.T, own_P, reduction="none")
    return 0.5 * (forth_P + back_P)


def distance_stress(first_PD: Tensor, second_PD: Tensor, target_PP: Tensor) -> Tensor:
    """Squared error of latent distances, relative to their size.

    Parameters
    ----------
    first_PD, second_PD : Tensor, shape (P, D)
        Latents.
    target_PP : Tensor, shape (P, P)
        Wanted distance of each of the first from each of the second.

    Returns
    -------
    Tensor, shape (P,)
        Mean of ``(D - d)^2 / (d + 1)`` over the second.

    References
    ----------
    J. W. Sammon, A nonlinear mapping for data structure analysis, IEEE Trans. Comput. C-18 (1969) 401.
    """
    distance_PP = (squared_distances(first_PD, second_PD) + _SMALLEST_SQUARE).sqrt()
    return ((distance_PP - target_PP).square() / (target_PP + 1.0)).mean(dim=1)


def squared_distances(first_PD: Tensor, second_QD: Tensor) -> Tensor:
    """Return the squared distances of all pairs, shape (P, Q), float32."""
    first_PD, second_QD = first_PD.float(), second_QD.float()
    # From a common origin, or float32 loses small distances between large vectors.
    origin_D = second_QD.mean(dim=0).detach()
    first_PD, second_QD = first_PD - origin_D, second_QD - origin_D
    squares_PQ = first_PD.square().sum(dim=1)[:, None] + second_QD.square().sum(dim=1)
    return (squares_PQ - 2.0 * first_PD @ second_QD.T).clamp(min=0.0)
