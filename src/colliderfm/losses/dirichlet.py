"""Losses of a Dirichlet over classes that fix its total concentration alpha0.

Cross-entropy of the mean probabilities leaves alpha0 free, so the two kinds of uncertainty would
mean nothing. Each loss here says what alpha0 is to be: large where classes are known, the number of
classes (a flat Dirichlet) where nothing is. Shape letters: N spectra, C classes.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def fixed_concentration_loss(
    concentration_NC: Tensor, target_N: Tensor, total: float, weight: float = 1.0
) -> Tensor:
    """Cross-entropy of the mean probabilities, and alpha0 pulled to a value.

    The two terms act on different things, the direction of alpha and its size, so that the mean
    probabilities stay calibrated.

    Parameters
    ----------
    concentration_NC : Tensor, shape (N, C)
        Parameters alpha, positive.
    target_N : Tensor, shape (N,), int64
        True class; -1 = none (off-manifold): the target is the flat Dirichlet, alpha = 1.
    total : float
        Value of alpha0 for spectra of a class.
    weight : float
        Weight of the term on alpha0.

    Returns
    -------
    Tensor, shape (N,)
        Loss of each spectrum.
    """
    n_classes = concentration_NC.shape[1]
    alpha0_N = concentration_NC.sum(dim=1)
    log_mean_NC = concentration_NC.log() - alpha0_N.log()[:, None]
    is_known_N = target_N >= 0
    known_N = -log_mean_NC.gather(1, target_N.clamp(min=0)[:, None])[:, 0]
    entropy_N = torch.where(is_known_N, known_N, -log_mean_NC.mean(dim=1))
    wanted_N = torch.where(is_known_N, float(total), float(n_classes))
    return entropy_N + weight * (alpha0_N / wanted_N).log().square()


def prior_network_loss(concentration_NC: Tensor, target_N: Tensor, total: float) -> Tensor:
    """Reverse Kullback-Leibler divergence to a sharp or a flat Dirichlet.

    Parameters
    ----------
    concentration_NC : Tensor, shape (N, C)
        Parameters alpha, positive.
    target_N : Tensor, shape (N,), int64
        True class: target ``1 + (total - C) at the class``; -1 = off-manifold: all ones.
    total : float
        alpha0 of the sharp target, above C.

    Returns
    -------
    Tensor, shape (N,)
        KL(predicted || target) in nats.

    References
    ----------
    A. Malinin, M. Gales, Reverse KL-divergence training of prior networks, arXiv:1905.13472, eq. 9.
    """
    n_classes = concentration_NC.shape[1]
    is_known_N = target_N >= 0
    one_hot_NC = functional.one_hot(target_N.clamp(min=0), n_classes) * is_known_N[:, None]
    return dirichlet_divergence(concentration_NC, 1.0 + (total - n_classes) * one_hot_NC)


def evidential_loss(concentration_NC: Tensor, target_N: Tensor, weight: float = 0.1) -> Tensor:
    """Take the expected cross-entropy under the Dirichlet, and pull evidence for wrong classes to none.

    Parameters
    ----------
    concentration_NC : Tensor, shape (N, C)
        Parameters alpha, at least 1.
    target_N : Tensor, shape (N,), int64
        True class; -1 = off-manifold: all evidence is wrong.
    weight : float
        Weight of the divergence from the flat Dirichlet.

    Returns
    -------
    Tensor, shape (N,)
        Loss of each spectrum.

    References
    ----------
    M. Sensoy, L. Kaplan, M. Kandemir, Evidential deep learning, arXiv:1806.01768, eqs. 4 and 5.
    """
    n_classes = concentration_NC.shape[1]
    is_known_N = target_N >= 0
    one_hot_NC = functional.one_hot(target_N.clamp(min=0), n_classes) * is_known_N[:, None]
    alpha0_N = concentration_NC.sum(dim=1)
    own_N = (concentration_NC * one_hot_NC).sum(dim=1)
    expected_N = alpha0_N.digamma() - torch.where(is_known_N, own_N, alpha0_N).digamma()
    wrong_NC = torch.where(one_hot_NC > 0, torch.ones_like(concentration_NC), concentration_NC)
    flat_NC = torch.ones_like(concentration_NC)
    return expected_N + weight * dirichlet_divergence(wrong_NC, flat_NC)


def dirichlet_divergence(first_NC: Tensor, second_NC: Tensor) -> Tensor:
    """Kullback-Leibler divergence between Dirichlet distributions.

    Parameters
    ----------
    first_NC, second_NC : Tensor, shape (N, C)
        Parameters, positive.

    Returns
    -------
    Tensor, shape (N,)
        KL(first || second) in nats, never negative beyond rounding.
    """
    first0_N, second0_N = first_NC.sum(dim=1), second_NC.sum(dim=1)
    normalization_N = (
        first0_N.lgamma() - second0_N.lgamma() + (second_NC.lgamma() - first_NC.lgamma()).sum(dim=1)
    )
    excess_NC = first_NC.digamma() - first0_N.digamma()[:, None]
    return normalization_N + ((first_NC - second_NC) * excess_NC).sum(dim=1)
