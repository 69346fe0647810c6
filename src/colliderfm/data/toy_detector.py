"""Smearing, acceptance, order, tags and slots of the toy events; arrays over events throughout."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from colliderfm.data.event_schema import MAX_OBJECTS, OBJECT_FEATURES
from colliderfm.data.toy_kinematics import HardDecays

_JET_PT_MIN_GEV, _LEPTON_PT_MIN_GEV, _ETA_MAX = 15.0, 10.0, 2.5
_BTAG_EFFICIENCY, _BTAG_MISTAG = 0.75, 0.02

# One array per scalar column, (offsets, values) per list column: what ``write_shard`` takes.
ToyColumns = dict[str, np.ndarray | tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Candidates:
    """Objects before detection, shape (B, S) each.

    Parameters
    ----------
    energy_gev, pt_gev, eta, phi : ndarray, shape (B, S)
        Kinematics; GeV and radians.
    is_bottom, exists : ndarray, shape (B, S), bool
        True = b jet; True = there.
    charge : ndarray, shape (B, S)
        +-1 for leptons, 0 for jets.
    owner : ndarray, shape (S,), int
        Resonance that the candidate comes from, -1 for none.
    """

    energy_gev: np.ndarray
    pt_gev: np.ndarray
    eta: np.ndarray
    phi: np.ndarray
    is_bottom: np.ndarray
    charge: np.ndarray
    exists: np.ndarray
    owner: np.ndarray


def detect(truth: HardDecays, jets: Candidates, rng: np.random.Generator) -> ToyColumns:
    """Smear, select, order and tag the objects; match the truth to their slots.

    Parameters
    ----------
    truth : HardDecays
        Resonance daughters and neutrinos.
    jets : Candidates
        Further jets.
    rng : numpy.random.Generator
        Source of all numbers.

    Returns
    -------
    dict of str to ndarray or (offsets, values)
        Object, global, ``assignment`` and ``resonance_mask`` columns.
    """
    every = _merge(_smear(truth, rng), jets)
    n_daughters, is_lepton = len(truth.roles), every.charge != 0
    threshold_gev = np.where(is_lepton, _LEPTON_PT_MIN_GEV, _JET_PT_MIN_GEV)
    seen = every.exists & (every.pt_gev > threshold_gev) & (np.abs(every.eta) < _ETA_MAX)
    seen &= ~is_lepton | (rng.uniform(size=seen.shape) < 0.9)
    # Leptons first, then jets, each by falling pT; what was not seen goes last.
    key = np.where(seen, -every.pt_gev - 1e6 * is_lepton, np.inf)
    order = np.argsort(key, axis=1, kind="stable")
    slot = np.argsort(order, axis=1, kind="stable")
    seen &= slot < MAX_OBJECTS
    slot = np.where(seen, slot, -1)
    rate = np.where(every.is_bottom, _BTAG_EFFICIENCY, _BTAG_MISTAG)
    btag = (rng.uniform(size=seen.shape) < rate) & ~is_lepton
    values = dict(
        zip(
            OBJECT_FEATURES,
            (every.energy_gev, every.pt_gev, every.eta, every.phi, btag, is_lepton, every.charge),
            strict=True,
        )
    )
    offsets = np.concatenate([[0], np.cumsum(seen.sum(axis=1))])
    kept = np.take_along_axis(seen, order, axis=1)
    columns: ToyColumns = {
        name: (offsets, np.take_along_axis(value, order, axis=1)[kept].astype(np.float32))
        for name, value in values.items()
    }
    columns |= _globals(values, seen, truth.invisible, rng)
    n_events, steps = len(seen), np.arange(len(seen) + 1)
    columns["assignment"] = (steps * n_daughters, slot[:, :n_daughters].reshape(-1).astype(np.int8))
    mask = np.zeros((n_events, truth.resonances.shape[1]), dtype=np.uint32)
    for column, owner in enumerate(every.owner):
        if owner >= 0:
            here = slot[:, column]
            mask[:, owner] |= np.where(here >= 0, 1 << np.maximum(here, 0), 0).astype(np.uint32)
    columns["resonance_mask"] = (steps * mask.shape[1], mask.reshape(-1))
    return columns


def _smear(truth: HardDecays, rng: np.random.Generator) -> Candidates:
    energy, px, py, pz = np.moveaxis(truth.daughters, -1, 0)
    is_lepton = np.array([role == "l" for role in truth.roles], dtype=bool)
    resolution = np.where(is_lepton, 0.01, 0.8 / np.sqrt(np.maximum(energy, 1.0)))
    scale = np.clip(1 + resolution * rng.normal(size=energy.shape), 0.3, 2.0)
    pt = np.maximum(np.hypot(px, py), 1e-3)
    return Candidates(
        energy_gev=energy * scale,
        pt_gev=pt * scale,
        eta=np.arcsinh(np.clip(pz / pt, -1e4, 1e4)),
        phi=np.arctan2(py, px),
        is_bottom=np.broadcast_to([role == "b" for role in truth.roles], energy.shape),
        charge=np.where(is_lepton, rng.choice([-1.0, 1.0], energy.shape), 0.0),
        exists=np.ones(energy.shape, dtype=bool),
        owner=truth.owner,
    )


def _merge(first: Candidates, second: Candidates) -> Candidates:
    names = [name for name in Candidates.__dataclass_fields__ if name != "owner"]
    merged = {n: np.concatenate([getattr(first, n), getattr(second, n)], axis=1) for n in names}
    return Candidates(**merged, owner=np.concatenate([first.owner, second.owner]))


def _globals(
    objects: dict[str, np.ndarray],
    seen: np.ndarray,
    invisible: np.ndarray,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    energy, pt, eta, phi = (np.where(seen, objects[name], 0.0) for name in OBJECT_FEATURES[:4])
    lepton, btag = seen & objects["is_lepton"], seen & objects["btag"]
    momentum = np.stack([energy, pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)], axis=-1)

    def mass_gev(chosen: np.ndarray) -> np.ndarray:
        total = (momentum * chosen[..., None]).sum(axis=1)
        return np.sqrt(np.maximum(total[:, 0] ** 2 - (total[:, 1:] ** 2).sum(axis=1), 0.0))

    met = invisible[:, :, 1:3].sum(axis=1) + rng.normal(0, 8.0, (len(seen), 2))
    met_gev, ht_gev = np.hypot(*met.T), (pt * ~lepton).sum(axis=1)
    ht_lepton_gev = (pt * lepton).sum(axis=1)
    n_lepton = lepton.sum(axis=1)
    return {
        "met_gev": met_gev,
        "met_phi": np.arctan2(met[:, 1], met[:, 0]),
        "n_lepton": n_lepton.astype(np.int8),
        "n_bjet": btag.sum(axis=1).astype(np.int8),
        "n_jet": (seen.sum(axis=1) - n_lepton).astype(np.int8),
        "ht_gev": ht_gev,
        "st_gev": ht_gev + ht_lepton_gev + met_gev,
        "ht_lepton_gev": ht_lepton_gev,
        "mass_visible_gev": mass_gev(seen),
        "mass_leptons_gev": mass_gev(lepton),
        "mass_bjets_gev": mass_gev(btag),
    }
