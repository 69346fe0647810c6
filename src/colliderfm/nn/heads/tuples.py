"""All ways to give a decay its objects, as index tables.

A tuple holds one object slot per visible daughter, no slot twice; tuples that differ by an
exchange of interchangeable daughters are one tuple. For two interchangeable daughters and N slots
that leaves N(N-1)/2 tuples. The tables depend on the decay and on N only, so they are made once per
(decay, N, device) and kept.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import permutations
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from colliderfm.physics.decays import Decay


class TupleTable(NamedTuple):
    """The distinct tuples of one decay over N slots.

    Parameters
    ----------
    slots : Tensor, shape (T, M), int64
        Object slot of each of the M daughters.
    bits : Tensor, shape (T,), int64
        Bit i is set = slot i is used.
    index : Tensor, shape (N ** M,), int64
        Tuple of each combination of slots (first daughter slowest), whatever the order of
        interchangeable daughters; -1 where a slot occurs twice.
    """

    slots: Tensor
    bits: Tensor
    index: Tensor


@lru_cache(maxsize=256)
def tuple_table(decay: Decay, n_slots: int, device: torch.device) -> TupleTable:
    """Return the tuples of a decay.

    Parameters
    ----------
    decay : Decay
        Gives the daughters and which of them are interchangeable.
    n_slots : int
        Object slots N.
    device : torch.device
        Where the tables live.

    Returns
    -------
    TupleTable
        No tuples (T = 0) if there are fewer slots than daughters.
    """
    n_daughters = decay.n_daughters
    everything = np.array(list(permutations(range(n_slots), n_daughters)), dtype=np.int64)
    everything = everything.reshape(-1, n_daughters)
    canonical = everything.copy()
    for group in decay.interchangeable:
        canonical[:, list(group)] = np.sort(everything[:, list(group)], axis=1)
    powers = n_slots ** np.arange(n_daughters - 1, -1, -1, dtype=np.int64)
    codes, first = np.unique(canonical @ powers, return_index=True)
    index = np.full(n_slots**n_daughters, -1, dtype=np.int64)
    index[everything @ powers] = np.searchsorted(codes, canonical @ powers)
    slots = canonical[first]
    bits = (np.int64(1) << slots).sum(axis=1)
    tables = (torch.from_numpy(table).to(device) for table in (slots, bits, index))
    return TupleTable(*tables)


def tuple_of_slots(table: TupleTable, slots_XM: Tensor, n_slots: int) -> Tensor:
    """Return the index of the tuple with the given slots.

    Parameters
    ----------
    table : TupleTable
        Tuples over ``n_slots`` slots.
    slots_XM : Tensor, shape (..., M), int64
        Slot of each daughter; -1 = none.
    n_slots : int
        Object slots N of the table.

    Returns
    -------
    Tensor, shape (...), int64
        Tuple, or -1 if a slot is missing, out of range or occurs twice.
    """
    is_complete = ((slots_XM >= 0) & (slots_XM < n_slots)).all(dim=-1)
    code = torch.zeros_like(slots_XM[..., 0])
    for i in range(slots_XM.shape[-1]):
        code = code * n_slots + slots_XM[..., i].clamp(0, n_slots - 1)
    return torch.where(is_complete, table.index[code], torch.full_like(code, -1))
