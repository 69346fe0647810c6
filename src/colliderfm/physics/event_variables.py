"""Event-level variables of detector objects: counts, scalar sums, missing momentum, masses.

Objects of all events lie in one flat list; ``event`` says to which event each belongs. The names
are those of the columns on disk (``data.event_schema``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from colliderfm.physics.fourvector import invariant_mass, to_momentum

Array = NDArray[np.float64]
Index = NDArray[np.int64]


def sum_per_event(event: Index, values: Array, n_events: int) -> Array:
    """Add up object values event by event.

    Parameters
    ----------
    event : ndarray, shape (M,), int
        Event of each object.
    values : ndarray, shape (M,)
        What to add.
    n_events : int
        Number of events B.

    Returns
    -------
    ndarray, shape (B,)
        Sums; 0 for an event without objects.
    """
    return np.bincount(event, weights=values, minlength=n_events).astype(np.float64)


def mass_per_event(event: Index, four_momentum: Array, n_events: int) -> Array:
    """Compute the invariant mass of the sum of each event's objects.

    Parameters
    ----------
    event : ndarray, shape (M,), int
        Event of each object.
    four_momentum : ndarray, shape (4, M), GeV
        Rows E, px, py, pz.
    n_events : int
        Number of events B.

    Returns
    -------
    ndarray, shape (B,), GeV
        Masses; 0 for an event without objects.
    """
    return invariant_mass(*(sum_per_event(event, part, n_events) for part in four_momentum))


def event_variables(
    event: Index, objects: dict[str, Array], met_x_gev: Array, met_y_gev: Array
) -> dict[str, Array]:
    """Compute the eleven event-level inputs from detector objects and missing momentum.

    Parameters
    ----------
    event : ndarray, shape (M,), int
        Event of each object, in 0..B-1.
    objects : dict of ndarray, shape (M,)
        ``energy_gev, pt_gev, eta, phi, btag, is_lepton`` of every object.
    met_x_gev, met_y_gev : ndarray, shape (B,), GeV
        Missing transverse momentum.

    Returns
    -------
    dict of ndarray, shape (B,)
        ``met_gev, met_phi``; counts ``n_lepton, n_bjet, n_jet`` (n_jet includes b jets); ``ht_gev``
        (scalar sum over jets), ``ht_lepton_gev`` (over leptons), ``st_gev`` (both plus MET); masses
        of all objects, of the leptons and of the b-tagged jets.
    """
    n_events = len(met_x_gev)
    lepton = (objects["is_lepton"] > 0).astype(float)
    bjet = (objects["btag"] > 0) * (1.0 - lepton)
    momentum = to_momentum(objects["pt_gev"], objects["eta"], objects["phi"])
    four_momentum = np.stack([objects["energy_gev"], *momentum])
    met_gev = np.hypot(met_x_gev, met_y_gev)
    ht_gev = sum_per_event(event, objects["pt_gev"] * (1.0 - lepton), n_events)
    ht_lepton_gev = sum_per_event(event, objects["pt_gev"] * lepton, n_events)
    return {
        "met_gev": met_gev,
        "met_phi": np.arctan2(met_y_gev, met_x_gev),
        "n_lepton": sum_per_event(event, lepton, n_events),
        "n_bjet": sum_per_event(event, bjet, n_events),
        "n_jet": sum_per_event(event, 1.0 - lepton, n_events),
        "ht_gev": ht_gev,
        "st_gev": ht_gev + ht_lepton_gev + met_gev,
        "ht_lepton_gev": ht_lepton_gev,
        "mass_visible_gev": mass_per_event(event, four_momentum, n_events),
        "mass_leptons_gev": mass_per_event(event, four_momentum * lepton, n_events),
        "mass_bjets_gev": mass_per_event(event, four_momentum * bjet, n_events),
    }
