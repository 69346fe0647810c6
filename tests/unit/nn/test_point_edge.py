"""Nearest neighbors in (eta, phi)."""

from __future__ import annotations

import torch

from colliderfm.nn.point_edge import PointEdgeLayer, nearest_neighbors


def objects_at(*directions):
    rows = [[1.0, 1.0, eta, phi, 0, 0, 0] for eta, phi in directions]
    return torch.tensor([rows], dtype=torch.float32)


def test_the_nearest_neighbor_is_found_across_phi_equal_pi():
    objects = objects_at((0.0, 3.1), (0.0, -3.1), (0.0, 2.5))
    neighbors = nearest_neighbors(objects, torch.ones(1, 3, dtype=torch.bool), 1)
    assert neighbors.rows[0, 0].tolist() == [1]


def test_padding_is_nobodys_neighbor():
    objects = objects_at((0.0, 0.0), (0.0, 0.1), (0.0, 1.0))
    neighbors = nearest_neighbors(objects, torch.tensor([[True, False, True]]), 3)
    weight = {
        row: float(share)
        for row, share in zip(neighbors.rows[0, 0].tolist(), neighbors.share[0, 0], strict=True)
    }
    assert weight[2] == 1.0
    assert weight[0] == weight[1] == 0.0


def test_rows_count_through_the_flattened_batch():
    objects = objects_at((0.0, 0.0), (0.0, 0.1)).expand(2, 2, 7)
    neighbors = nearest_neighbors(objects, torch.ones(2, 2, dtype=torch.bool), 1)
    assert neighbors.rows.flatten().tolist() == [1, 0, 3, 2]


def test_an_event_without_objects_stays_finite():
    layer = PointEdgeLayer(8)
    neighbors = nearest_neighbors(objects_at((0.0, 0.0)), torch.zeros(1, 1, dtype=torch.bool), 3)
    assert layer(torch.zeros(1, 1, 8), neighbors).isfinite().all()
