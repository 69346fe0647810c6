from __future__ import annotations

import math

from colliderfm.train.early_stopping import EarlyStopping


def test_patience_counts_validations_without_improvement() -> None:
    stopping = EarlyStopping("min", patience=2)
    found = [
        (stopping.observe(metric, i), stopping.is_plateau) for i, metric in enumerate([3, 1, 2, 1])
    ]
    assert found == [(True, False), (True, False), (False, False), (False, True)]
    assert (stopping.best_metric, stopping.best_update) == (1, 1)


def test_improvement_starts_the_count_again_when_larger_is_better() -> None:
    stopping = EarlyStopping("max", patience=2)
    for update, metric in enumerate([0.5, 0.4, 0.6, 0.5]):
        stopping.observe(metric, update)
    assert not stopping.is_plateau
    assert stopping.best_update == 2


def test_no_patience_never_stops() -> None:
    stopping = EarlyStopping("min", patience=0)
    for update in range(100):
        stopping.observe(1.0, update)
    assert not stopping.is_plateau


def test_state_survives_a_checkpoint() -> None:
    stopping = EarlyStopping("min", patience=3)
    assert math.isnan(stopping.best_metric)
    stopping.observe(1.0, 5)
    stopping.observe(2.0, 10)
    other = EarlyStopping("min", patience=3)
    other.load_state_dict(stopping.state_dict())
    assert other == stopping
