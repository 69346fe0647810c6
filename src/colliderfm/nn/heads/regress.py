"""Regression: mass and momentum of each resonance of a hypothesis.

A query per resonance, made of its decay and its copy number among equal decays, looks at the object
tokens and the event token, then says which share of each object it takes. The momentum of these
shares is the first guess; the network corrects it (neutrinos, lost jets, radiation). Copies of one
decay are told apart by the network itself: the loss takes their best exchange.

Shape letters: B events, R resonances, N slots, T = N + 1 tokens, D width, Q = 5 quantities.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from colliderfm.errors import DataError
from colliderfm.losses.reduce import at_least_single, spread_over_batch
from colliderfm.losses.regression import exchanged_loss_per_event
from colliderfm.nn.blocks import FeedForward
from colliderfm.nn.encoding import Encoding
from colliderfm.nn.heads.query_decoder import CrossAttention
from colliderfm.nn.heads.resonance_quantities import (
    MASSES_GEV,
    QUANTITIES,
    momenta_of,
    quantities_of,
    turned,
)
from colliderfm.nn.pairs import ENERGY, ETA, PHI, PT
from colliderfm.physics.decays import DECAY_INDEX, DECAYS, Decay

# Position in the feature axis of ``batch.globals``; a test holds it to data/event_schema.py.
MET_PHI = 1
MAX_COPIES = 4
# Limit of the standardized first guess: an event may lack everything that a resonance decays to.
_MAX_GUESS = 4.0
_GUESS_FLOOR_GEV2 = 1.0


class RegressOutputs(NamedTuple):
    """What is known of each resonance.

    Parameters
    ----------
    values : Tensor, shape (B, R, 5)
        log(mass/GeV), log(1 + pT/GeV), pseudorapidity, cosine and sine of phi - met_phi times a
        length that says how sure the direction is; in the order of ``batch.decay``.
    is_known : Tensor, shape (B, R), bool
        True = the head knows the decay; other values have no meaning.
    """

    values: Tensor
    is_known: Tensor


class RegressHead(nn.Module):
    """Find mass and momentum of the resonances of a hypothesis.

    Parameters
    ----------
    width : int
        Token width D.
    decays : sequence of Decay
        Decays to regress.
    hidden : int
        Width of the hidden layer behind the attention.
    n_heads : int
        Attention heads; divides the width.
    """

    _index_of_decay: Tensor
    _usual: Tensor
    _center: Tensor
    _scale: Tensor

    def __init__(
        self, width: int, decays: Sequence[Decay], *, hidden: int, n_heads: int = 4
    ) -> None:
        super().__init__()
        self.decays = tuple(decays)
        n_quantities = len(QUANTITIES)
        self.norm = nn.LayerNorm(width)
        self.decay_query = nn.Embedding(len(self.decays), width)
        self.copy_query = nn.Embedding(MAX_COPIES, width)
        self.attention = CrossAttention(width, n_heads)
        self.query_norm = nn.LayerNorm(width)
        self.to_query = FeedForward(width, hidden, width)
        self.share_of_query = nn.Linear(width, width)
        self.share_of_object = nn.Linear(width, width)
        self.guess_weight = nn.Parameter(torch.zeros(len(self.decays), n_quantities))
        self.to_values = FeedForward(width + n_quantities, hidden, n_quantities)
        self._register_constants()

    def _register_constants(self) -> None:
        """Store what follows from the decays; it is not part of a checkpoint."""
        known = {DECAY_INDEX[decay.name]: i for i, decay in enumerate(self.decays)}
        # The last entry is that of padding, -1.
        index = torch.tensor([known.get(i, -1) for i in range(len(DECAYS))] + [-1])
        self.register_buffer("_index_of_decay", index, persistent=False)
        usual = torch.tensor([values for _, *values in QUANTITIES]).T
        center, scale = usual[:, None].repeat(1, len(known), 1)
        for i, decay in enumerate(self.decays):
            if decay.resonance_pdg_id in MASSES_GEV:
                mass_gev, spread = MASSES_GEV[decay.resonance_pdg_id]
                center[i, 0], scale[i, 0] = math.log(mass_gev), spread
        self.register_buffer("_usual", usual, persistent=False)
        self.register_buffer("_center", center, persistent=False)
        self.register_buffer("_scale", scale, persistent=False)

    def forward(self, encoding: Encoding, batch: Any) -> RegressOutputs:
        """Return the quantities of every resonance of the hypothesis.

        Parameters
        ----------
        encoding : Encoding
            Tokens.
        batch : EventBatch
            Gives ``decay`` (B, R), the hypothesis, and the momenta of the objects; no truth.

        Returns
        -------
        RegressOutputs
            In the order of ``batch.decay``.
        """
        index_BR, is_known_BR = self._known(batch)
        copy_BR = _copy_number(batch.decay).clamp(max=MAX_COPIES - 1)
        query_BRD = self.decay_query(index_BR) + self.copy_query(copy_BR)
        tokens_BTD = self.norm(torch.cat([encoding.objects, encoding.event[:, None]], dim=1))
        is_token_BT = nn.functional.pad(encoding.mask, (0, 1), value=True)
        query_BRD = query_BRD + self.attention(query_BRD, tokens_BTD, is_token_BT)
        query_BRD = query_BRD + self.to_query(self.query_norm(query_BRD))
        guess_BRQ = self._guess(query_BRD, tokens_BTD[:, :-1], encoding.mask, batch)
        features = torch.cat([query_BRD, guess_BRQ.to(query_BRD.dtype)], dim=-1)
        values_BRQ = at_least_single(self.to_values(features))
        values_BRQ = values_BRQ + self.guess_weight[index_BR] * guess_BRQ
        values_BRQ = values_BRQ * self._scale[index_BR] + self._center[index_BR]
        return RegressOutputs(values_BRQ, is_known_BR)

    def _known(self, batch: Any) -> tuple[Tensor, Tensor]:
        """Return the index of each decay here (B, R), 0 where unknown, and which are known."""
        index_BR = self._index_of_decay[batch.decay]
        return index_BR.clamp(min=0), index_BR >= 0

    def _guess(self, query_BRD: Tensor, tokens_BND: Tensor, mask_BN: Tensor, batch: Any) -> Tensor:
        """Return the standardized quantities (B, R, Q) of the shares that a resonance takes."""
        shares_of_query = self.share_of_query(query_BRD) * query_BRD.shape[-1] ** -0.5
        score_BRN = shares_of_query @ self.share_of_object(tokens_BND).transpose(1, 2)
        share_BRN = at_least_single(score_BRN).sigmoid() * mask_BN[:, None]
        objects = batch.objects.masked_fill(~mask_BN[..., None], 0.0)
        angle_BN = objects[..., PHI] - batch.globals[:, MET_PHI, None]
        pt_BN = objects[..., PT]
        momenta_BN4 = torch.stack(
            [
                objects[..., ENERGY],
                pt_BN * angle_BN.cos(),
                pt_BN * angle_BN.sin(),
                pt_BN * objects[..., ETA].sinh(),
            ],
            dim=-1,
        )
        guess_BRQ = quantities_of(share_BRN @ momenta_BN4, _GUESS_FLOOR_GEV2)
        standardized_BRQ: Tensor = (guess_BRQ - self._usual[0]) / self._usual[1]
        return standardized_BRQ.clamp(-_MAX_GUESS, _MAX_GUESS)

    def valid_events(self, batch: Any) -> dict[str, Tensor]:
        """Return which events have a known resonance, (B,), bool, under ``resonances``."""
        return {"resonances": self.target(batch)[1].any(dim=1)}

    def loss(
        self, outputs: RegressOutputs, batch: Any, valid_share: Mapping[str, Tensor] | None = None
    ) -> Tensor:
        """Return the smooth-L1 loss of each event, the same under exchange of equal resonances.

        Parameters
        ----------
        outputs : RegressOutputs
            From ``forward``.
        batch : EventBatch
            Gives ``decay``, ``globals`` and ``truth``.
        valid_share : mapping of str to Tensor, optional
            For a part of a batch: see ``models.batch_parts``.

        Returns
        -------
        Tensor, shape (B,)
            Its mean over the batch is the mean over the events with a known resonance.

        Raises
        ------
        DataError
            If the batch holds no truth.
        """
        target_BRQ, is_valid_BR = self.target(batch)
        scale_BRQ = self._scale[self._known(batch)[0]]
        values_B, is_valid_B = exchanged_loss_per_event(
            outputs.values / scale_BRQ, target_BRQ / scale_BRQ, batch.decay, is_valid_BR
        )
        return spread_over_batch(values_B, is_valid_B, (valid_share or {}).get("resonances"))

    def target(self, batch: Any) -> tuple[Tensor, Tensor]:
        """Return the true quantities (B, R, Q), and which resonances have them (B, R), bool.

        Parameters
        ----------
        batch : EventBatch
            Gives ``decay``, ``globals`` and ``truth``.

        Raises
        ------
        DataError
            If the batch holds no truth.
        """
        if batch.truth is None:
            raise DataError(
                "regression needs the momenta of the resonances",
                got="events without truth columns, or read without them",
                need="resonance_energy_gev, resonance_px_gev, … and the invisible particles",
                fix="read with truth=True, or leave the head `regress` out",
            )
        momenta_BR4 = batch.truth.momenta
        is_valid_BR = self._known(batch)[1] & (momenta_BR4[..., 0] > 0)
        return quantities_of(turned(momenta_BR4, -batch.globals[:, MET_PHI])), is_valid_BR

    @torch.no_grad()
    def predict(self, outputs: RegressOutputs, batch: Any) -> Tensor:
        """Return the four-momentum of each resonance of the hypothesis.

        Parameters
        ----------
        outputs : RegressOutputs
            From ``forward``.
        batch : EventBatch
            Gives ``globals``, for the direction of the missing momentum.

        Returns
        -------
        Tensor, shape (B, R, 4), GeV
            Energy, px, py, pz in the order of ``batch.decay``, with energy >= momentum; zero for
            padding and for decays that the head does not know.
        """
        momenta_BR4 = turned(momenta_of(outputs.values), batch.globals[:, MET_PHI])
        return momenta_BR4 * outputs.is_known[..., None]


def _copy_number(decay_BR: Tensor) -> Tensor:
    """Return how many equal decays stand before each one, (B, R), int64."""
    is_equal_BRR = decay_BR[:, :, None] == decay_BR[:, None, :]
    return is_equal_BRR.tril(-1).sum(dim=2)
