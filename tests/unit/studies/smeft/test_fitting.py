from __future__ import annotations

import numpy as np
import pytest
import torch

from colliderfm.studies.smeft.data import LabeledReplicas
from colliderfm.studies.smeft.fitting import ReplicaBatches, UniverseClassifier, UniverseTask
from colliderfm.studies.smeft.heads import DirichletHead


@pytest.fixture
def batches() -> ReplicaBatches:
    values = np.arange(10, dtype=np.float32)[:, None]
    return ReplicaBatches(values, np.arange(10) % 2, -np.ones((6, 1), dtype=np.float32), 4, 0)


def test_an_epoch_shows_each_replica_at_most_once(batches: ReplicaBatches) -> None:
    stream = iter(batches)
    shown = np.concatenate([next(stream).values[:, 0].numpy() for _ in range(2)])
    assert len(set(shown.tolist())) == 8


def test_batches_continue_where_they_stopped(batches: ReplicaBatches) -> None:
    stream = iter(batches)
    for _ in range(5):
        next(stream)
    state = batches.state_dict()
    wanted = [next(stream) for _ in range(4)]
    other = ReplicaBatches(batches.values, batches.universe, batches.off_manifold, 4, 0)
    other.load_state_dict(state)
    for one, stored in zip(iter(other), wanted, strict=False):
        assert torch.equal(one.values, stored.values)
        assert torch.equal(one.off_manifold, stored.off_manifold)


def test_labels_go_with_their_replicas(batches: ReplicaBatches) -> None:
    batch = next(iter(batches)).to(torch.device("cpu"))
    assert len(batch) == 4
    assert torch.equal(batch.universe, batch.values[:, 0].long() % 2)


def test_off_manifold_spectra_leave_batch_statistics_alone() -> None:
    norm = torch.nn.BatchNorm1d(1)
    task = UniverseTask(
        UniverseClassifier(norm, DirichletHead(2, 1, 10.0)).train(),
        LabeledReplicas(np.zeros((2, 1), dtype=np.float32), np.arange(2)),
        0.5,
    )
    values = np.full((8, 1), 3.0, dtype=np.float32)
    batches = ReplicaBatches(values, np.arange(8) % 2, np.full((8, 1), 1e6, np.float32), 8, 0)
    loss, parts = task.loss(next(iter(batches)))
    assert loss.item() == pytest.approx(
        parts["known"].item() + 0.5 * parts["off_manifold"].item(), rel=1e-5
    )
    assert norm.running_mean is not None
    assert norm.running_mean.item() == pytest.approx(0.3)
    assert norm.training


def test_validation_reports_log_loss_and_accuracy() -> None:
    head = DirichletHead(2, 1, 1000.0)
    places = np.array([[0.0], [10.0]])
    head.place_universes(np.repeat(places, 50, axis=0), np.repeat([0, 1], 50), np.eye(1))
    validation = LabeledReplicas(
        np.array([[0.1], [9.8], [0.2]], dtype=np.float32), np.array([0, 1, 1])
    )
    task = UniverseTask(UniverseClassifier(torch.nn.Identity(), head), validation, 0.0)
    with torch.no_grad():
        found = task.validate()
    assert found["val/universe_accuracy"] == pytest.approx(2.0 / 3.0)
    assert found["val/log_loss"] > 1.0
