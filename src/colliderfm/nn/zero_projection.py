"""A projection that starts at zero: what enters through it changes nothing until it is trained."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ZeroProjection(nn.Module):
    """Linear map without a bias, zero at first.

    Added to a token of a pretrained network it leaves the output bit-equal, and its gradient is not
    zero, so training moves it at once.

    Parameters
    ----------
    n_inputs : int
        Number of features E.
    width : int
        Token width D.
    """

    def __init__(self, n_inputs: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n_inputs, width))

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the projected features, (…, E) to (…, D)."""
        return inputs @ self.weight
