import numpy as np
import pytest

from colliderfm.simulation.record import GeneratorRecord


@pytest.fixture
def make_record():
    """Build a record from events; an entry is (pdg id, status, daughter 1, daughter 2, px, py, pz).

    Daughters are numbered within the event as Pythia does; every particle is massless. Entry 0 (the
    whole event) is added here.
    """

    def build(*events, weight=1.0):
        rows = [[(90, -11, 0, 0, 0.0, 0.0, 0.0), *event] for event in events]
        offsets = np.concatenate([[0], np.cumsum([len(event) for event in rows])])
        flat = np.array([entry for event in rows for entry in event], dtype=float)
        event = np.repeat(np.arange(len(rows)), np.diff(offsets))
        links = flat[:, 2:4].astype(np.int64)
        links = np.where(links == 0, -1, links + offsets[:-1][event][:, None])
        momentum = flat[:, 4:].T
        return GeneratorRecord(
            offsets=offsets,
            event=event,
            pdg_id=flat[:, 0].astype(np.int32),
            status=flat[:, 1].astype(np.int32),
            daughter1=links[:, 0],
            daughter2=links[:, 1],
            px=momentum[0],
            py=momentum[1],
            pz=momentum[2],
            energy=np.sqrt((momentum**2).sum(axis=0)),
            weight=np.full(len(rows), weight),
        )

    return build


@pytest.fixture
def make_detected():
    """Build reconstructed events; an object is (pt, eta, phi, is_lepton), in slot order."""
    from colliderfm.simulation.detector import DetectorEvents

    def build(*events):
        offsets = np.concatenate([[0], np.cumsum([len(event) for event in events])])
        flat = np.array([entry for event in events for entry in event], dtype=float).reshape(-1, 4)
        names = ("pt_gev", "eta", "phi", "is_lepton")
        return DetectorEvents(
            offsets=offsets,
            event=np.repeat(np.arange(len(events)), np.diff(offsets)),
            objects=dict(zip(names, flat.T, strict=True)),
            flavor=np.zeros(len(flat), dtype=np.int64),
            variables={},
            n_truncated=0,
        )

    return build
