"""Jets of generated particles: anti-kT clustering with FastJet, flavor labels from heavy hadrons.

FastJet is imported on first use: it is an optional extra (GPL).
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from colliderfm.physics.fourvector import delta_r, to_angles
from colliderfm.simulation.generators import generators_missing
from colliderfm.simulation.pairs import pairs_within_events
from colliderfm.simulation.record import GeneratorRecord

Array = NDArray[np.float64]
Index = NDArray[np.int64]

JET_RADIUS = 0.4
FLAVOR_CONE = 0.3
FLAVOR_HADRON_PT_GEV = 5.0


def cluster_jets(
    record: GeneratorRecord, position: Index, event: Index, minimum_pt_gev: float
) -> tuple[Index, Array]:
    """Find anti-kT jets of radius 0.4.

    Parameters
    ----------
    record : GeneratorRecord
        B generated events.
    position, event : ndarray, shape (M,), int
        Particles to cluster, and the event of each, ascending.
    minimum_pt_gev : float
        Softer jets are left out.

    Returns
    -------
    tuple of ndarray
        Event of each jet, (J,), and momenta E, px, py, pz in GeV, (4, J).
    """
    import awkward as ak

    fastjet = import_fastjet()
    offsets = np.searchsorted(event, np.arange(record.n_events + 1))
    names = ("px", "py", "pz", "E")
    parts = (record.px, record.py, record.pz, record.energy)
    contents = [ak.contents.NumpyArray(part[position]) for part in parts]
    particles = ak.Array(
        ak.contents.ListOffsetArray(
            ak.index.Index64(offsets),
            ak.contents.RecordArray(contents, list(names), parameters={"__record__": "Momentum4D"}),
        )
    )
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, JET_RADIUS)
    jets = fastjet.ClusterSequence(particles, definition).inclusive_jets(min_pt=minimum_pt_gev)
    count = ak.to_numpy(ak.num(jets, axis=1))
    momentum = [ak.to_numpy(ak.flatten(jets[name], axis=1)) for name in ("E", "px", "py", "pz")]
    return np.repeat(np.arange(record.n_events), count), np.stack(momentum)


@cache
def import_fastjet() -> Any:
    """Import FastJet and print its banner where nobody parses it.

    Returns
    -------
    module
        ``fastjet``.

    Raises
    ------
    ColliderFMError
        If the extra ``generate`` is not installed.
    """
    try:
        import fastjet
    except ImportError as err:
        raise generators_missing(err) from err
    keep = os.dup(1)
    with open(os.devnull, "wb") as null:  # noqa: PTH123 (devnull is no path of ours)
        os.dup2(null.fileno(), 1)
        try:
            fastjet._swig.ClusterSequence.print_banner()
        finally:
            os.dup2(keep, 1)
            os.close(keep)
    return fastjet


def jet_flavor(record: GeneratorRecord, event: Index, eta: Array, phi: Array) -> Index:
    """Label jets by the heavy hadrons near them.

    Parameters
    ----------
    record : GeneratorRecord
        B generated events.
    event, eta, phi : ndarray, shape (J,)
        Event and direction of each jet.

    Returns
    -------
    ndarray, shape (J,)
        5 (4) if a B (C) hadron above 5 GeV lies within 0.3, B before C, else 0.
    """
    flavor = np.zeros(len(event), dtype=np.int64)
    for quark in (4, 5):
        hadron = _weakly_decaying_hadrons(record, quark)
        hadron_pt, hadron_eta, hadron_phi = to_angles(
            record.px[hadron], record.py[hadron], record.pz[hadron]
        )
        hard = hadron_pt > FLAVOR_HADRON_PT_GEV
        hadron_event = record.event[hadron[hard]]
        jet, near = pairs_within_events(event, hadron_event, record.n_events)
        distance = delta_r(eta[jet], phi[jet], hadron_eta[hard][near], hadron_phi[hard][near])
        flavor[jet[distance < FLAVOR_CONE]] = quark
    return flavor


def _weakly_decaying_hadrons(record: GeneratorRecord, quark: int) -> Index:
    """Hadrons with this quark whose daughters do not carry it any more."""
    code = np.abs(record.pdg_id)
    carries = (code > 100) & (((code // 100) % 10 == quark) | ((code // 1000) % 10 == quark))
    found = np.flatnonzero(carries)
    for daughter in (record.daughter1, record.daughter2):
        child = daughter[found]
        found = found[(child < 0) | ~carries[np.maximum(child, 0)]]
    return found
