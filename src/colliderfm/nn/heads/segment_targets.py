"""What the segmentation head is to find, and which query answers for which resonance.

Shape letters: B events, Q queries, R target places, N slots, C classes (index C = none).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from colliderfm.errors import ConfigError, DataError
from colliderfm.physics.decays import DECAY_INDEX, DECAYS, Decay
from colliderfm.stats.matching import match


class SegmentTargets(NamedTuple):
    """Resonances to be found: those of a known class with at least one object.

    Parameters
    ----------
    classes : Tensor, shape (B, R), int64
        Class of each resonance, targets first; -1 = no further target.
    members : Tensor, shape (B, R, N), bool
        True = the object belongs to the resonance; False without a target.
    """

    classes: Tensor
    members: Tensor


def class_of_decay(classes: Sequence[Decay]) -> Tensor:
    """Return the class of each decay.

    Parameters
    ----------
    classes : sequence of Decay
        Decay of each class.

    Returns
    -------
    Tensor, shape (len(DECAYS) + 1,), int64
        Class of each index into ``DECAYS``, -1 = none; the last entry, -1, serves index -1.

    Raises
    ------
    ConfigError
        If there is no class, one occurs twice, or a decay has no visible daughter.
    """
    names = [decay.name for decay in classes]
    is_blind = any(decay.n_daughters == 0 for decay in classes)
    if not names or len(set(names)) < len(names) or is_blind:
        raise ConfigError(
            "classes of a segmentation head",
            got=", ".join(names) or "none",
            need="distinct decays with a visible daughter",
        )
    index = torch.full((len(DECAYS) + 1,), -1, dtype=torch.int64)
    for place, name in enumerate(names):
        index[DECAY_INDEX[name]] = place
    return index


def find_targets(batch: Any, class_of_decay: Tensor) -> SegmentTargets:
    """Return the resonances to be found.

    Parameters
    ----------
    batch : EventBatch
        Gives ``decay`` and ``truth.members``.
    class_of_decay : Tensor, shape (len(DECAYS) + 1,), int64
        From ``class_of_decay``.

    Returns
    -------
    SegmentTargets
        In the order of ``batch.decay``, gaps closed.

    Raises
    ------
    DataError
        If the batch holds no truth.
    """
    if batch.truth is None:
        raise DataError(
            "segmentation needs the objects of each resonance",
            got="events without truth",
            need="the columns decay and resonance_mask",
            fix="read files that have them with truth=True, or leave the head out",
        )
    members_BRN = batch.truth.members
    classes_BR = class_of_decay[batch.decay]
    is_target_BR = (classes_BR >= 0) & members_BRN.any(dim=2)
    order_BR = torch.argsort(is_target_BR.to(torch.int8), dim=1, descending=True, stable=True)
    classes_BR = torch.where(is_target_BR, classes_BR, -1)
    members_BRN = members_BRN & is_target_BR[..., None]
    place_BRN = order_BR[..., None].expand(-1, -1, members_BRN.shape[2])
    return SegmentTargets(classes_BR.gather(1, order_BR), members_BRN.gather(1, place_BRN))


@torch.no_grad()
def matched_queries(mask_cost_BQR: Tensor, class_logits_BQK: Tensor, classes_BR: Tensor) -> Tensor:
    """Give each target the query that costs least: wrong mask minus probability of the class.

    Parameters
    ----------
    mask_cost_BQR : Tensor, shape (B, Q, R)
        Mask loss of each query on each target.
    class_logits_BQK : Tensor, shape (B, Q, C + 1)
        Class logits, the last one none.
    classes_BR : Tensor, shape (B, R), int64
        Class of each target, targets first; -1 = no further target.

    Returns
    -------
    Tensor, shape (B, R), int64
        Query of each target, -1 without one; on the device of the targets.

    References
    ----------
    B. Cheng et al., MaskFormer, arXiv:2107.06278, sec. 3.2.
    """
    probability_BQK = class_logits_BQK.softmax(dim=-1)
    index_BQR = classes_BR.clamp(min=0)[:, None].expand(-1, probability_BQK.shape[1], -1)
    cost_BQR = mask_cost_BQR - probability_BQK.gather(2, index_BQR)
    n_targets_B = (classes_BR >= 0).sum(dim=1)
    query_BR = match(cost_BQR.cpu().numpy(), n_targets_B.cpu().numpy())
    return torch.from_numpy(query_BR).to(classes_BR.device)
