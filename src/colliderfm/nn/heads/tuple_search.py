"""The best set of disjoint tuples: one tuple per resonance, no object used twice.

A beam over the resonances of an event. It keeps up to ``BEAM`` partial sets, and up to ``BEAM``
candidates per resonance; two-daughter decays among at most 18 objects have at most 153 tuples of
interchangeable daughters, so for two of them (H -> aa -> 4b) the search is exhaustive.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

BEAM = 160
# Log-probability of leaving a resonance out: below every set that gives it a tuple.
_NONE_SCORE = -1.0e6
_EVENTS_PER_CHUNK = 64


class Candidates(NamedTuple):
    """Scored tuples of one resonance.

    Parameters
    ----------
    log_probability : Tensor, shape (E, T)
        Score of each tuple; -inf = not allowed.
    bits : Tensor, shape (T,), int64
        Slots used by each tuple.
    """

    log_probability: Tensor
    bits: Tensor


def best_disjoint(candidates: Sequence[Candidates]) -> Tensor:
    """Choose one tuple per resonance so that the summed score is largest and no slot is used twice.

    Parameters
    ----------
    candidates : sequence of Candidates
        One entry per resonance, for the same E events.

    Returns
    -------
    Tensor, shape (E, R), int64
        Chosen tuple of each resonance; -1 where no allowed tuple is left.
    """
    n_events = len(candidates[0].log_probability)
    chunks = [
        _search(
            [
                Candidates(c.log_probability[start : start + _EVENTS_PER_CHUNK], c.bits)
                for c in candidates
            ]
        )
        for start in range(0, n_events, _EVENTS_PER_CHUNK)
    ]
    return torch.cat(chunks)


def _search(candidates: Sequence[Candidates]) -> Tensor:
    """Return the best tuple of each resonance for one chunk of events, (E, R)."""
    first = candidates[0].log_probability
    score_EK = first.new_zeros(len(first), 1, dtype=torch.float64)
    used_EK = torch.zeros_like(score_EK, dtype=torch.int64)
    choice_EKR = used_EK.new_empty(len(first), 1, 0)
    for candidate in candidates:
        value_EM, tuple_EM = _best_of_one(candidate)
        # The last entry stands for 'no tuple' (index -1), and for events too small to have any.
        bits_EM = torch.cat([candidate.bits, candidate.bits.new_zeros(1)])[tuple_EM]
        sum_EKM = score_EK[:, :, None] + value_EM[:, None, :]
        is_conflict_EKM = (used_EK[:, :, None] & bits_EM[:, None, :]) != 0
        flat_EX = sum_EKM.masked_fill(is_conflict_EKM, -torch.inf).flatten(1)
        score_EK, position_EK = flat_EX.topk(min(BEAM, flat_EX.shape[1]), dim=1)
        n_candidates = value_EM.shape[1]
        old_EK, new_EK = position_EK // n_candidates, position_EK % n_candidates
        used_EK = used_EK.gather(1, old_EK) | bits_EM.gather(1, new_EK)
        previous_EKR = choice_EKR.gather(1, old_EK[..., None].expand(-1, -1, choice_EKR.shape[-1]))
        choice_EKR = torch.cat([previous_EKR, tuple_EM.gather(1, new_EK)[..., None]], dim=-1)
    return _fill_gaps(candidates, choice_EKR[:, 0], used_EK[:, 0])


def _best_of_one(candidate: Candidates) -> tuple[Tensor, Tensor]:
    """Return scores and tuples (E, M) of the best candidates; the last one is 'no tuple', -1."""
    # In double precision, so that the large penalty leaves the small differences intact.
    log_probability = candidate.log_probability.double()
    value_EM, tuple_EM = log_probability.topk(min(BEAM, log_probability.shape[1]), dim=1)
    none_E1 = value_EM.new_full((len(value_EM), 1), _NONE_SCORE)
    none_index_E1 = tuple_EM.new_full((len(tuple_EM), 1), -1)
    return torch.cat([value_EM, none_E1], dim=1), torch.cat([tuple_EM, none_index_E1], dim=1)


def _fill_gaps(candidates: Sequence[Candidates], choice_ER: Tensor, used_E: Tensor) -> Tensor:
    """Give a resonance the beam left out its best tuple among the free slots, if there is one."""
    for i, candidate in enumerate(candidates):
        if candidate.log_probability.shape[1] <= BEAM:
            continue
        is_taken_ET = (used_E[:, None] & candidate.bits) != 0
        best = candidate.log_probability.masked_fill(is_taken_ET, -torch.inf).max(dim=1)
        is_gap_E = (choice_ER[:, i] < 0) & best.values.isfinite()
        choice_ER[:, i] = torch.where(is_gap_E, best.indices, choice_ER[:, i])
        used_E = used_E | torch.where(is_gap_E, candidate.bits[best.indices], 0)
    return choice_ER
