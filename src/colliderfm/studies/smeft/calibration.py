"""Study smeft: how far the probabilities of a trained head are to be believed.

With few labels the places of universes fit the training replicas, and probabilities are too sharp. Two
numbers mend it, chosen on validation replicas of known universes and never on test replicas or
anomalies. They stay in the head, so that whatever is made from it uses them. Read next:
``anomalies.py``.
"""

from __future__ import annotations

import math
from copy import deepcopy

import numpy as np
import torch
from scipy.optimize import minimize

from colliderfm.studies.smeft.data import LabeledReplicas
from colliderfm.studies.smeft.heads import DirichletHead, dirichlet_parameters, log_losses
from colliderfm.studies.smeft.metrics import classification_metrics

LARGEST_FACTOR = 20.0
_DIGITS = 3


@torch.no_grad()
def calibrate(head: DirichletHead, validation: LabeledReplicas) -> None:
    """Choose temperature and reach of a head by the log loss on validation replicas.

    Parameters
    ----------
    head : DirichletHead
        Trained; left with the two numbers set.
    validation : LabeledReplicas
        Latents (N, D) with their universes; none that the head was fitted to.

    Notes
    -----
    The temperature does not change which universe is the most probable. The reach acts through the
    flat part of the mean probabilities: they are too small where known replicas get no evidence.
    A log-normal prior of width 1 on both counts like one replica, and decides where validation does
    not, e.g. if all of it is right with certainty.

    References
    ----------
    C. Guo et al., arXiv:1706.04599, section 4.2: temperature scaling.
    """
    squared, nearest = head(torch.from_numpy(validation.values))
    universe = torch.from_numpy(validation.universe)

    def loss(logarithms: np.ndarray) -> float:
        _set(head, logarithms)
        known = log_losses(head.parameters_at(squared, nearest).double(), universe).sum()
        return float(known) + 0.5 * float(np.square(logarithms).sum())

    bound = math.log(LARGEST_FACTOR)
    found = minimize(
        loss,
        np.zeros(2),
        method="Nelder-Mead",
        bounds=[(-bound, bound)] * 2,
        options={"xatol": 1e-3, "fatol": 1e-3, "initial_simplex": 0.5 * np.eye(3, 2)},
    )
    _set(head, np.log(np.round(np.exp(found.x), _DIGITS)))


def calibration_metrics(
    head: DirichletHead, latent: np.ndarray, universe: np.ndarray
) -> dict[str, float]:
    """Return what was chosen, and what the head would be without it.

    Parameters
    ----------
    head : DirichletHead
        Calibrated; not changed.
    latent : ndarray, shape (N, D)
        Of test replicas.
    universe : ndarray, shape (N,), int
        Their universes.

    Returns
    -------
    dict of str to float
        ``temperature, reach``, and log loss and calibration error with both at 1.
    """
    before = deepcopy(head)
    _set(before, np.zeros(2))
    alpha = dirichlet_parameters(before, latent)
    found = classification_metrics(alpha / alpha.sum(axis=1, keepdims=True), universe, 1)
    shown = ("log_loss", "calibration_error")
    return {"temperature": float(head.temperature), "reach": float(head.reach)} | {
        f"{name}_before_calibration": found[name] for name in shown
    }


@torch.no_grad()
def _set(head: DirichletHead, logarithms: np.ndarray) -> None:
    temperature, reach = np.exp(logarithms)
    head.temperature.fill_(float(temperature))
    head.reach.fill_(float(reach))
