"""The variables an analyst would give to a boosted tree for a pair of resonances in four jets.

Four jets are picked as in `colliderfm.baselines.pairing_rules`; pair masses and distances come for
the best pairing of both rules, so that trees may choose. All angles are differences.
"""

from __future__ import annotations

import numpy as np

from colliderfm.baselines.pairing_rules import (
    RULES,
    Rule,
    four_jets,
    mass_of_objects_gev,
    momenta_gev,
    object_delta_r,
    pair_by_rule,
    take_objects,
)
from colliderfm.data.event_schema import GLOBAL_FEATURES, OBJECT_FEATURES

PT, ETA, BTAG = (OBJECT_FEATURES.index(name) for name in ("pt_gev", "eta", "btag"))
EVENT_VARIABLES = ("met_gev", "n_lepton", "n_bjet", "n_jet", "ht_gev", "mass_bjets_gev")
JET_PAIRS = np.triu_indices(4, 1)


def high_level_variables(
    objects: np.ndarray, mask: np.ndarray, event_globals: np.ndarray
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Compute the high-level variables of events.

    Parameters
    ----------
    objects : ndarray, shape (B, N, 7)
        Objects as in `data.event_schema.OBJECT_FEATURES`, GeV and radians.
    mask : ndarray, shape (B, N), bool
        True for a real object.
    event_globals : ndarray, shape (B, 11)
        Globals as in `data.event_schema.GLOBAL_FEATURES`.

    Returns
    -------
    values : ndarray, shape (B, V), float32
        One row per event; pair variables are NaN with fewer than four jets (a tree treats NaN as
        missing).
    names : tuple of str, length V
        Name of each column with its unit as suffix.
    """
    slots = four_jets(objects, mask)
    jets = take_objects(objects, slots)
    columns = {
        name: event_globals[:, GLOBAL_FEATURES.index(name)].astype(float)
        for name in EVENT_VARIABLES
    }
    columns |= _four_jet_variables(jets, slots >= 0)
    for rule in RULES:
        columns |= _pairing_variables(objects, mask, rule)
    return np.stack(list(columns.values()), axis=1).astype(np.float32), tuple(columns)


def _four_jet_variables(jets: np.ndarray, is_jet: np.ndarray) -> dict[str, np.ndarray]:
    """Variables of the four chosen jets (B, 4, 7) that need no pairing."""
    is_complete = is_jet.all(axis=1)
    by_pt = -np.sort(-jets[..., PT], axis=1)
    total = momenta_gev(jets).sum(axis=1)
    first, second = jets[:, JET_PAIRS[0]], jets[:, JET_PAIRS[1]]
    distance = object_delta_r(first, second)
    mass = mass_of_objects_gev(np.stack([first, second], axis=2))
    energy = jets[..., OBJECT_FEATURES.index("energy_gev")].sum(axis=1)
    pair_variables = {
        "mass_4j_gev": mass_of_objects_gev(jets),
        "pt_4j_gev": np.hypot(total[:, 1], total[:, 2]),
        "eta_spread_4j": jets[..., ETA].std(axis=1),
        "centrality_4j": jets[..., PT].sum(axis=1) / np.maximum(energy, 1e-6),
        "delta_r_min_4j": distance.min(axis=1),
        "delta_r_max_4j": distance.max(axis=1),
        "mass_pair_min_gev": mass.min(axis=1),
        "mass_pair_max_gev": mass.max(axis=1),
    }
    columns = {f"pt_jet{rank + 1}_gev": by_pt[:, rank] for rank in range(4)}
    columns |= {name: np.where(is_complete, v, np.nan) for name, v in pair_variables.items()}
    return columns | {"n_btag_4j": (jets[..., BTAG] > 0.5).sum(axis=1).astype(float)}


def _pairing_variables(objects: np.ndarray, mask: np.ndarray, rule: Rule) -> dict[str, np.ndarray]:
    """Masses and distances of the two pairs that a rule picks, heavier pair first."""
    pairs = pair_by_rule(objects, mask, rule)
    chosen = take_objects(objects, pairs)
    mass = mass_of_objects_gev(chosen)
    order = np.argsort(-mass, axis=1, kind="stable")
    mass = np.take_along_axis(mass, order, axis=1)
    distance = object_delta_r(chosen[..., 0, :], chosen[..., 1, :])
    distance = np.take_along_axis(distance, order, axis=1)
    momentum = momenta_gev(chosen).sum(axis=2)
    pt = np.take_along_axis(np.hypot(momentum[..., 1], momentum[..., 2]), order, axis=1)
    sum_of_masses = np.maximum(mass.sum(axis=1), 1e-6)
    columns = {
        "mass_heavy_gev": mass[:, 0],
        "mass_light_gev": mass[:, 1],
        "mass_mean_gev": mass.mean(axis=1),
        "mass_asymmetry": (mass[:, 0] - mass[:, 1]) / sum_of_masses,
        "delta_r_heavy": distance[:, 0],
        "delta_r_light": distance[:, 1],
        "pt_heavy_gev": pt[:, 0],
        "pt_light_gev": pt[:, 1],
    }
    is_complete = (pairs >= 0).all(axis=(1, 2))
    return {f"{rule}_{name}": np.where(is_complete, v, np.nan) for name, v in columns.items()}
