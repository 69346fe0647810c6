"""Losses of the segmentation head: every query against every target, then the matched pairs.

``mask_focal`` and ``mask_dice`` compare all masks of an event with all targets by two small matrix
products. The same numbers are the cost of the matching and, at the matched pairs, the loss, so
nothing is computed twice.

Shape letters: B events, Q queries, R target places, N slots, C classes (index C means none).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from colliderfm.losses.reduce import at_least_single

# Weaker than in detection on images: a third of the slots belongs to a target, not one in thousands,
# and a mask cut at 0.5 wants probabilities that mean what they say.
FOCAL_GAMMA = 1.0
FOCAL_ALPHA = 0.5


def mask_focal(
    logits_BQN: Tensor,
    target_BRN: Tensor,
    mask_BN: Tensor,
    *,
    alpha: float = FOCAL_ALPHA,
    gamma: float = FOCAL_GAMMA,
) -> Tensor:
    """Compare masks with targets slot by slot, with little weight on slots that are clear already.

    Parameters
    ----------
    logits_BQN : Tensor, shape (B, Q, N)
        Logit of a slot belonging to a query.
    target_BRN : Tensor, shape (B, R, N), bool
        True = the slot belongs to the target.
    mask_BN : Tensor, shape (B, N), bool
        True = real object; other slots do not count.
    alpha : float
        Weight of the slots of a target; that of the others is ``1 - alpha``.
    gamma : float
        Power of the error probability; 0 gives a weighted binary cross-entropy.

    Returns
    -------
    Tensor, shape (B, Q, R)
        Mean over the real slots of ``-alpha_t (1 - p_t)^gamma log p_t``; zero without any.

    References
    ----------
    T.-Y. Lin et al., Focal loss for dense object detection, arXiv:1708.02002, eq. 5.
    """
    logits_BQN = at_least_single(logits_BQN)
    target_BNR = _slots_last(target_BRN, logits_BQN)
    is_real_B1N = mask_BN[:, None].to(logits_BQN.dtype)
    log_in_BQN = functional.logsigmoid(logits_BQN)
    log_out_BQN = log_in_BQN - logits_BQN
    inside_BQN = -alpha * log_out_BQN.exp().pow(gamma) * log_in_BQN * is_real_B1N
    outside_BQN = -(1 - alpha) * log_in_BQN.exp().pow(gamma) * log_out_BQN * is_real_B1N
    # Sum over slots: 'inside' where the target is, 'outside' elsewhere.
    total_BQR = (inside_BQN - outside_BQN) @ target_BNR + outside_BQN.sum(dim=2, keepdim=True)
    return total_BQR / is_real_B1N.sum(dim=2, keepdim=True).clamp(min=1)


def mask_dice(logits_BQN: Tensor, target_BRN: Tensor, mask_BN: Tensor) -> Tensor:
    """Compare masks with targets as a whole, by the overlap of the two sets.

    Parameters
    ----------
    logits_BQN : Tensor, shape (B, Q, N)
        Logit of a slot belonging to a query.
    target_BRN : Tensor, shape (B, R, N), bool
        True = the slot belongs to the target.
    mask_BN : Tensor, shape (B, N), bool
        True = real object; other slots do not count.

    Returns
    -------
    Tensor, shape (B, Q, R)
        ``1 - (2 p·t + 1) / (sum p + sum t + 1)``, in [0, 1).

    References
    ----------
    F. Milletari et al., V-Net, arXiv:1606.04797, sec. 3; with the +1 of arXiv:2107.06278.
    """
    probability_BQN = at_least_single(logits_BQN).sigmoid() * mask_BN[:, None]
    target_BNR = _slots_last(target_BRN, probability_BQN)
    overlap_BQR = probability_BQN @ target_BNR
    sizes_BQR = probability_BQN.sum(dim=2)[:, :, None] + target_BNR.sum(dim=1)[:, None, :]
    return 1.0 - (2.0 * overlap_BQR + 1.0) / (sizes_BQR + 1.0)


def _slots_last(target_BRN: Tensor, like: Tensor) -> Tensor:
    """Return the targets as numbers of the given type, (B, N, R)."""
    return target_BRN.to(like.dtype).transpose(1, 2)


def matched_mean(pairs_BQR: Tensor, query_BR: Tensor) -> tuple[Tensor, Tensor]:
    """Average a pairwise loss over the matched pairs of each event.

    Parameters
    ----------
    pairs_BQR : Tensor, shape (B, Q, R)
        Loss of query q on target r.
    query_BR : Tensor, shape (B, R), int64
        Query of each target, -1 = no target or not matched.

    Returns
    -------
    tuple of Tensor
        Mean (B,), zero without a matched pair, and validity (B,), True = at least one.
    """
    is_matched_BR = query_BR >= 0
    values_BR = pairs_BQR.gather(1, query_BR.clamp(min=0)[:, None])[:, 0]
    total_B = torch.where(is_matched_BR, values_BR, torch.zeros_like(values_BR)).sum(dim=1)
    n_matched_B = is_matched_BR.sum(dim=1)
    return total_B / n_matched_B.clamp(min=1), n_matched_B > 0


def query_class(class_BR: Tensor, query_BR: Tensor, n_queries: int, none_class: int) -> Tensor:
    """Return the class each query should give: that of its target, or none.

    Parameters
    ----------
    class_BR : Tensor, shape (B, R), int64
        Class of each target; ignored where not matched.
    query_BR : Tensor, shape (B, R), int64
        Query of each target, -1 = no target or not matched.
    n_queries : int
        Queries Q.
    none_class : int
        Class of the other queries.

    Returns
    -------
    Tensor, shape (B, Q), int64
        Target of the classification.
    """
    # A column of its own collects what is not matched.
    result_BX = class_BR.new_full((len(class_BR), n_queries + 1), none_class)
    place_BR = torch.where(query_BR >= 0, query_BR, n_queries)
    return result_BX.scatter(1, place_BR, class_BR)[:, :n_queries]


def query_cross_entropy(logits_BQK: Tensor, class_BQ: Tensor, none_weight: float) -> Tensor:
    """Return the weighted cross-entropy of the queries of each event.

    Parameters
    ----------
    logits_BQK : Tensor, shape (B, Q, C + 1)
        Class logits, the last one none.
    class_BQ : Tensor, shape (B, Q), int64
        Class each query should give.
    none_weight : float
        Factor on queries whose class is none: most are, and would drown the others.

    Returns
    -------
    Tensor, shape (B,)
        Sum of weight times ``-log p`` over the queries, divided by Q. The divisor does not depend
        on the event, so that the factor is the same in events with many and with few resonances.
    """
    logits_BKQ = at_least_single(logits_BQK).transpose(1, 2)
    values_BQ = functional.cross_entropy(logits_BKQ, class_BQ, reduction="none")
    is_none_BQ = class_BQ == logits_BKQ.shape[1] - 1
    return torch.where(is_none_BQ, none_weight * values_BQ, values_BQ).mean(dim=1)
