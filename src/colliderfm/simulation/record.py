"""Flat numpy view of a batch of generated events.

Pythia hands over one ragged array per batch. Here every entry of every event sits in one flat array
and mother-daughter links are positions in it, so that whole batches are searched without a Python
loop. Read next: ``detector`` (what a detector sees of it) and ``truth`` (what was behind it).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.int64]
Array = NDArray[np.float64]

# A particle copy follows the one before it in a chain; longer chains than this do not occur.
_MAX_COPIES = 500


@dataclass(frozen=True)
class GeneratorRecord:
    """All entries of a batch of B events, M in total.

    Attributes
    ----------
    offsets : ndarray, shape (B + 1,)
        First entry of each event.
    event : ndarray, shape (M,)
        Event of each entry.
    pdg_id, status : ndarray, shape (M,), int32
        Particle code, and Pythia's status (positive: still there at the end).
    daughter1, daughter2 : ndarray, shape (M,)
        Positions in these same arrays; -1 for none.
    px, py, pz, energy : ndarray, shape (M,), GeV
        Momentum and energy.
    weight : ndarray, shape (B,)
        Event weight (1 unless splittings are enhanced).
    """

    offsets: Index
    event: Index
    pdg_id: NDArray[np.int32]
    status: NDArray[np.int32]
    daughter1: Index
    daughter2: Index
    px: Array
    py: Array
    pz: Array
    energy: Array
    weight: Array

    @property
    def n_events(self) -> int:
        """Number of events B."""
        return len(self.offsets) - 1

    @classmethod
    def from_batch(cls, batch: Any) -> GeneratorRecord:
        """Flatten what ``Pythia.nextBatch`` returns.

        Parameters
        ----------
        batch : awkward.Array
            Fields ``prt`` and ``info`` as documented by Pythia 8.3.

        Returns
        -------
        GeneratorRecord
            Momenta and codes are views into the batch's own buffers where possible.
        """
        import awkward as ak

        particles = ak.to_layout(ak.to_packed(batch.prt)) if len(batch) else ak.to_layout(batch.prt)
        offsets = np.asarray(particles.offsets, dtype=np.int64)
        columns = particles.content
        event = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
        momentum = columns.content("p")
        weights = batch.info.weights
        return cls(
            offsets=offsets,
            event=event,
            pdg_id=_column(columns, "id"),
            status=_column(columns, "status"),
            daughter1=_link(_column(columns, "daughter1"), offsets, event),
            daughter2=_link(_column(columns, "daughter2"), offsets, event),
            px=_column(momentum, "px"),
            py=_column(momentum, "py"),
            pz=_column(momentum, "pz"),
            energy=_column(momentum, "e"),
            weight=np.asarray(ak.to_numpy(weights[:, 0]), dtype=np.float64),
        )

    def last_copy(self, index: Index) -> Index:
        """Follow particles through their recoil and radiation copies.

        Parameters
        ----------
        index : ndarray of int, any shape
            Positions; -1 stays -1.

        Returns
        -------
        ndarray of int, same shape
            Position of the last entry with the same code in each chain.
        """
        current = index.copy()
        for _ in range(_MAX_COPIES):
            position = np.maximum(current, 0)
            follow = np.full_like(current, -1)
            for daughter in (self.daughter2[position], self.daughter1[position]):
                same = self.pdg_id[np.maximum(daughter, 0)] == self.pdg_id[position]
                follow = np.where((daughter >= 0) & same, daughter, follow)
            moved = (current >= 0) & (follow >= 0)
            if not moved.any():
                return current
            current = np.where(moved, follow, current)
        return current

    def four_momentum(self, index: Index) -> Array:
        """Collect four-momenta.

        Parameters
        ----------
        index : ndarray of int, shape (K,)
            Positions, all >= 0.

        Returns
        -------
        ndarray, shape (4, K), GeV
            Rows E, px, py, pz.
        """
        return np.stack([part[index] for part in (self.energy, self.px, self.py, self.pz)])


def _column(layout: Any, name: str) -> Any:
    """Raw buffer of one record field."""
    return np.asarray(layout.content(name).data)


def _link(daughter: NDArray[np.int32], offsets: Index, event: Index) -> Index:
    """Turn event-local daughter numbers (0: none) into flat positions (-1: none)."""
    return np.where(daughter == 0, -1, daughter + offsets[:-1][event])
