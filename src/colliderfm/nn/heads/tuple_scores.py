"""Scores of tuples of objects, put together from the terms of the assignment head.

Parameter-free: everything learned is in ``AssignOutputs``. Tuples are scored for the events that
have the decay only, which spares most of the work in a mixed sample.

Shape letters: B events, E events of one decay, N slots, T tuples, M daughters, C mass bumps, S
score terms.
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from colliderfm.nn.heads.tuples import tuple_table
from colliderfm.nn.pairs import IS_LEPTON, pair_mass_squared
from colliderfm.physics.decays import Decay

DAUGHTER_KINDS = ("b", "q", "l")
MASS_CENTERS_GEV = (60.0, 90.0, 120.0, 145.0, 165.0, 185.0, 215.0, 260.0, 340.0, 500.0)
_LOG_MASS_SPREAD = 0.15
_NOT_ALLOWED = -1.0e4


class ScoreTerms(NamedTuple):
    """Which score term belongs to which decay and kinds of daughters.

    Parameters
    ----------
    single : tuple of (decay, kind)
        Terms of one object.
    double : tuple of (decay, kind, kind)
        Terms of two objects, kinds in alphabetic order.
    triple : tuple of decay
        Decays with a term of the mass of three objects.
    """

    single: tuple[tuple[str, str], ...]
    double: tuple[tuple[str, str, str], ...]
    triple: tuple[str, ...]


def score_terms(decays: tuple[Decay, ...], *, with_masses: bool) -> ScoreTerms:
    """Return the score terms that some decays need.

    Parameters
    ----------
    decays : tuple of Decay
        Decays with two or three visible daughters.
    with_masses : bool
        Whether decays with three daughters get a term of their mass.

    Returns
    -------
    ScoreTerms
        In the order of the decays, kinds sorted.
    """
    return ScoreTerms(
        tuple((d.name, kind) for d in decays for kind in sorted(set(d.daughters))),
        tuple((d.name, *kinds) for d in decays for kinds in _kind_pairs(d)),
        tuple(d.name for d in decays if d.n_daughters == 3 and with_masses),
    )


def _kind_pairs(decay: Decay) -> list[tuple[str, str]]:
    """Return the distinct unordered kinds of two daughters of a decay."""
    return sorted({tuple(sorted(kinds)) for kinds in combinations(decay.daughters, 2)})


class AssignOutputs(NamedTuple):
    """What the assignment head computes for every event.

    Parameters
    ----------
    single : Tensor, shape (B, S1, N)
        Score of an object as a daughter, for each (decay, kind).
    double : Tensor, shape (B, S2, N, N)
        Score of two objects as daughters, for each (decay, kind, kind); symmetric if the kinds are
        equal.
    triple : Tensor, shape (B, S3, C)
        Height of each mass bump, for each decay with three daughters; empty without pair features.
    is_candidate : Tensor, shape (B, N, 3), bool
        True = the object may be a daughter of the kind: jets b and q, leptons l.
    survival_logits : Tensor, shape (B, 4)
        Logit of P(at least k matchable resonances), k = 1..4; never increasing in k.
    """

    single: Tensor
    double: Tensor
    triple: Tensor
    is_candidate: Tensor
    survival_logits: Tensor


def candidates(objects_BNF: Tensor, mask_BN: Tensor) -> Tensor:
    """Return which objects may be which kind of daughter.

    Parameters
    ----------
    objects_BNF : Tensor, shape (B, N, F)
        Raw features.
    mask_BN : Tensor, shape (B, N), bool
        True = real object.

    Returns
    -------
    Tensor, shape (B, N, 3), bool
        True = may be b, q, l: jets the first two, leptons the third.
    """
    is_lepton_BN = (objects_BNF[..., IS_LEPTON] > 0.5) & mask_BN
    is_jet_BN = mask_BN & ~is_lepton_BN
    return torch.stack([is_jet_BN, is_jet_BN, is_lepton_BN], dim=-1)


def tuple_log_probability(
    terms: ScoreTerms, outputs: AssignOutputs, objects_BNF: Tensor, decay: Decay, rows_E: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the distribution of one decay over the tuples of some events.

    Parameters
    ----------
    terms : ScoreTerms
        Positions of the terms in ``outputs``.
    outputs : AssignOutputs
        Of B events.
    objects_BNF : Tensor, shape (B, N, F), GeV and radians
        Raw features.
    decay : Decay
        One of the decays of the terms.
    rows_E : Tensor, shape (E,), int64
        Events wanted.

    Returns
    -------
    tuple of Tensor
        Log-probability (E, T) in the order of ``tuple_table``, and whether a tuple is allowed (E,
        T).
    """
    n_slots = outputs.is_candidate.shape[1]
    slots_TM = tuple_table(decay, n_slots, rows_E.device).slots
    candidate_ENK = outputs.is_candidate.index_select(0, rows_E)
    score_ET = outputs.single.new_zeros(len(rows_E), len(slots_TM))
    is_allowed_ET = torch.ones_like(score_ET, dtype=torch.bool)
    for i, kind in enumerate(decay.daughters):
        values_EN = outputs.single[:, terms.single.index((decay.name, kind))].index_select(
            0, rows_E
        )
        score_ET = score_ET + values_EN.index_select(1, slots_TM[:, i])
        is_kind_EN = candidate_ENK[:, :, DAUGHTER_KINDS.index(kind)]
        is_allowed_ET = is_allowed_ET & is_kind_EN.index_select(1, slots_TM[:, i])
    for i, j in combinations(range(decay.n_daughters), 2):
        first, second = sorted((i, j), key=lambda position: decay.daughters[position])
        key = (decay.name, decay.daughters[first], decay.daughters[second])
        values_EX = outputs.double[:, terms.double.index(key)].index_select(0, rows_E).flatten(1)
        position_T = slots_TM[:, first] * n_slots + slots_TM[:, second]
        score_ET = score_ET + values_EX.index_select(1, position_T)
    if decay.name in terms.triple:
        heights_EC = outputs.triple[:, terms.triple.index(decay.name)].index_select(0, rows_E)
        objects_ENF = objects_BNF[:, :n_slots].index_select(0, rows_E)
        objects_ENF = objects_ENF.masked_fill(~candidate_ENK.any(dim=-1, keepdim=True), 0.0)
        score_ET = score_ET + _mass_bumps(objects_ENF, heights_EC, slots_TM)
    score_ET = score_ET.masked_fill(~is_allowed_ET, _NOT_ALLOWED)
    return functional.log_softmax(score_ET, dim=1), is_allowed_ET


def _mass_bumps(objects_ENF: Tensor, heights_EC: Tensor, slots_T3: Tensor) -> Tensor:
    """Return a sum of Gaussian bumps in the log mass of each triple, (E, T)."""
    n_slots = objects_ENF.shape[1]
    pair = pair_mass_squared(objects_ENF)
    # The diagonal holds 4 m², and m_ijk² = m_ij² + m_ik² + m_jk² - m_i² - m_j² - m_k².
    own = 0.25 * pair.diagonal(dim1=1, dim2=2)
    pair = pair.flatten(1)
    mass_squared = -sum(own.index_select(1, slots_T3[:, i]) for i in range(3))
    for i, j in combinations(range(3), 2):
        mass_squared = mass_squared + pair.index_select(
            1, slots_T3[:, i] * n_slots + slots_T3[:, j]
        )
    log_mass = 0.5 * mass_squared.clamp(min=1.0).log()
    score = torch.zeros_like(log_mass)
    for i, center_gev in enumerate(MASS_CENTERS_GEV):
        distance = (log_mass - math.log(center_gev)) / _LOG_MASS_SPREAD
        score = score + heights_EC[:, i, None] * torch.exp(-0.5 * distance.square())
    return score
