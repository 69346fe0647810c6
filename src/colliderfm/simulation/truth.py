"""What was behind an event: its resonances, their decays, and which object each daughter became.

Resonances are the last copies of t, H, a, W and Z in the record (a W from a top belongs to the
top), in the order t, tbar, H, a, W+, W-, Z. Their daughters are taken before final-state radiation
and matched to objects within dR < 0.4, closest pair first, leptons to leptons and quarks to jets
only. The decay definitions and the order of daughters are those of ``physics.decays``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from colliderfm.physics.decays import DECAY_INDEX, DECAYS
from colliderfm.physics.fourvector import delta_r, to_angles
from colliderfm.simulation.detector import DetectorEvents
from colliderfm.simulation.pairs import match_closest, pairs_within_events
from colliderfm.simulation.record import GeneratorRecord

Index = NDArray[np.int64]
Array = NDArray[np.float64]

MATCHING_DISTANCE = 0.4
_CODES = (6, 23, 24, 25, 36)
# Signed PDG ids in the order in which an event lists its resonances; as a table of places by id +
# 36.
_LISTING = (6, -6, 25, 36, 24, -24, 23)
_PLACE = np.array([_LISTING.index(i) if i in _LISTING else -1 for i in range(-36, 37)])
_MAX_VISIBLE = 3
_N_DAUGHTERS = np.array([decay.n_daughters for decay in DECAYS])


@dataclass(frozen=True)
class Truth:
    """Truth of B events with R resonances in all.

    Attributes
    ----------
    event : ndarray, shape (R,)
        Event of each resonance, ascending.
    decay : ndarray, shape (R,)
        Index into ``physics.decays.DECAYS``.
    pdg_id : ndarray, shape (R,)
        Signed PDG id.
    momentum : ndarray, shape (4, R), GeV
        E, px, py, pz of the last copy.
    slots : ndarray, shape (R, 3)
        Object slot of each visible daughter; -1 for none. Columns beyond the decay's daughters are
        -1.
    mask : ndarray, shape (R,), uint32
        Bit i is set if slot i belongs to the resonance.
    neutrino_event : ndarray, shape (V,)
        Event of each hard neutrino, ascending.
    neutrino_momentum : ndarray, shape (4, V), GeV
        E, px, py, pz of the neutrinos from W and Z.
    """

    event: Index
    decay: Index
    pdg_id: Index
    momentum: Array
    slots: Index
    mask: NDArray[np.uint32]
    neutrino_event: Index
    neutrino_momentum: Array

    @property
    def is_daughter(self) -> NDArray[np.bool_]:
        """Which entries of ``slots`` belong to the decay, shape (R, 3)."""
        return np.arange(_MAX_VISIBLE) < _N_DAUGHTERS[self.decay][:, None]


def find_truth(record: GeneratorRecord, detected: DetectorEvents) -> Truth:
    """Find resonances, classify their decays and match their daughters to objects.

    Parameters
    ----------
    record : GeneratorRecord
        B generated events.
    detected : DetectorEvents
        The same B events after the detector.

    Returns
    -------
    Truth
        Lists over all resonances of all events.
    """
    resonance, boson = _resonances(record)
    decay, daughters = _decays(record, resonance, boson)
    slots = _match(record, detected, daughters)
    bit = np.where(slots >= 0, np.left_shift(1, np.maximum(slots, 0)), 0)
    neutrino = np.stack([record.daughter1[boson], record.daughter2[boson]], axis=1).ravel()
    owner = np.repeat(np.isin(record.pdg_id[boson], (-24, 23, 24)), 2)
    neutrino = neutrino[owner & np.isin(np.abs(record.pdg_id[neutrino]), (12, 14, 16))]
    return Truth(
        event=record.event[resonance],
        decay=decay,
        pdg_id=record.pdg_id[resonance].astype(np.int64),
        momentum=record.four_momentum(resonance),
        slots=slots,
        mask=bit.sum(axis=1).astype(np.uint32),
        neutrino_event=record.event[neutrino],
        neutrino_momentum=record.four_momentum(neutrino),
    )


def _resonances(record: GeneratorRecord) -> tuple[Index, Index]:
    """Resonances in event order, and for each the boson that decays (its own W for a top)."""
    code = np.abs(record.pdg_id)
    found = np.flatnonzero(np.isin(code, _CODES) & (record.daughter1 >= 0))
    for daughter in (record.daughter1, record.daughter2):
        child = np.maximum(daughter[found], 0)
        found = found[record.pdg_id[child] != record.pdg_id[found]]
    top = found[code[found] == 6]
    w_of_top = record.last_copy(_child_with_code(record, top, 24))
    found = np.setdiff1d(found, w_of_top)
    place = _PLACE[record.pdg_id[found] + 36]
    found = found[np.lexsort((found, place, record.event[found]))]
    boson = found.copy()
    is_top = code[found] == 6
    boson[is_top] = record.last_copy(_child_with_code(record, found[is_top], 24))
    return found, boson


def _child_with_code(record: GeneratorRecord, parent: Index, code: int) -> Index:
    """Daughter of each parent with this |PDG id| (the first daughter if neither has it)."""
    first, second = record.daughter1[parent], record.daughter2[parent]
    return np.where(np.abs(record.pdg_id[second]) == code, second, first)


def _decays(record: GeneratorRecord, resonance: Index, boson: Index) -> tuple[Index, Index]:
    """Decay index of each resonance and positions of its visible daughters, (R,) and (R, 3)."""
    code = np.abs(record.pdg_id[resonance])
    first, second = record.daughter1[boson], record.daughter2[boson]
    flavor = np.abs(record.pdg_id[np.stack([first, second])]).min(axis=0)
    # Of a lepton and its neutrino the charged one has the smaller code.
    lepton = np.where(flavor == np.abs(record.pdg_id[first]), first, second)
    kind = np.select(
        [flavor <= 6, (flavor == 11) | (flavor == 13), flavor == 15], ["q", "l", "tau"], "other"
    )
    decay = np.full(len(resonance), DECAY_INDEX["H_other"])
    daughters = np.full((len(resonance), _MAX_VISIBLE), -1, dtype=np.int64)

    def assign(chosen: NDArray[np.bool_], name: str, *columns: Index) -> None:
        decay[chosen] = DECAY_INDEX[name]
        for slot, column in enumerate(columns):
            daughters[chosen, slot] = column[chosen]

    bottom = first.copy()
    tops = resonance[code == 6]
    w_first = np.abs(record.pdg_id[record.daughter1[tops]]) == 24
    bottom[code == 6] = np.where(w_first, record.daughter2[tops], record.daughter1[tops])
    assign((code == 6) & (kind == "q"), "t_bqq", bottom, first, second)
    assign((code == 6) & (kind == "l"), "t_bl", bottom, lepton)
    assign((code == 24) & (kind == "q"), "W_qq", first, second)
    assign((code == 24) & (kind == "l"), "W_l", lepton)
    assign((code == 23) & (kind == "q"), "Z_qq", first, second)
    assign((code == 23) & (kind == "l"), "Z_ll", first, second)
    assign((code == 23) & (kind == "other"), "Z_invisible")
    assign((code != 25) & (kind == "tau"), "tau_mode")
    assign((code == 25) & (flavor == 5), "H_bb", first, second)
    assign((code == 25) & (flavor == 24), "H_WW")
    assign((code == 25) & (flavor == 36), "H_aa")
    assign((code == 36) & (flavor == 5), "a_bb", first, second)
    return decay, daughters


def _match(record: GeneratorRecord, detected: DetectorEvents, daughters: Index) -> Index:
    """Slot of the object each daughter was matched to, same shape as ``daughters``; -1 for none."""
    place = np.flatnonzero(daughters.ravel() >= 0)
    particle = daughters.ravel()[place]
    _, eta, phi = to_angles(record.px[particle], record.py[particle], record.pz[particle])
    is_lepton = np.isin(np.abs(record.pdg_id[particle]), (11, 13))
    target, found = pairs_within_events(record.event[particle], detected.event, record.n_events)
    distance = delta_r(
        eta[target], phi[target], detected.objects["eta"][found], detected.objects["phi"][found]
    )
    fits = is_lepton[target] == (detected.objects["is_lepton"][found] > 0)
    match = match_closest(
        target[fits],
        found[fits],
        distance[fits],
        len(particle),
        len(detected.event),
        MATCHING_DISTANCE,
    )
    slot = np.where(match >= 0, match - detected.offsets[record.event[particle]], -1)
    slots = np.full(daughters.size, -1, dtype=np.int64)
    slots[place] = slot
    return slots.reshape(daughters.shape)
