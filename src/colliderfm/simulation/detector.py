"""Parametrized detector: generated particles in, reconstructed objects out, one batch at a time.

Stable visible particles with |eta| < 4.9 feed isolated electrons and muons, anti-kT jets of radius
0.4 (everything but those leptons) and the missing momentum. Jets are labeled by B and C hadrons
within 0.3. Resolutions, efficiencies and tagging rates are typical of ATLAS and CMS at 13 TeV
without pile-up; they are constants here, the acceptance is in ``DetectorSettings``. No taus, no
photons, no trigger.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from colliderfm.data.event_schema import MAX_OBJECTS
from colliderfm.physics.event_variables import event_variables
from colliderfm.physics.fourvector import delta_r, to_angles
from colliderfm.simulation.jets import cluster_jets, jet_flavor
from colliderfm.simulation.pairs import pairs_within_events
from colliderfm.simulation.record import GeneratorRecord

Array = NDArray[np.float64]
Index = NDArray[np.int64]

CALORIMETER_ETA = 4.9
ISOLATION_CONE = 0.3
MAX_RELATIVE_ISOLATION = 0.15
# electron, muon
LEPTON_EFFICIENCY = {11: 0.85, 13: 0.95}
LEPTON_RESOLUTION = {11: 0.02, 13: 0.012}
# stochastic (sqrt(GeV)), noise (GeV), constant terms of the relative jet resolution
JET_RESOLUTION = (0.8, 1.0, 0.04)
# probability of a b tag by true flavor: light, c, b
B_TAG_RATE = {0: 0.01, 4: 0.15, 5: 0.75}
# missing-momentum resolution per axis: this times sqrt(unclustered sum of pT / GeV), in GeV
SOFT_RESOLUTION = 0.5
# Jets are found above this fraction of the threshold, since smearing lifts some across it.
_CLUSTERING_MARGIN = 0.6
_NEUTRINOS = (12, 14, 16)


@dataclass(frozen=True)
class DetectorSettings:
    """Acceptance of the detector.

    Parameters
    ----------
    jet_pt_min_gev, lepton_pt_min_gev : float
        Smallest transverse momenta.
    eta_max : float
        Largest |eta| of jets and leptons.
    """

    jet_pt_min_gev: float = 15.0
    lepton_pt_min_gev: float = 10.0
    eta_max: float = 2.5


@dataclass(frozen=True)
class DetectorEvents:
    """Reconstructed objects of B events, M in all: leptons first, then jets, by falling pT.

    Attributes
    ----------
    offsets : ndarray, shape (B + 1,)
        First object of each event.
    event : ndarray, shape (M,)
        Event of each object.
    objects : dict of ndarray, shape (M,)
        The seven object features.
    flavor : ndarray, shape (M,)
        True flavor of jets (5, 4 or 0); 0 for leptons.
    variables : dict of ndarray, shape (B,)
        The event-level features.
    n_truncated : int
        Events that had more than 18 objects.
    """

    offsets: Index
    event: Index
    objects: dict[str, Array]
    flavor: Index
    variables: dict[str, Array]
    n_truncated: int


@dataclass(frozen=True)
class _Particles:
    """Stable visible particles of a batch."""

    position: Index
    event: Index
    pt: Array
    eta: Array
    phi: Array


@dataclass(frozen=True)
class _Found:
    """Leptons or jets before they are merged into one list."""

    event: Index
    energy: Array
    pt: Array
    eta: Array
    phi: Array
    flavor: Index
    charge: Array
    b_tag: Array


def reconstruct(
    record: GeneratorRecord, settings: DetectorSettings, rng: np.random.Generator
) -> DetectorEvents:
    """Turn generated events into reconstructed ones.

    Parameters
    ----------
    record : GeneratorRecord
        B generated events.
    settings : DetectorSettings
        Acceptance.
    rng : numpy.random.Generator
        Source of all detector randomness.

    Returns
    -------
    DetectorEvents
        B events in the same order; some have no object.
    """
    n_events = record.n_events
    particles = _visible_particles(record)
    leptons, lepton_position, lepton_scale = _leptons(record, particles, settings, rng)
    jets, shift = _jets(record, particles, lepton_position, settings, rng)
    met = []
    for axis, momentum in enumerate((record.px, record.py)):
        total = np.bincount(particles.event, momentum[particles.position], n_events)
        lepton_shift = momentum[lepton_position] * (lepton_scale - 1.0)
        total += np.bincount(leptons.event, lepton_shift, n_events)
        soft = SOFT_RESOLUTION * np.sqrt(np.maximum(shift["soft_pt"], 1.0))
        met.append(-(total + shift["xy"[axis]] + soft * rng.standard_normal(n_events)))
    return _merge(leptons, jets, met, n_events)


def _visible_particles(record: GeneratorRecord) -> _Particles:
    """Stable particles a calorimeter or tracker would see."""
    stable = np.flatnonzero(record.status > 0)
    px, py, pz = record.px[stable], record.py[stable], record.pz[stable]
    inside = pz**2 < np.sinh(CALORIMETER_ETA) ** 2 * (px**2 + py**2)
    code = np.abs(record.pdg_id[stable])
    keep = inside & ~np.isin(code, _NEUTRINOS)
    return _Particles(
        stable[keep], record.event[stable[keep]], *to_angles(px[keep], py[keep], pz[keep])
    )


def _leptons(
    record: GeneratorRecord,
    particles: _Particles,
    settings: DetectorSettings,
    rng: np.random.Generator,
) -> tuple[_Found, Index, Array]:
    """Isolated electrons and muons, where they are in the record, and their smearing factors."""
    code = np.abs(record.pdg_id[particles.position])
    in_reach = (particles.pt > 0.8 * settings.lepton_pt_min_gev) & (
        np.abs(particles.eta) < settings.eta_max
    )
    candidate = np.flatnonzero(((code == 11) | (code == 13)) & in_reach)
    owner, near = pairs_within_events(particles.event[candidate], particles.event, record.n_events)
    own = candidate[owner]
    distance = delta_r(
        particles.eta[near], particles.phi[near], particles.eta[own], particles.phi[own]
    )
    counted = (distance < ISOLATION_CONE) & (near != own)
    cone_pt = np.bincount(owner[counted], particles.pt[near[counted]], len(candidate))
    is_electron = code[candidate] == 11
    efficiency = np.where(is_electron, LEPTON_EFFICIENCY[11], LEPTON_EFFICIENCY[13])
    resolution = np.where(is_electron, LEPTON_RESOLUTION[11], LEPTON_RESOLUTION[13])
    scale = 1.0 + resolution * rng.standard_normal(len(candidate))
    good = cone_pt < MAX_RELATIVE_ISOLATION * particles.pt[candidate]
    good &= rng.random(len(candidate)) < efficiency
    good &= particles.pt[candidate] * scale > settings.lepton_pt_min_gev
    chosen, scale = candidate[good], scale[good]
    position = particles.position[chosen]
    found = _Found(
        event=particles.event[chosen],
        energy=record.energy[position] * scale,
        pt=particles.pt[chosen] * scale,
        eta=particles.eta[chosen],
        phi=particles.phi[chosen],
        flavor=np.zeros(len(chosen), dtype=np.int64),
        charge=-np.sign(record.pdg_id[position]).astype(float),
        b_tag=np.zeros(len(chosen)),
    )
    return found, position, scale


def _jets(
    record: GeneratorRecord,
    particles: _Particles,
    lepton_position: Index,
    settings: DetectorSettings,
    rng: np.random.Generator,
) -> tuple[_Found, dict[str, Array]]:
    """Smeared jets in acceptance; shifts and soft pT of each event for the missing momentum."""
    n_events = record.n_events
    is_lepton = np.zeros(len(record.pdg_id), dtype=bool)
    is_lepton[lepton_position] = True
    inputs = ~is_lepton[particles.position]
    minimum_pt = _CLUSTERING_MARGIN * settings.jet_pt_min_gev
    event, momentum = cluster_jets(
        record, particles.position[inputs], particles.event[inputs], minimum_pt
    )
    energy, px, py, pz = momentum
    pt, eta, phi = to_angles(px, py, pz)
    flavor = jet_flavor(record, event, eta, phi)
    stochastic, noise, constant = JET_RESOLUTION
    resolution = np.sqrt(stochastic**2 / pt + (noise / pt) ** 2 + constant**2)
    scale = np.clip(1.0 + resolution * rng.standard_normal(len(pt)), 0.1, None)
    tag_rate = np.array([B_TAG_RATE.get(quark, 0.0) for quark in range(6)])
    b_tag = (rng.random(len(pt)) < tag_rate[flavor]).astype(float)
    shift = {
        "x": np.bincount(event, px * (scale - 1.0), n_events),
        "y": np.bincount(event, py * (scale - 1.0), n_events),
        "soft_pt": np.bincount(particles.event[inputs], particles.pt[inputs], n_events)
        - np.bincount(event, pt, n_events),
    }
    keep = (pt * scale > settings.jet_pt_min_gev) & (np.abs(eta) < settings.eta_max)
    found = _Found(
        *(part[keep] for part in (event, energy * scale, pt * scale, eta, phi, flavor)),
        charge=np.zeros(int(keep.sum())),
        b_tag=b_tag[keep],
    )
    return found, shift


def _merge(leptons: _Found, jets: _Found, met: list[Array], n_events: int) -> DetectorEvents:
    """One list of objects per event, at most 18, and the event variables."""
    is_lepton = np.repeat([1.0, 0.0], [len(leptons.event), len(jets.event)])

    def both(name: str) -> Any:
        return np.concatenate([getattr(leptons, name), getattr(jets, name)])

    event, pt = both("event"), both("pt")
    order = np.lexsort((-pt, -is_lepton, event))
    first = np.searchsorted(event[order], np.arange(n_events))
    rank = np.arange(len(order)) - first[event[order]]
    order = order[rank < MAX_OBJECTS]
    event = event[order]
    objects = {
        "energy_gev": both("energy")[order],
        "pt_gev": pt[order],
        "eta": both("eta")[order],
        "phi": both("phi")[order],
        "btag": both("b_tag")[order],
        "is_lepton": is_lepton[order],
        "charge": both("charge")[order],
    }
    return DetectorEvents(
        offsets=np.searchsorted(event, np.arange(n_events + 1)),
        event=event,
        objects=objects,
        flavor=both("flavor")[order],
        variables=event_variables(event, objects, *met),
        n_truncated=int(np.count_nonzero(rank == MAX_OBJECTS)),
    )
