"""Learning-rate schedule: linear warm-up, then a cosine to zero. A pure function of the update."""

from __future__ import annotations

import math


def schedule_factor(update: int, warmup_updates: int, max_updates: int) -> float:
    """Return the share of the peak learning rate used in an update.

    Parameters
    ----------
    update : int
        Number of the update, from 1 to ``max_updates``.
    warmup_updates : int
        The factor rises as ``update / warmup_updates`` up to 1.
    max_updates : int
        The cosine ends after this update.

    Returns
    -------
    float
        In (0, 1]; the first update after the warm-up and the last of the warm-up have 1.

    Examples
    --------
    >>> [round(schedule_factor(u, 2, 6), 3) for u in range(1, 7)]
    [0.5, 1.0, 1.0, 0.854, 0.5, 0.146]
    """
    if update <= warmup_updates:
        return update / warmup_updates
    progress = (update - 1 - warmup_updates) / max(1, max_updates - warmup_updates)
    return 0.5 * (1.0 + math.cos(math.pi * min(progress, 1.0)))
