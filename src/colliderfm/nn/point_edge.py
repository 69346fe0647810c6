"""Point-edge layers: each object looks at its nearest neighbors in (eta, phi).

The message of an edge i <- j is an MLP of (x_j - x_i, x_i). Its first layer is linear in both, so
it is computed once per object and gathered afterwards, which costs k times less than a product per
edge. Neighbors are found once per batch, with the true angular distance across phi = pi.

Shape letters: B events, N object slots, k neighbors, D width.

References
----------
Y. Wang et al., Dynamic graph CNN for learning on point clouds, arXiv:1801.07829, eq. 8.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from colliderfm.nn.pairs import delta_r_squared


class Neighbors(NamedTuple):
    """Nearest neighbors of each object.

    Parameters
    ----------
    rows : Tensor, shape (B, N, k), int64
        Row of the neighbor in the flattened (B·N) list of objects.
    share : Tensor, shape (B, N, k, 1)
        1 / (number of neighbors found), zero for entries that are not neighbors.
    """

    rows: Tensor
    share: Tensor


def nearest_neighbors(objects_BNF: Tensor, mask_BN: Tensor, n_neighbors: int) -> Neighbors:
    """Find the nearest real objects in (eta, phi).

    Parameters
    ----------
    objects_BNF : Tensor, shape (B, N, F)
        Raw features.
    mask_BN : Tensor, shape (B, N), bool
        True = real object.
    n_neighbors : int
        Neighbors wanted; an event with fewer other objects has fewer.

    Returns
    -------
    Neighbors
        Rows and averaging shares.
    """
    n_events, n_slots = mask_BN.shape
    is_self = torch.eye(n_slots, dtype=torch.bool, device=mask_BN.device)
    distance = delta_r_squared(objects_BNF).masked_fill(
        is_self | ~mask_BN[:, None, :], float("inf")
    )
    nearest = distance.topk(min(n_neighbors, n_slots), dim=-1, largest=False, sorted=False)
    is_neighbor = nearest.values.isfinite()
    share = is_neighbor / is_neighbor.sum(dim=-1, keepdim=True).clamp(min=1)
    offset = torch.arange(n_events, device=mask_BN.device)[:, None, None] * n_slots
    return Neighbors(nearest.indices + offset, share[..., None])


class PointEdgeLayer(nn.Module):
    """Add the mean message of the nearest neighbors to each object token.

    Parameters
    ----------
    width : int
        Token width D.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.center = nn.Linear(width, width)
        self.neighbor = nn.Linear(width, width, bias=False)
        self.to_output = nn.Linear(width, width)

    def forward(self, objects_BND: Tensor, neighbors: Neighbors) -> Tensor:
        """Return the updated object tokens, shape (B, N, D)."""
        normed_BND = self.norm(objects_BND)
        neighbor_XD = self.neighbor(normed_BND).flatten(0, 1)
        shape = (*neighbors.rows.shape, neighbor_XD.shape[-1])
        gathered_BNkD = neighbor_XD.index_select(0, neighbors.rows.flatten()).view(shape)
        message_BNkD = functional.silu(gathered_BNkD + self.center(normed_BND)[:, :, None])
        return objects_BND + self.to_output((message_BNkD * neighbors.share).sum(dim=2))
