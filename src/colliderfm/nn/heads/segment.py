"""Segmentation: which resonances an event holds, and which objects belong to each.

A fixed number of learned queries looks at the objects; each answers with a class (a decay, or none)
and a mask over the objects. Which query answers for which resonance is settled by the matching of
least cost, so neither the order of the resonances nor that of the objects matters. Unlike the
assignment head it needs no topology to be given, and partly detected resonances count.

Shape letters: L decoder layers, B events, Q queries, N slots, D width, C classes (index C = none),
R target places.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from colliderfm.errors import ConfigError
from colliderfm.losses.reduce import at_least_single, spread_over_batch
from colliderfm.losses.segmentation import (
    mask_dice,
    mask_focal,
    matched_mean,
    query_class,
    query_cross_entropy,
)
from colliderfm.nn.blocks import FeedForward
from colliderfm.nn.encoding import Encoding
from colliderfm.nn.heads.query_decoder import QueryDecoderLayer
from colliderfm.nn.heads.segment_targets import (
    SegmentTargets,
    class_of_decay,
    find_targets,
    matched_queries,
)
from colliderfm.physics.decays import Decay

# Relative to the class term, in the cost of the matching and in the loss. Four times as much lets
# the masks drown the classes: 55% instead of 69% of those right after a short training on five
# processes, and fewer exact masks too.
FOCAL_WEIGHT = 1.0
DICE_WEIGHT = 0.5


class SegmentOutputs(NamedTuple):
    """What the segmentation head computes, for each decoder layer; the last one counts.

    Parameters
    ----------
    class_logits : Tensor, shape (L, B, Q, C + 1)
        Class of each query, the last one none.
    mask_logits : Tensor, shape (L, B, Q, N)
        Logit of a slot belonging to a query.
    mask : Tensor, shape (B, N), bool
        True = real object.
    """

    class_logits: Tensor
    mask_logits: Tensor
    mask: Tensor


class SegmentPrediction(NamedTuple):
    """What the segmentation head finds.

    Parameters
    ----------
    class_probability : Tensor, shape (B, Q, C + 1)
        Probability of each class, the last one none.
    masks : Tensor, shape (B, Q, N), bool
        True = the object belongs to the query. No object has two; a query that does not stand for
        a resonance has none.
    """

    class_probability: Tensor
    masks: Tensor


class SegmentHead(nn.Module):
    """Find resonances and their objects.

    Parameters
    ----------
    width : int
        Token width D.
    n_heads : int
        Attention heads; divides the width.
    classes : sequence of Decay
        Decays to find, each with a visible daughter.
    n_queries : int
        Queries Q: the largest number of resonances found in an event.
    n_layers : int
        Decoder layers L.
    hidden : int
        Width of the hidden layers; 0 = twice the token width.
    none_weight : float
        Weight of a query without a resonance in the loss of the class, above 0.

    Raises
    ------
    ConfigError
        If there is no class, one occurs twice, a decay has no visible daughter, or the weight is
        not above 0.

    References
    ----------
    N. Carion et al., DETR, arXiv:2005.12872, sec. 3; B. Cheng et al., MaskFormer, arXiv:2107.06278,
    sec. 3.
    """

    class_of_decay: Tensor

    def __init__(
        self,
        width: int,
        n_heads: int,
        classes: Sequence[Decay],
        *,
        n_queries: int = 6,
        n_layers: int = 2,
        hidden: int = 0,
        none_weight: float = 0.2,
    ) -> None:
        super().__init__()
        if not none_weight > 0:
            raise ConfigError(
                "weight of none in segmentation", got=none_weight, need="a number above 0"
            )
        self.classes = tuple(classes)
        self.none_weight = none_weight
        hidden = hidden or 2 * width
        self.queries = nn.Parameter(torch.randn(n_queries, width))
        self.norm = nn.LayerNorm(width)
        self.layers = nn.ModuleList(
            QueryDecoderLayer(width, n_heads, hidden) for _ in range(n_layers)
        )
        self.query_norm = nn.LayerNorm(width)
        self.to_class = nn.Linear(width, len(self.classes) + 1)
        self.to_mask = FeedForward(width, hidden, width)
        self.to_object = nn.Linear(width, width)
        # Follows from the settings, so it is not part of a checkpoint.
        self.register_buffer("class_of_decay", class_of_decay(self.classes), persistent=False)

    @property
    def n_classes(self) -> int:
        """Number of classes C, without none."""
        return len(self.classes)

    def forward(self, encoding: Encoding, batch: Any) -> SegmentOutputs:  # noqa: ARG002
        """Return class and mask logits of every decoder layer.

        Parameters
        ----------
        encoding : Encoding
            Object and event tokens.
        batch : EventBatch
            Not used.

        Returns
        -------
        SegmentOutputs
            Logits for B events.
        """
        # The event token is a key as well: an event without objects still has something to see.
        tokens_BTD = self.norm(torch.cat([encoding.objects, encoding.event[:, None]], dim=1))
        is_token_BT = functional.pad(encoding.mask, (0, 1), value=True)
        objects_BDN = self.to_object(tokens_BTD[:, :-1]).transpose(1, 2)
        queries_BQD = self.queries.expand(len(tokens_BTD), -1, -1)
        class_logits, mask_logits = [], []
        for layer in self.layers:
            queries_BQD = layer(queries_BQD, tokens_BTD, is_token_BT)
            normed_BQD = self.query_norm(queries_BQD)
            class_logits.append(self.to_class(normed_BQD))
            scale = normed_BQD.shape[-1] ** -0.5
            mask_logits.append(self.to_mask(normed_BQD) @ objects_BDN * scale)
        return SegmentOutputs(
            at_least_single(torch.stack(class_logits)),
            at_least_single(torch.stack(mask_logits)),
            encoding.mask,
        )

    def target(self, batch: Any) -> SegmentTargets:
        """Return the resonances to be found in each event; see ``find_targets``."""
        return find_targets(batch, self.class_of_decay)

    def valid_events(self, batch: Any) -> dict[str, Tensor]:
        """Return which events have a resonance to be found, (B,), bool, under ``masks``."""
        return {"masks": (self.target(batch).classes >= 0).any(dim=1)}

    def loss(
        self, outputs: SegmentOutputs, batch: Any, valid_share: Mapping[str, Tensor] | None = None
    ) -> Tensor:
        """Return class loss plus mask losses of the matched queries, averaged over the layers.

        Parameters
        ----------
        outputs : SegmentOutputs
            From ``forward``.
        batch : EventBatch
            Gives ``decay`` and ``truth.members``.
        valid_share : mapping of str to Tensor, optional
            For a part of a batch: see ``models.batch_parts``.

        Returns
        -------
        Tensor, shape (B,)
            Its mean over the batch is the class loss averaged over all events, plus the mask losses
            averaged over the events with a resonance.

        Raises
        ------
        DataError
            If the batch holds no truth.
        """
        targets = self.target(batch)
        n_layers, n_events, n_queries, n_slots = outputs.mask_logits.shape
        # All layers at once, X = L·B: one matching, and one copy to the CPU for it.
        classes_XR = targets.classes.repeat(n_layers, 1)
        class_logits_XQK = outputs.class_logits.flatten(0, 1)
        masks_XQN = outputs.mask_logits.flatten(0, 1)
        members_XRN = targets.members[..., :n_slots].repeat(n_layers, 1, 1)
        is_real_XN = outputs.mask.repeat(n_layers, 1)
        mask_loss_XQR = FOCAL_WEIGHT * mask_focal(masks_XQN, members_XRN, is_real_XN)
        mask_loss_XQR = mask_loss_XQR + DICE_WEIGHT * mask_dice(masks_XQN, members_XRN, is_real_XN)
        query_XR = matched_queries(mask_loss_XQR, class_logits_XQK, classes_XR)
        mask_X, has_target_X = matched_mean(mask_loss_XQR, query_XR)
        class_XQ = query_class(classes_XR, query_XR, n_queries, self.n_classes)
        class_X = query_cross_entropy(class_logits_XQK, class_XQ, self.none_weight)
        mask_X = spread_over_batch(mask_X, has_target_X, (valid_share or {}).get("masks"))
        total_X = class_X + mask_X
        return total_X.view(n_layers, n_events).mean(dim=0)

    @torch.no_grad()
    def predict(self, outputs: SegmentOutputs, *, cut: float = 0.5) -> SegmentPrediction:
        """Return classes and exclusive masks from the last layer.

        Parameters
        ----------
        outputs : SegmentOutputs
            From ``forward``.
        cut : float
            Smallest mask probability of an object that belongs to a query.

        Returns
        -------
        SegmentPrediction
            As many queries stand for a resonance as are expected: the sum over the queries of the
            probability of not being none, rounded. They are those with the largest one. An object
            goes to the one of them with its largest mask probability.

        Notes
        -----
        A loss in which none has weight w is least for probabilities with p(none) too small by the
        factor w before they are normalized, so ``-log w`` is added to its logit. Several queries
        often share a resonance without any of them being sure of it: a cut at 0.5 on each would
        lose half of the resonances, the sum does not.
        """
        logits_BQK = outputs.class_logits[-1].clone()
        logits_BQK[..., -1] -= math.log(self.none_weight)
        probability_BQK = logits_BQK.softmax(dim=-1)
        is_chosen_BQ = _most_probable(1.0 - probability_BQK[..., -1])
        inside_BQN = outputs.mask_logits[-1].sigmoid() * is_chosen_BQ[..., None]
        is_owner_BQN = functional.one_hot(inside_BQN.argmax(dim=1), len(is_chosen_BQ[0])) > 0
        masks_BQN = is_owner_BQN.transpose(1, 2) & (inside_BQN > cut) & is_chosen_BQ[..., None]
        return SegmentPrediction(probability_BQK, masks_BQN & outputs.mask[:, None])


def _most_probable(probability_BQ: Tensor) -> Tensor:
    """Mark the most probable queries of each event, as many as their sum says; (B, Q), bool."""
    number_B = (probability_BQ.sum(dim=1) + 0.5).floor()
    rank_BQ = probability_BQ.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    return rank_BQ < number_B[:, None]
