"""How well masses and momenta of resonances are found, per decay: bias, resolution, response.

Of equal resonances (two hadronic tops) the prediction says nothing about which is which, so each
event is scored under the exchange with the smallest distance in momentum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from colliderfm.errors import PhysicsError
from colliderfm.losses.regression import best_exchange
from colliderfm.physics.decays import DECAYS
from colliderfm.physics.fourvector import delta_phi, invariant_mass, to_angles

# Relative errors, except for the two angles.
RELATIVE, ABSOLUTE = ("mass_gev", "pt_gev", "momentum_gev"), ("eta", "phi")
_CENTRAL_68 = (0.16, 0.5, 0.84)
_N_REPLICAS = 100


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
    width_error, constant_width_error : float
        Bootstrap errors of the two widths; NaN below two resonances.
    """

    median: float
    width: float
    constant_width: float
    n: int
    width_error: float = float("nan")
    constant_width_error: float = float("nan")


@dataclass(frozen=True)
class Response:
    """Predicted over true value in bins of the true one.

    Parameters
    ----------
    edges : ndarray, shape (K + 1,)
        Bin edges in the unit of the values.
    median, low, high : ndarray, shape (K,)
        Median and ends of the central 68% of predicted / true; NaN in empty bins.
    n : ndarray, shape (K,), int64
        Number of values.
    median_error : ndarray, shape (K,)
        Bootstrap error of the median; NaN below two values.
    """

    edges: np.ndarray
    median: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n: np.ndarray
    median_error: np.ndarray


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


def decay_resolutions(
    predicted: np.ndarray, true: np.ndarray, decay: np.ndarray
) -> dict[str, dict[str, Resolution]]:
    """Measure bias and resolution of every decay that was predicted.

    Parameters
    ----------
    predicted, true : ndarray, shape (B, R, 4), GeV
        Energy, px, py, pz; resonances with zero energy in either are left out.
    decay : ndarray, shape (B, R), int
        Index into ``DECAYS``; -1 pads.

    Returns
    -------
    dict of str to dict of str to Resolution
        Per decay name: ``mass_gev``, ``pt_gev`` and ``momentum_gev`` (relative errors), ``eta`` and
        ``phi`` (differences, phi in radians).

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
        table[DECAYS[index].name] = {
            name: _resolution(name, found[name], wanted[name]) for name in RELATIVE + ABSOLUTE
        }
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


def response(predicted: np.ndarray, true: np.ndarray, edges: np.ndarray) -> Response:
    """Measure predicted over true values in bins of the true ones.

    Parameters
    ----------
    predicted, true : ndarray, shape (n,)
        One quantity, in one unit; true values above zero.
    edges : ndarray, shape (K + 1,)
        Increasing bin edges; a value at an edge belongs to the bin above it.

    Returns
    -------
    Response
        K bins.
    """
    bin_of = np.digitize(true, edges) - 1
    ratio = np.divide(predicted, true, out=np.full(len(true), np.nan), where=true > 0)
    values = [ratio[(bin_of == k) & (true > 0)] for k in range(len(edges) - 1)]
    low, median, high = np.array([_central(v) for v in values], dtype=np.float64).reshape(-1, 3).T
    counts = np.array([len(v) for v in values], dtype=np.int64)
    errors = np.array([_bootstrap(v)[1] for v in values])
    return Response(np.asarray(edges), median, low, high, counts, errors)


def _resolution(name: str, predicted: np.ndarray, true: np.ndarray) -> Resolution:
    """Return the errors of a quantity and those of a constant."""
    constant = np.full_like(true, np.median(true) if len(true) else np.nan)
    errors, constant_errors = (_error(name, values, true) for values in (predicted, constant))
    low, median, high = _central(errors)
    constant_low, _, constant_high = _central(constant_errors)
    width, constant_width = 0.5 * (high - low), 0.5 * (constant_high - constant_low)
    return Resolution(
        float(median),
        float(width),
        float(constant_width),
        len(true),
        _bootstrap(errors)[0],
        _bootstrap(constant_errors)[0],
    )


def _error(name: str, predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    if name == "phi":
        return np.asarray(delta_phi(predicted, true))
    difference: np.ndarray = predicted - true
    return difference if name in ABSOLUTE else difference / np.maximum(true, 1e-9)


def _central(values: np.ndarray) -> np.ndarray:
    """Return the 16%, 50% and 84% quantiles, shape (3,); NaN without values."""
    return np.quantile(values, _CENTRAL_68) if len(values) else np.full(3, np.nan)


def _bootstrap(values: np.ndarray) -> tuple[float, float]:
    """Return the errors of half the width of the central 68% and of the median."""
    if len(values) < 2:
        return float("nan"), float("nan")
    drawn = np.random.default_rng(0).integers(len(values), size=(_N_REPLICAS, len(values)))
    low, median, high = np.quantile(values[drawn], _CENTRAL_68, axis=1)
    return float(np.std(0.5 * (high - low), ddof=1)), float(np.std(median, ddof=1))
