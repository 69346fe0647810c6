"""Seeded toy events with the columns, the truth and roughly the kinematics of simulated ones.

For tests and demonstrations: no event generator is needed and the ten classes can be told apart.
Resonances decay by two-body phase space; energies are smeared; no claim on physics beyond that.
Read next: ``toy_kinematics.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from colliderfm.data.event_schema import PROCESS_INDEX, PROCESSES
from colliderfm.data.event_table import EventTable, concatenate
from colliderfm.data.toy_detector import Candidates, ToyColumns, detect
from colliderfm.data.toy_kinematics import hard_decays
from colliderfm.data.writing import columns_to_table, write_shard
from colliderfm.errors import ConfigError
from colliderfm.physics.decays import DECAY_INDEX, DECAYS


@dataclass(frozen=True)
class ToyProcess:
    """What a toy process consists of.

    Parameters
    ----------
    decays : tuple of str
        Names of its resonance decays.
    n_jets, n_bjets : float
        Mean number of further light jets (Poisson) and number of further b jets (fixed).
    jet_pt_gev : float
        Mean pT of the further jets above the threshold.
    m_a_gev : float
        Mass of the light boson; NaN without one.
    """

    decays: tuple[str, ...] = ()
    n_jets: float = 2.0
    n_bjets: int = 0
    jet_pt_gev: float = 30.0
    m_a_gev: float = float("nan")


_TOYS: dict[str, ToyProcess] = {
    "qcd": ToyProcess(n_jets=3.0),
    "tt": ToyProcess(("t_bqq", "t_bl"), n_jets=1.5),
    "tth": ToyProcess(("t_bqq", "t_bl", "H_bb"), n_jets=1.0),
    "single_top": ToyProcess(("t_bl",), n_jets=1.5),
    "wjets": ToyProcess(("W_l",), n_jets=1.5),
    "zjets": ToyProcess(("Z_ll",), n_jets=1.5),
    "ww": ToyProcess(("W_qq", "W_l"), n_jets=0.5),
    "wz": ToyProcess(("W_l", "Z_ll"), n_jets=0.5),
    "zz": ToyProcess(("Z_ll", "Z_qq"), n_jets=0.5),
    "hww": ToyProcess(("H_WW", "W_l", "W_l"), n_jets=0.5),
    "haa_ma30": ToyProcess(("H_aa", "a_bb", "a_bb"), n_jets=1.0, m_a_gev=30.0),
    "haa_ma40": ToyProcess(("H_aa", "a_bb", "a_bb"), n_jets=1.0, m_a_gev=40.0),
    "haa_ma60": ToyProcess(("H_aa", "a_bb", "a_bb"), n_jets=1.0, m_a_gev=60.0),
    "qcd_4b": ToyProcess(n_jets=1.0, n_bjets=4, jet_pt_gev=20.0),
    "qcd_bbbj": ToyProcess(n_jets=2.0, n_bjets=3, jet_pt_gev=20.0),
    "qcd_bbjj": ToyProcess(n_jets=3.0, n_bjets=2, jet_pt_gev=20.0),
    "tt_2l": ToyProcess(("t_bl", "t_bl"), n_jets=1.5),
}


def toy_columns(process: str, n_events: int, seed: int) -> ToyColumns:
    """Generate the columns of toy events of one process.

    Parameters
    ----------
    process : str
        Name from ``PROCESSES``.
    n_events : int
        Number of events.
    seed : int
        Equal seeds give equal columns.

    Returns
    -------
    dict of str to ndarray or (offsets, values)
        As ``write_shard`` takes them, with truth; GeV and radians.

    Raises
    ------
    ConfigError
        For a process without a toy.
    """
    if process not in _TOYS:
        raise ConfigError(f"toy process {process!r}", need=f"one of {', '.join(_TOYS)}")
    toy = _TOYS[process]
    rng = np.random.default_rng([seed, PROCESS_INDEX[process]])
    truth = hard_decays(toy.decays, toy.m_a_gev, n_events, rng)
    jets = _further_jets(toy, n_events, rng)
    columns = detect(truth, jets, rng)
    decay = [DECAY_INDEX[name] for name in toy.decays]
    pdg_id = [DECAYS[index].resonance_pdg_id for index in decay]
    columns |= {
        "process": np.full(n_events, process),
        "weight": np.ones(n_events, dtype=np.float32),
        "event_id": np.array([f"{process}/{seed}/{index}" for index in range(n_events)]),
        "decay": _equal_lists(np.tile(np.array(decay, dtype=np.int8), (n_events, 1))),
        "resonance_pdg_id": _equal_lists(np.tile(np.array(pdg_id, dtype=np.int32), (n_events, 1))),
        "n_bjet_true": np.full(n_events, truth.n_bottom + toy.n_bjets, dtype=np.int8),
    }
    for axis, name in enumerate(("energy", "px", "py", "pz")):
        columns[f"resonance_{name}_gev"] = _equal_lists(truth.resonances[:, :, axis])
        columns[f"invisible_{name}_gev"] = _equal_lists(truth.invisible[:, :, axis])
    if np.isfinite(toy.m_a_gev):
        columns["m_a_gev"] = np.full(n_events, toy.m_a_gev, dtype=np.float32)
    return columns


def toy_table(
    n_events: int, seed: int = 0, processes: Sequence[str] = PROCESSES[:10]
) -> EventTable:
    """Generate toy events in memory.

    Parameters
    ----------
    n_events : int
        Events in all, shared evenly by the processes (the first ones get the remainder).
    seed : int
        Equal seeds give equal events.
    processes : sequence of str
        Names from ``PROCESSES``; the ten pretraining classes without an argument.

    Returns
    -------
    EventTable
        Events in the order of ``processes``, equal to those that ``write_toy_set`` writes.
    """
    counts = _shares(n_events, processes)
    return concatenate(
        [
            EventTable.from_arrow(columns_to_table(toy_columns(name, count, seed)))
            for name, count in counts.items()
        ]
    )


def write_toy_set(
    folder: Path | str, n_events: int, seed: int = 0, processes: Sequence[str] = PROCESSES[:10]
) -> None:
    """Write a toy event set with one file per process.

    Parameters
    ----------
    folder : path
        Gets ``<process>/part-<seed>.parquet``.
    n_events : int
        Events in all, shared as in ``toy_table``.
    seed : int
        Equal seeds give equal bytes.
    processes : sequence of str
        Names from ``PROCESSES``.
    """
    for name, count in _shares(n_events, processes).items():
        path = Path(folder) / name / f"part-{seed:06d}.parquet"
        write_shard(path, toy_columns(name, count, seed))


def _shares(n_events: int, processes: Sequence[str]) -> dict[str, int]:
    each, rest = divmod(n_events, len(processes))
    counts = {name: each + (position < rest) for position, name in enumerate(processes)}
    return {name: count for name, count in counts.items() if count}


def _equal_lists(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    n_events, length = values.shape
    return np.arange(n_events + 1) * length, values.reshape(-1)


def _further_jets(toy: ToyProcess, n_events: int, rng: np.random.Generator) -> Candidates:
    """Draw jets that do not come from a resonance: exponential pT, Gaussian eta, uniform phi."""
    n_light = rng.poisson(toy.n_jets, n_events)
    width = int(n_light.max(initial=0)) + toy.n_bjets
    shape = (n_events, width)
    is_bottom = np.broadcast_to(np.arange(width) < toy.n_bjets, shape)
    pt_gev = 16.0 + rng.exponential(toy.jet_pt_gev, shape)
    eta, phi = rng.normal(0.0, 1.2, shape), rng.uniform(-np.pi, np.pi, shape)
    return Candidates(
        energy_gev=pt_gev * np.cosh(eta),
        pt_gev=pt_gev,
        eta=eta,
        phi=phi,
        is_bottom=is_bottom,
        charge=np.zeros(shape),
        exists=np.arange(width) < (n_light + toy.n_bjets)[:, None],
        owner=np.full(width, -1),
    )
