"""How well masses and momenta of resonances are found, per decay: bias and resolution.

Of equal resonances (two hadronic tops) the prediction says nothing about which is which, so each
event is scored under the exchange with the smallest distance in momentum. Read next: ``response.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from colliderfm.errors import PhysicsError
from colliderfm.losses.regression import best_exchange
from colliderfm.physics.decays import DECAYS
from colliderfm.physics.fourvector import delta_phi, invariant_mass, to_angles

# Errors are relative, except for these two; phi in radians.
_ABSOLUTE = ("eta", "phi")
_CENTRAL_68 = (0.16, 0.5, 0.84)


@dataclass(frozen=True)
class Resolution:
    """Errors of one quantity of one decay.

    Parameters
    ----------
    median : float
        Median of (predicted - true) / true, of predicted - true for angles; NaN if there is none.
    width : float
        Half the width of the central 68% of the same; NaN if there is none.
    constant_width : float
        The same for the best constant, the median of the truth: what knows nothing of the event.
    n : int
        Number of resonances.
    """

    median: float
    width: float
    constant_width: float
    n: int


@dataclass(frozen=True)
class MatchedDecay:
    """Predicted and true quantities of the n resonances of one decay.

    Parameters
    ----------
    event : ndarray, shape (n,), int
        Event of each resonance.
    predicted, true : dict of str to ndarray, shape (n,)
        From ``quantities``.
    """

    event: np.ndarray
    predicted: dict[str, np.ndarray]
    true: dict[str, np.ndarray]

    def width(self, name: str, counts: np.ndarray | None = None) -> float:
        """Return half the width of the central 68% of the errors of a quantity.

        Parameters
        ----------
        name : str
            Quantity.
        counts : ndarray, shape (B,), int, optional
            How often each event counts; without, once.

        Returns
        -------
        float
            Relative, or radians and units of eta; NaN if there is none.
        """
        drawn = self._drawn(counts)
        return _half_width(_error(name, self.predicted[name][drawn], self.true[name][drawn]))

    def constant_width(self, name: str, counts: np.ndarray | None = None) -> float:
        """Return the same for the best constant, the median of the truth."""
        true = self.true[name][self._drawn(counts)]
        constant = np.full_like(true, np.median(true) if len(true) else np.nan)
        return _half_width(_error(name, constant, true))

    def resolution(self, name: str) -> Resolution:
        """Return bias and widths of a quantity."""
        errors = _error(name, self.predicted[name], self.true[name])
        return Resolution(
            float(central_68(errors)[1]), self.width(name), self.constant_width(name), len(errors)
        )

    def _drawn(self, counts: np.ndarray | None) -> np.ndarray:
        rows = np.arange(len(self.event))
        return rows if counts is None else np.repeat(rows, counts[self.event])


def match_equal(predicted: np.ndarray, true: np.ndarray, decay: np.ndarray) -> np.ndarray:
    """Order the truth so that equal resonances stand beside the prediction meant for them.

    Parameters
    ----------
    predicted, true : ndarray, shape (B, R, 4), GeV
        Energy, px, py, pz.
    decay : ndarray, shape (B, R), int
        Index into ``DECAYS``; -1 pads.

    Returns
    -------
    ndarray, shape (B, R, 4), GeV
        ``true`` with equal decays exchanged where that brings it closer to ``predicted``: smallest
        sum of the distances between momenta, each relative to the true energy.

    Raises
    ------
    PhysicsError
        If the shapes do not agree.
    """
    if predicted.shape != true.shape or true.shape[:2] != decay.shape or true.shape[2:] != (4,):
        raise PhysicsError(
            "predicted and true momenta",
            got=f"{predicted.shape}, {true.shape}, decays {decay.shape}",
            need="(B, R, 4) twice and (B, R)",
        )
    difference = predicted[:, :, None, 1:] - true[:, None, :, 1:]
    distance = np.sqrt((difference.astype(np.float64) ** 2).sum(axis=-1))
    cost = distance / np.maximum(true[:, None, :, 0], 1.0)
    order = best_exchange(torch.from_numpy(cost), torch.from_numpy(decay.astype(np.int64)))
    return np.take_along_axis(true, order.numpy()[..., None], axis=1)


def matched_decays(
    predicted: np.ndarray, true: np.ndarray, decay: np.ndarray
) -> dict[str, MatchedDecay]:
    """Return what was predicted of every decay, equal resonances exchanged for the best.

    Parameters
    ----------
    predicted, true : ndarray, shape (B, R, 4), GeV
        Energy, px, py, pz; resonances with zero energy in either are left out.
    decay : ndarray, shape (B, R), int
        Index into ``DECAYS``; -1 pads.

    Returns
    -------
    dict of str to MatchedDecay
        Per decay name.

    Raises
    ------
    PhysicsError
        If the shapes do not agree.
    """
    ordered = match_equal(predicted, true, decay)
    is_there = (decay >= 0) & (predicted[..., 0] > 0) & (ordered[..., 0] > 0)
    table = {}
    for index in np.unique(decay[is_there]):
        chosen = is_there & (decay == index)
        found, wanted = quantities(predicted[chosen]), quantities(ordered[chosen])
        table[DECAYS[index].name] = MatchedDecay(np.nonzero(chosen)[0], found, wanted)
    return table


def quantities(momenta: np.ndarray) -> dict[str, np.ndarray]:
    """Return what resolutions are measured of.

    Parameters
    ----------
    momenta : ndarray, shape (n, 4), GeV
        Energy, px, py, pz.

    Returns
    -------
    dict of str to ndarray, shape (n,)
        ``mass_gev``, ``pt_gev``, ``momentum_gev``, ``eta`` and ``phi`` (radians).
    """
    energy, px, py, pz = momenta.astype(np.float64).T
    pt_gev, eta, phi = to_angles(px, py, pz)
    return {
        "mass_gev": invariant_mass(energy, px, py, pz),
        "pt_gev": pt_gev,
        "momentum_gev": np.hypot(pt_gev, pz),
        "eta": eta,
        "phi": phi,
    }


def _error(name: str, predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    if name == "phi":
        return np.asarray(delta_phi(predicted, true))
    difference: np.ndarray = predicted - true
    return difference if name in _ABSOLUTE else difference / np.maximum(true, 1e-9)


def central_68(values: np.ndarray) -> np.ndarray:
    """Return the 16%, 50% and 84% quantiles, shape (3,); NaN without values."""
    return np.quantile(values, _CENTRAL_68) if len(values) else np.full(3, np.nan)


def _half_width(values: np.ndarray) -> float:
    low, _, high = central_68(values)
    return float(0.5 * (high - low))
