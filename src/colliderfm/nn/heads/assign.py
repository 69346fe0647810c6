"""Assignment: which objects are the daughters of which resonance, and how many can be matched.

Every object gets one low-rank vector per kind of daughter (b, q, l), shared by all decays. The
score of a tuple is a sum over its daughters and pairs of daughters: a weight per decay on each
vector, a weighted product of two vectors, a weighted sum of the pair features, and for three
daughters a smooth function of their mass. Daughters of one kind enter alike, so their exchange
changes nothing; resonances with the same decay share one distribution, so neither does theirs.
Tuples are scored only for events that have the decay, in ``loss`` and ``predict``.

Shape letters: B events, E events of one decay, N slots, S score terms, V low rank, T tuples, M
daughters, K pair channels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from colliderfm.losses.assignment import survival_loss_per_event, tuple_nll_per_event
from colliderfm.losses.reduce import at_least_single, spread_over_batch
from colliderfm.nn.blocks import FeedForward
from colliderfm.nn.encoding import Encoding
from colliderfm.nn.heads.tuple_scores import (
    DAUGHTER_KINDS,
    MASS_CENTERS_GEV,
    AssignOutputs,
    candidates,
    score_terms,
    tuple_log_probability,
)
from colliderfm.nn.heads.tuple_search import Candidates, best_disjoint
from colliderfm.nn.heads.tuples import tuple_of_slots, tuple_table
from colliderfm.physics.decays import DECAY_INDEX, MAX_DAUGHTERS, Decay

MAX_RESONANCES = 4
_TOP, _W = 6, 24


class AssignHead(nn.Module):
    """Score tuples of objects as the daughters of resonances.

    Parameters
    ----------
    width : int
        Token width D.
    decays : sequence of Decay
        Decays to assign; each needs two or three visible daughters.
    rank : int
        Length V of the vector of an object as one kind of daughter.
    pair_channels : int
        Hidden pair channels K of the encoding; 0 = the encoder has no pair features.
    detection_weight : float
        Weight of the matchable-count loss relative to the tuple loss.
    """

    def __init__(
        self,
        width: int,
        decays: Sequence[Decay],
        *,
        rank: int = 32,
        pair_channels: int = 0,
        detection_weight: float = 0.2,
    ) -> None:
        super().__init__()
        self.decays = tuple(decays)
        self.rank = rank
        self.detection_weight = detection_weight
        self.terms = score_terms(self.decays, with_masses=pair_channels > 0)
        n_single, n_double = len(self.terms.single), len(self.terms.double)
        n_kinds = len(DAUGHTER_KINDS)
        self.norm = nn.LayerNorm(width)
        self.to_daughters = FeedForward(width, 2 * width, n_kinds * rank)
        self.single_weight = nn.Parameter(torch.randn(n_single, rank) / rank)
        self.double_weight = nn.Parameter(torch.randn(n_double, rank) / rank)
        self.from_pairs = nn.Linear(pair_channels, n_double) if pair_channels else None
        n_bumps = len(self.terms.triple) * len(MASS_CENTERS_GEV)
        self.to_bumps = nn.Linear(width, n_bumps) if n_bumps else None
        self.event_norm = nn.LayerNorm(width)
        self.to_survival = FeedForward(width, 2 * width, MAX_RESONANCES)
        self._index_terms()

    def _index_terms(self) -> None:
        """Store which daughter kinds each score term reads."""
        position = {kind: i for i, kind in enumerate(DAUGHTER_KINDS)}
        self._single_kind = [position[kind] for _, kind in self.terms.single]
        self._first_kind = [position[first] for _, first, _ in self.terms.double]
        self._second_kind = [position[second] for _, _, second in self.terms.double]

    def forward(self, encoding: Encoding, batch: Any) -> AssignOutputs:
        """Return the score terms of every event.

        Parameters
        ----------
        encoding : Encoding
            Tokens and pair features.
        batch : EventBatch
            Gives ``objects`` (B, N, F) for the lepton flag.

        Returns
        -------
        AssignOutputs
            Score terms and matchable-count logits.
        """
        n_events, n_slots = encoding.mask.shape
        daughters = self.to_daughters(self.norm(encoding.objects))
        kinds_B3NV = daughters.view(n_events, n_slots, len(DAUGHTER_KINDS), self.rank).transpose(
            1, 2
        )
        single = torch.einsum("bsnv,sv->bsn", kinds_B3NV[:, self._single_kind], self.single_weight)
        first = kinds_B3NV[:, self._first_kind] * self.double_weight[:, None, :]
        double = first @ kinds_B3NV[:, self._second_kind].transpose(2, 3)
        if self.from_pairs is not None and encoding.pairs is not None:
            double = double + self.from_pairs(encoding.pairs).permute(0, 3, 1, 2)
        event = self.event_norm(encoding.event)
        return AssignOutputs(
            at_least_single(single),
            at_least_single(double),
            self._triple(event),
            candidates(batch.objects[:, :n_slots], encoding.mask),
            _decreasing(at_least_single(self.to_survival(event))),
        )

    def _triple(self, event_BD: Tensor) -> Tensor:
        """Return the heights of the mass bumps, (B, S3, C)."""
        if self.to_bumps is None:
            return event_BD.new_zeros(len(event_BD), 0, len(MASS_CENTERS_GEV))
        shape = (len(event_BD), len(self.terms.triple), len(MASS_CENTERS_GEV))
        return at_least_single(self.to_bumps(event_BD)).view(shape)

    def log_probability(
        self, outputs: AssignOutputs, batch: Any, decay: Decay, rows_E: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return log-probability (E, T) of the tuples of a decay, and which are allowed (E, T)."""
        return tuple_log_probability(self.terms, outputs, batch.objects, decay, rows_E)

    def tuple_loss(self, outputs: AssignOutputs, batch: Any) -> tuple[Tensor, Tensor]:
        """Return the tuple loss of each event and which events have one.

        Parameters
        ----------
        outputs : AssignOutputs
            From ``forward``.
        batch : EventBatch
            Gives ``objects``, ``decay`` and ``assignment``.

        Returns
        -------
        tuple of Tensor
            Mean -log p(true tuple) over matchable resonances (B,), and validity (B,), bool.
        """
        true_tuple_BR = self._true_tuples(outputs.is_candidate, batch)
        log_probability_BR = outputs.single.new_zeros(true_tuple_BR.shape)
        for decay in self.decays:
            is_here_BR = (batch.decay == DECAY_INDEX[decay.name]) & (true_tuple_BR >= 0)
            rows_E = is_here_BR.any(dim=1).nonzero()[:, 0]
            if len(rows_E) == 0:
                continue
            log_probability_ET, _ = self.log_probability(outputs, batch, decay, rows_E)
            # An index beyond T belongs to another decay of the event and is masked out below.
            index_ER = true_tuple_BR[rows_E].clamp(0, log_probability_ET.shape[1] - 1)
            values_ER = log_probability_ET.gather(1, index_ER) * is_here_BR[rows_E]
            log_probability_BR = log_probability_BR.index_add(0, rows_E, values_ER)
        return tuple_nll_per_event(log_probability_BR, true_tuple_BR >= 0)

    def _true_tuples(self, is_candidate: Tensor, batch: Any) -> Tensor:
        """Return the true tuple of each resonance, (B, R); -1 = not matchable or unknown here."""
        n_slots = is_candidate.shape[1]
        result_BR = torch.full_like(batch.decay, -1)
        for decay in self.decays:
            slots_BRM = batch.assignment[:, :, : decay.n_daughters]
            table = tuple_table(decay, n_slots, slots_BRM.device)
            tuple_BR = tuple_of_slots(table, slots_BRM, n_slots)
            is_match_BR = (batch.decay == DECAY_INDEX[decay.name]) & (tuple_BR >= 0)
            for i, kind in enumerate(decay.daughters):
                is_kind_BN = is_candidate[:, :, DAUGHTER_KINDS.index(kind)]
                is_match_BR &= is_kind_BN.gather(1, slots_BRM[:, :, i].clamp(0, n_slots - 1))
            result_BR = torch.where(is_match_BR, tuple_BR, result_BR)
        return result_BR

    def n_matchable(self, outputs: AssignOutputs, batch: Any) -> Tensor:
        """Return the number of resonances whose daughters all have an object, (B,), int64."""
        return (self._true_tuples(outputs.is_candidate, batch) >= 0).sum(dim=1)

    def valid_events(self, batch: Any) -> dict[str, Tensor]:
        """Return which events have a matchable resonance, (B,), bool, under ``tuples``."""
        true_tuple_BR = self._true_tuples(candidates(batch.objects, batch.mask), batch)
        return {"tuples": (true_tuple_BR >= 0).any(dim=1)}

    def loss(
        self, outputs: AssignOutputs, batch: Any, valid_share: Mapping[str, Tensor] | None = None
    ) -> Tensor:
        """Return tuple loss plus weighted matchable-count loss.

        Parameters
        ----------
        outputs : AssignOutputs
            From ``forward``.
        batch : EventBatch
            Gives ``objects``, ``decay`` and ``assignment``.
        valid_share : mapping of str to Tensor, optional
            For a part of a batch: see ``models.batch_parts``.

        Returns
        -------
        Tensor, shape (B,)
            Its mean over the batch is the tuple loss averaged over the events with a matchable
            resonance, plus ``detection_weight`` times the count loss averaged over all events.
        """
        values_B, is_valid_B = self.tuple_loss(outputs, batch)
        count_B = self.n_matchable(outputs, batch)
        detection_B = survival_loss_per_event(outputs.survival_logits, count_B)
        # Scores stay in the graph of a batch without resonances: distributed training needs it.
        unused = 0.0 * (outputs.single.sum() + outputs.double.sum() + outputs.triple.sum())
        tuples_B = spread_over_batch(values_B, is_valid_B, (valid_share or {}).get("tuples"))
        return tuples_B + self.detection_weight * detection_B + unused

    def survival(self, outputs: AssignOutputs) -> Tensor:
        """Return P(at least k matchable resonances), k = 1..4, (B, 4), never increasing in k."""
        return outputs.survival_logits.sigmoid()

    @torch.no_grad()
    def predict(self, outputs: AssignOutputs, batch: Any) -> Tensor:
        """Return the jointly most probable disjoint tuples for the resonances of each event.

        Parameters
        ----------
        outputs : AssignOutputs
            From ``forward``.
        batch : EventBatch
            Gives ``objects`` and ``decay``, the hypothesis to be assigned; truth is not used.

        Returns
        -------
        Tensor, shape (B, R, 4), int64
            Object slots in the order of ``batch.decay``; -1 for missing daughters, decays this head
            does not know, and resonances for which no allowed tuple is left. Beside a top, W bosons
            are assigned on their own, for they may come from its decay.
        """
        slots_BRM = torch.full((*batch.decay.shape, MAX_DAUGHTERS), -1, device=batch.decay.device)
        topologies, topology_B = batch.decay.unique(dim=0, return_inverse=True)
        by_index = {DECAY_INDEX[decay.name]: decay for decay in self.decays}
        for i, topology in enumerate(topologies.tolist()):
            known = [(r, by_index[index]) for r, index in enumerate(topology) if index in by_index]
            rows_E = (topology_B == i).nonzero()[:, 0]
            for group in _searched_jointly(known):
                best = self._best(outputs, batch, group, rows_E)
                for (r, _), found_EM in zip(group, best, strict=True):
                    slots_BRM[rows_E, r, : found_EM.shape[1]] = found_EM
        return slots_BRM

    def _best(
        self, outputs: AssignOutputs, batch: Any, known: list[tuple[int, Decay]], rows_E: Tensor
    ) -> list[Tensor]:
        """Return the slots (E, M) of each resonance of one group."""
        n_slots = outputs.is_candidate.shape[1]
        scored: dict[str, Candidates] = {}
        for _, decay in known:
            if decay.name not in scored:
                log_probability, is_allowed = self.log_probability(outputs, batch, decay, rows_E)
                bits = tuple_table(decay, n_slots, rows_E.device).bits
                allowed = log_probability.masked_fill(~is_allowed, -torch.inf)
                scored[decay.name] = Candidates(allowed, bits)
        choice_ER = best_disjoint([scored[decay.name] for _, decay in known])
        found = []
        for r, (_, decay) in enumerate(known):
            slots_TM = tuple_table(decay, n_slots, rows_E.device).slots
            none_1M = slots_TM.new_full((1, decay.n_daughters), -1)
            found.append(torch.cat([slots_TM, none_1M])[choice_ER[:, r]])
        return found


def _searched_jointly(known: list[tuple[int, Decay]]) -> list[list[tuple[int, Decay]]]:
    """Group resonances that share no object; a W may be part of a top and is set apart."""
    has_top = any(decay.resonance_pdg_id == _TOP for _, decay in known)
    apart = [entry for entry in known if has_top and entry[1].resonance_pdg_id == _W]
    return [group for group in (apart, [entry for entry in known if entry not in apart]) if group]


def _decreasing(values_BK: Tensor) -> Tensor:
    """Return logits of survival probabilities that never increase in k."""
    drops_BK = functional.softplus(values_BK[:, 1:]).cumsum(dim=1)
    return torch.cat([values_BK[:, :1], values_BK[:, :1] - drops_BK], dim=1)
