"""Resonances of the toy events and their two-body decays; arrays over events throughout.

Four-vectors have a last axis (E, px, py, pz) in GeV. Read next: ``toy_detector.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from colliderfm.physics.decays import DECAY_INDEX, DECAYS

_MASS_GEV = {6: 172.5, 24: 80.4, 23: 91.2, 25: 125.0}
_WIDTH_GEV = {6: 1.4, 24: 2.1, 23: 2.5, 25: 0.1, 36: 0.1}


@dataclass(frozen=True)
class HardDecays:
    """Resonances, their visible daughters and neutrinos.

    Parameters
    ----------
    resonances : ndarray, shape (B, R, 4)
        Four-momenta, GeV.
    daughters : ndarray, shape (B, D, 4)
        Visible daughters in the order of the assignment, GeV.
    invisible : ndarray, shape (B, V, 4)
        Neutrinos, GeV.
    roles : tuple of str, length D
        ``b``, ``q`` or ``l``.
    owner : ndarray, shape (D,), int
        Resonance of each daughter.
    """

    resonances: np.ndarray
    daughters: np.ndarray
    invisible: np.ndarray
    roles: tuple[str, ...]
    owner: np.ndarray

    @property
    def n_bottom(self) -> int:
        """Number of b daughters of an event."""
        return self.roles.count("b")


def two_body_decay(
    parent: np.ndarray, mass_1_gev: np.ndarray | float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Decay isotropically into a particle of mass m1 and a massless one.

    Parameters
    ----------
    parent : ndarray, shape (B, 4), GeV
        Decaying particles.
    mass_1_gev : ndarray, shape (B,), or float
        Mass of the first daughter, below the parent's.
    rng : numpy.random.Generator
        Source of the directions.

    Returns
    -------
    first, second : ndarray, shape (B, 4), GeV
        Daughters in the frame of ``parent``; they sum to it.
    """
    mass = np.sqrt(np.maximum(parent[:, 0] ** 2 - (parent[:, 1:] ** 2).sum(axis=1), 1e-12))
    momentum = (mass**2 - np.asarray(mass_1_gev) ** 2) / (2 * mass)
    cos_theta, phi = rng.uniform(-1, 1, len(parent)), rng.uniform(-np.pi, np.pi, len(parent))
    sin_theta = np.sqrt(1 - cos_theta**2)
    direction = np.stack([sin_theta * np.cos(phi), sin_theta * np.sin(phi), cos_theta], axis=1)
    rest_momentum, rest_energy = momentum[:, None] * direction, mass - momentum
    beta_gamma, gamma = parent[:, 1:] / mass[:, None], parent[:, 0] / mass
    along = (beta_gamma * rest_momentum).sum(axis=1)
    energy = gamma * rest_energy + along
    boosted = rest_momentum + beta_gamma * (rest_energy + along / (gamma + 1))[:, None]
    first = np.concatenate([energy[:, None], boosted], axis=1)
    return first, parent - first


def hard_decays(
    decays: tuple[str, ...], m_a_gev: float, n_events: int, rng: np.random.Generator
) -> HardDecays:
    """Produce resonances and let them decay.

    Parameters
    ----------
    decays : tuple of str
        Names of the decays. Those that follow ``H_aa`` or ``H_WW`` are of the Higgs boson's pair.
    m_a_gev : float
        Mass of the light boson.
    n_events : int
        Number of events.
    rng : numpy.random.Generator
        Source of all numbers.

    Returns
    -------
    HardDecays
        Truth of the events.
    """
    resonances: list[np.ndarray] = []
    visible: list[tuple[np.ndarray, str, int]] = []
    invisible: list[np.ndarray] = []
    from_higgs: list[np.ndarray] = []
    for index, name in enumerate(decays):
        decay = DECAYS[DECAY_INDEX[name]]
        mass_gev = _MASS_GEV.get(decay.resonance_pdg_id, m_a_gev)
        width_gev = _WIDTH_GEV[decay.resonance_pdg_id]
        parent = from_higgs.pop(0) if from_higgs else _produce(mass_gev, width_gev, n_events, rng)
        resonances.append(parent)
        if name in ("H_aa", "H_WW"):
            daughter_gev = m_a_gev if name == "H_aa" else 80.4
            from_higgs = list(_to_pair(parent, daughter_gev, rng))
            continue
        daughters, neutrinos = _decay(parent, decay.daughters, rng)
        pairs = zip(daughters, decay.daughters, strict=True)
        visible += [(momentum, role, index) for momentum, role in pairs]
        invisible += neutrinos
    return HardDecays(
        resonances=_stack(resonances, n_events),
        daughters=_stack([momentum for momentum, _, _ in visible], n_events),
        invisible=_stack(invisible, n_events),
        roles=tuple(role for _, role, _ in visible),
        owner=np.array([owner for _, _, owner in visible], dtype=np.int64),
    )


def _stack(vectors: list[np.ndarray], n_events: int) -> np.ndarray:
    return np.stack(vectors, axis=1) if vectors else np.zeros((n_events, 0, 4))


def _produce(
    mass_gev: float, width_gev: float, n_events: int, rng: np.random.Generator
) -> np.ndarray:
    mass = np.maximum(rng.normal(mass_gev, width_gev, n_events), 0.5 * mass_gev)
    pt, phi = rng.exponential(60.0, n_events), rng.uniform(-np.pi, np.pi, n_events)
    pz = np.sqrt(mass**2 + pt**2) * np.sinh(rng.normal(0, 0.8, n_events))
    momentum = np.stack([pt * np.cos(phi), pt * np.sin(phi), pz], axis=1)
    energy = np.sqrt(mass**2 + (momentum**2).sum(axis=1))
    return np.concatenate([energy[:, None], momentum], axis=1)


def _to_pair(
    parent: np.ndarray, daughter_gev: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Split a Higgs boson into two bosons of equal mass, off shell where it must be."""
    mass = np.sqrt(np.maximum(parent[:, 0] ** 2 - (parent[:, 1:] ** 2).sum(axis=1), 1e-12))
    half_gev = np.minimum(daughter_gev, 0.45 * mass)
    # A massless split gives the directions; a shorter relative momentum gives the mass.
    first, second = two_body_decay(parent, 0.0, rng)
    share = np.sqrt(1 - (2 * half_gev / mass) ** 2)[:, None]
    middle, relative = (first + second) / 2, (first - second) / 2
    return middle + share * relative, middle - share * relative


def _decay(
    parent: np.ndarray, roles: tuple[str, ...], rng: np.random.Generator
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return the visible daughters in the order of ``roles`` and the neutrinos."""
    if len(roles) == 3:
        boson_gev = np.minimum(rng.normal(80.4, 2.1, len(parent)), 150.0)
        boson, bottom = two_body_decay(parent, boson_gev, rng)
        return [bottom, *two_body_decay(boson, 0.0, rng)], []
    if roles == ("b", "l"):
        boson, bottom = two_body_decay(parent, 80.4, rng)
        lepton, neutrino = two_body_decay(boson, 0.0, rng)
        return [bottom, lepton], [neutrino]
    first, second = two_body_decay(parent, 0.0, rng)
    return ([first], [second]) if roles == ("l",) else ([first, second], [])
