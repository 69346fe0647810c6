"""Two rules that pair four jets into two equal resonances without a network.

Four jets are picked, b-tagged ones first, then by transverse momentum. Of their three pairings
the closest-dR rule takes the one with the smallest sum of the two angular distances, the equal-mass
rule the one with the smallest mass difference. A trained assignment is quoted beside both.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from colliderfm.data.event_schema import OBJECT_FEATURES
from colliderfm.physics.fourvector import delta_r, invariant_mass, to_momentum

Rule = Literal["closest_dr", "equal_mass"]
RULES: tuple[Rule, ...] = ("closest_dr", "equal_mass")

ENERGY, PT, ETA, PHI, BTAG, IS_LEPTON = (
    OBJECT_FEATURES.index(name)
    for name in ("energy_gev", "pt_gev", "eta", "phi", "btag", "is_lepton")
)
PAIRINGS = np.array([[[0, 1], [2, 3]], [[0, 2], [1, 3]], [[0, 3], [1, 2]]])


def four_jets(objects: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Slots of the four jets that a search would use.

    Parameters
    ----------
    objects : ndarray, shape (B, N, 7)
        Objects as in `data.event_schema.OBJECT_FEATURES`.
    mask : ndarray, shape (B, N), bool
        True for a real object.

    Returns
    -------
    ndarray, shape (B, 4), int
        b-tagged jets first, each group by falling transverse momentum; -1 where there are fewer.
    """
    is_jet = mask & (objects[..., IS_LEPTON] < 0.5)
    # Transverse momenta stay below the beam energy (6500 GeV), so a tag always wins.
    rank = np.where(is_jet, objects[..., PT] + 1e5 * (objects[..., BTAG] > 0.5), -1.0)
    if rank.shape[1] < 4:
        rank = np.pad(rank, ((0, 0), (0, 4 - rank.shape[1])), constant_values=-1.0)
    slots = np.argsort(-rank, axis=1, kind="stable")[:, :4]
    return np.where(np.take_along_axis(rank, slots, axis=1) > 0, slots, -1)


def pair_by_rule(objects: np.ndarray, mask: np.ndarray, rule: Rule) -> np.ndarray:
    """Pair the four jets of each event.

    Parameters
    ----------
    objects : ndarray, shape (B, N, 7)
        Objects as in `data.event_schema.OBJECT_FEATURES`.
    mask : ndarray, shape (B, N), bool
        True for a real object.
    rule : {"closest_dr", "equal_mass"}
        Which pairing to take.

    Returns
    -------
    ndarray, shape (B, 2, 2), int
        Object slots of the two pairs; all -1 with fewer than four jets.
    """
    slots = four_jets(objects, mask)
    chosen = take_objects(objects, slots)
    pairs = chosen[:, PAIRINGS]
    if rule == "closest_dr":
        cost = object_delta_r(pairs[..., 0, :], pairs[..., 1, :]).sum(axis=2)
    else:
        masses = mass_of_objects_gev(pairs)
        cost = np.abs(masses[..., 0] - masses[..., 1])
    best = PAIRINGS[np.argmin(cost, axis=1)]
    paired = np.take_along_axis(slots, best.reshape(-1, 4), axis=1).reshape(-1, 2, 2)
    return np.where((slots >= 0).all(axis=1)[:, None, None], paired, -1)


def take_objects(objects: np.ndarray, slots: np.ndarray) -> np.ndarray:
    """Objects at the given slots.

    Parameters
    ----------
    objects : ndarray, shape (B, N, F)
        Objects of each event.
    slots : ndarray, shape (B, ...), int
        Slots; a negative one gives zeros.

    Returns
    -------
    ndarray, shape (B, ..., F), float64
        The objects.
    """
    flat = slots.reshape(len(slots), -1)
    taken = np.take_along_axis(objects, np.maximum(flat, 0)[..., None], axis=1)
    kept = np.where(flat[..., None] >= 0, taken, 0.0).astype(np.float64)
    return kept.reshape(*slots.shape, objects.shape[2])


def object_delta_r(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Angular distance of objects.

    Parameters
    ----------
    first, second : ndarray, shape (..., 7)
        Objects.

    Returns
    -------
    ndarray, shape (...)
        Distance in (eta, phi), dimensionless.
    """
    return delta_r(first[..., ETA], first[..., PHI], second[..., ETA], second[..., PHI])


def momenta_gev(objects: np.ndarray) -> np.ndarray:
    """Four-momenta of objects.

    Parameters
    ----------
    objects : ndarray, shape (..., 7)
        Objects.

    Returns
    -------
    ndarray, shape (..., 4), GeV
        ``(E, px, py, pz)``.
    """
    momentum = to_momentum(objects[..., PT], objects[..., ETA], objects[..., PHI])
    return np.stack([objects[..., ENERGY], *momentum], axis=-1)


def mass_of_objects_gev(objects: np.ndarray) -> np.ndarray:
    """Invariant mass of the sum of objects.

    Parameters
    ----------
    objects : ndarray, shape (..., K, 7)
        K objects; rows of zeros do not contribute.

    Returns
    -------
    ndarray, shape (...), GeV
        Invariant mass.
    """
    total = momenta_gev(objects).sum(axis=-2)
    return invariant_mass(*np.moveaxis(total, -1, 0))
