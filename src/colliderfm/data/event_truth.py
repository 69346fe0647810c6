"""What was behind an event, beyond its topology: momenta of resonances and of invisible particles.

``TruthTable`` holds it for a table, ``EventTruth`` for a batch. Both are optional: without them
everything else is as it would be without truth in the files. Read next: ``truth_columns.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from colliderfm.data.ragged import Ragged, concatenate_ragged


@dataclass(frozen=True)
class EventTruth:
    """Truth of B events with R resonances (as in ``EventBatch.decay``), N slots, K invisibles.

    Parameters
    ----------
    momenta : Tensor, shape (B, R, 4), float32
        Energy, px, py, pz of each resonance, GeV; zero where padded.
    members : Tensor, shape (B, R, N), bool
        True = the object in the slot comes from the resonance.
    invisible : Tensor, shape (B, K, 4), float32
        Energy, px, py, pz of each invisible particle (neutrino), GeV, by falling pT; zero where
        padded.
    invisible_mask : Tensor, shape (B, K), bool
        True = real particle. K is the largest number in the batch, at least 1.
    """

    momenta: torch.Tensor
    members: torch.Tensor
    invisible: torch.Tensor
    invisible_mask: torch.Tensor

    def trimmed(self, n_slots: int) -> EventTruth:
        """Return the truth for the first object slots only.

        Parameters
        ----------
        n_slots : int
            Slots N to keep.

        Returns
        -------
        EventTruth
            With ``members`` cut; all else is shared.
        """
        return replace(self, members=self.members[..., :n_slots])

    def map(self, function: Callable[[torch.Tensor], torch.Tensor]) -> EventTruth:
        """Return the truth with a function applied to every tensor.

        Parameters
        ----------
        function : callable
            Tensor to tensor; must keep the event axis.

        Returns
        -------
        EventTruth
            New truth.
        """
        return EventTruth(
            momenta=function(self.momenta),
            members=function(self.members),
            invisible=function(self.invisible),
            invisible_mask=function(self.invisible_mask),
        )


@dataclass(frozen=True)
class TruthTable:
    """Truth of n events as flat arrays.

    Parameters
    ----------
    momenta : Ragged, values of shape (k, 4), float32
        Energy, px, py, pz of each resonance, GeV, in the order of ``EventTable.decay``.
    members : Ragged, values of shape (k,), uint32
        Bit i is set if object slot i belongs to the resonance.
    invisible : Ragged, values of shape (v, 4), float32
        Energy, px, py, pz of each invisible particle, GeV, by falling pT within an event.
    """

    momenta: Ragged
    members: Ragged
    invisible: Ragged

    def batch(self, rows: np.ndarray, n_slots: int) -> EventTruth:
        """Gather events into padded tensors.

        Parameters
        ----------
        rows : ndarray, shape (B,), int64
            Positions in this table.
        n_slots : int
            Object slots N of the batch.

        Returns
        -------
        EventTruth
            B events, in the order of ``rows``.
        """
        momenta, _ = self.momenta.padded(rows, fill=0.0)
        bits, _ = self.members.padded(rows, fill=0)
        members = (bits[..., None] >> np.arange(n_slots, dtype=np.uint32)) & np.uint32(1)
        invisible, invisible_mask = self.invisible.padded(rows, fill=0.0)
        return EventTruth(
            momenta=torch.from_numpy(momenta),
            members=torch.from_numpy(members.astype(bool)),
            invisible=torch.from_numpy(invisible),
            invisible_mask=torch.from_numpy(invisible_mask),
        )

    def take(self, rows: np.ndarray) -> TruthTable:
        """Return the truth of the events at some positions, shape (k,), in that order."""
        return TruthTable(
            self.momenta.take(rows), self.members.take(rows), self.invisible.take(rows)
        )


def concatenate_truth(parts: Sequence[TruthTable | None]) -> TruthTable | None:
    """Join the truth of several tables.

    Parameters
    ----------
    parts : sequence of TruthTable or None
        At least one.

    Returns
    -------
    TruthTable or None
        Truth of all events; None if any part has none, for a batch has it for every event.
    """
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    return TruthTable(
        concatenate_ragged([part.momenta for part in known]),
        concatenate_ragged([part.members for part in known]),
        concatenate_ragged([part.invisible for part in known]),
    )
