"""Lists of different length as one flat array with offsets, and the gather into padded rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Ragged:
    """n lists in one array.

    Parameters
    ----------
    offsets : ndarray, shape (n + 1,), int64
        List i is ``values[offsets[i]:offsets[i + 1]]``.
    values : ndarray, shape (m, ...)
        All elements, list after list.
    """

    offsets: np.ndarray
    values: np.ndarray

    @classmethod
    def from_lengths(cls, lengths: np.ndarray, values: np.ndarray) -> Ragged:
        """Build from the length of each list, shape (n,)."""
        return cls(np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]), values)

    @property
    def lengths(self) -> np.ndarray:
        """Number of elements of each list, shape (n,), int64."""
        return np.diff(self.offsets)

    def take(self, indices: np.ndarray) -> Ragged:
        """Return the lists at some positions, in that order.

        Parameters
        ----------
        indices : ndarray, shape (k,), int
            Positions, repeats allowed.

        Returns
        -------
        Ragged
            k lists.
        """
        start = self.offsets[indices]
        lengths = self.offsets[indices + 1] - start
        total = np.cumsum(lengths)
        inside = np.arange(total[-1] if len(total) else 0) - np.repeat(total - lengths, lengths)
        return Ragged.from_lengths(lengths, self.values[np.repeat(start, lengths) + inside])

    def padded(
        self, indices: np.ndarray, fill: float, minimum_width: int = 1
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return some lists as rows of equal length.

        Parameters
        ----------
        indices : ndarray, shape (k,), int
            Positions of the lists.
        fill : float
            Value of the padding.
        minimum_width : int
            Least number of columns.

        Returns
        -------
        rows : ndarray, shape (k, w, ...)
            w is the longest length, at least ``minimum_width``.
        mask : ndarray, shape (k, w), bool
            True = real element.
        """
        start = self.offsets[indices]
        lengths = self.offsets[indices + 1] - start
        width = max(int(lengths.max(initial=0)), minimum_width)
        column = np.arange(width)
        mask = column < lengths[:, None]
        rows = np.full((*mask.shape, *self.values.shape[1:]), fill, dtype=self.values.dtype)
        rows[mask] = self.values[(start[:, None] + column)[mask]]
        return rows, mask


def concatenate_ragged(parts: Sequence[Ragged]) -> Ragged:
    """Join the lists of several ragged arrays, part after part.

    Parameters
    ----------
    parts : sequence of Ragged
        At least one, with equal trailing shapes.

    Returns
    -------
    Ragged
        All lists.
    """
    lengths = np.concatenate([part.lengths for part in parts])
    return Ragged.from_lengths(lengths, np.concatenate([part.values for part in parts]))
