"""Which split an event belongs to: a hash of its id, so neither file order nor set size matters."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

SPLITS = ("train", "validation", "test")
# 0-69 train, 70-84 validation, 85-99 test.
_FIRST_VALIDATION, _FIRST_TEST = 70, 85


def split_of(event_ids: Sequence[str] | np.ndarray) -> np.ndarray:
    """Return the split of each event: sha256(event_id) mod 100, cut at 70 and 85.

    Parameters
    ----------
    event_ids : sequence of str, length B
        ``process/seed/index``.

    Returns
    -------
    ndarray, shape (B,), int8
        Index into ``SPLITS``: 0 train, 1 validation, 2 test.

    Examples
    --------
    >>> split_of(["tt/1/0", "tt/1/1", "tt/1/2"]).tolist()
    [0, 1, 0]
    """
    names = event_ids.tolist() if isinstance(event_ids, np.ndarray) else event_ids
    sha256, from_bytes = hashlib.sha256, int.from_bytes
    digests = (from_bytes(sha256(name.encode()).digest(), "big") % 100 for name in names)
    bucket = np.fromiter(digests, dtype=np.int8, count=len(names))
    return np.digitize(bucket, (_FIRST_VALIDATION, _FIRST_TEST)).astype(np.int8)
