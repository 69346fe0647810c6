"""Weighted mean and width of features, summed batch after batch."""

from __future__ import annotations

import torch

from colliderfm.errors import DataError

# A spread below this is rounding noise of a constant feature, which then keeps its scale.
_SMALLEST_STD = 1e-6


class Moments:
    """Running weighted sums in double precision.

    Parameters
    ----------
    n_features : int
        Length F of a row.
    """

    def __init__(self, n_features: int) -> None:
        self.weight = torch.zeros((), dtype=torch.float64)
        self.first = torch.zeros(n_features, dtype=torch.float64)
        self.second = torch.zeros(n_features, dtype=torch.float64)

    def add(self, values: torch.Tensor, weight: torch.Tensor) -> None:
        """Add rows, (n, F) in double precision, with their weights, (n,)."""
        self.weight += weight.sum()
        self.first += weight @ values
        self.second += weight @ values**2

    def mean_and_std(self, name: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean and width of each feature, (F,); the width of a constant feature is 1.

        Raises
        ------
        DataError
            If no row has weight; ``name`` says of what.
        """
        if not self.weight > 0:
            raise DataError(f"no {name} features to fit a normalizer on", need="events with weight")
        mean = self.first / self.weight
        std = (self.second / self.weight - mean**2).clamp(min=0).sqrt()
        return mean, torch.where(std > _SMALLEST_STD, std, 1.0)
