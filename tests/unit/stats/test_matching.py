"""Matchings against exhaustive search, and at the edges."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from colliderfm.errors import PhysicsError
from colliderfm.stats.matching import match


def exhaustive(cost: np.ndarray) -> tuple[int, ...]:
    """The best queries of all targets of one event, by trying everything."""
    n_queries, n_targets = cost.shape
    choices = permutations(range(n_queries), n_targets)
    return min(choices, key=lambda choice: sum(cost[q, r] for r, q in enumerate(choice)))


# The table serves few matchings (6 queries and 3 targets: 120), the Hungarian algorithm more (5040).
@pytest.mark.parametrize(
    ("n_queries", "n_targets"), [(1, 1), (4, 1), (6, 2), (6, 3), (3, 3), (6, 4), (7, 4), (4, 4)]
)
def test_matching_is_that_of_an_exhaustive_search(n_queries: int, n_targets: int) -> None:
    cost = np.random.default_rng(n_queries * 10 + n_targets).normal(size=(30, n_queries, n_targets))
    found = match(cost, np.full(30, n_targets))
    assert [tuple(row) for row in found] == [exhaustive(one) for one in cost]


def test_mixed_counts_agree_with_scipy_event_by_event() -> None:
    rng = np.random.default_rng(0)
    cost, n_targets = rng.random((200, 6, 4)), rng.integers(0, 5, 200)
    found = match(cost, n_targets)
    for row, n, one in zip(found, n_targets, cost, strict=True):
        query, target = linear_sum_assignment(one[:, :n])
        expected = np.full(4, -1)
        expected[target] = query
        assert row.tolist() == expected.tolist()


def test_greedy_choice_would_be_worse() -> None:
    # Target 0 likes query 0 best, but target 1 has no other good one.
    cost = np.array([[[0.0, 1.0], [0.5, 9.0], [2.0, 3.0]]])
    assert match(cost, np.array([2])).tolist() == [[1, 0]]


def test_places_without_a_target_do_not_matter() -> None:
    rng = np.random.default_rng(1)
    cost, n_targets = rng.random((50, 5, 3)), rng.integers(0, 3, 50)
    found = match(cost, n_targets)
    padding = np.arange(3) >= n_targets[:, None]
    assert (found[padding] == -1).all()
    assert (found[~padding] >= 0).all()
    noise = np.where(padding[:, None], rng.random(cost.shape) - 100, cost)
    noise[0, :, n_targets[0] :] = np.nan
    assert np.array_equal(found, match(noise, n_targets))


def test_order_of_the_targets_and_of_the_queries_does_not_matter() -> None:
    rng = np.random.default_rng(2)
    cost, n_targets = rng.random((40, 6, 3)), np.full(40, 3)
    found = match(cost, n_targets)
    assert np.array_equal(match(cost[:, :, ::-1], n_targets), found[:, ::-1])
    assert np.array_equal(5 - match(cost[:, ::-1], n_targets), found)


def test_more_targets_than_queries_leave_the_dearest_out() -> None:
    cost = np.array([[[3.0, 1.0, 2.0], [3.0, 2.0, 1.0]]])
    assert match(cost, np.array([3])).tolist() == [[-1, 0, 1]]


@pytest.mark.parametrize("n_queries", [3, 12])
def test_costs_that_are_not_finite_are_avoided(n_queries: int) -> None:
    cost = np.zeros((1, n_queries, 3))
    cost[0, 0, 0], cost[0, 1, 1], cost[0, 2:, 2] = np.nan, np.inf, 1.0
    query = match(cost, np.array([3]))[0]
    assert len(set(query)) == 3
    assert query[0] != 0
    assert query[1] != 1
    assert (match(np.full((2, n_queries, 3), np.nan), np.array([3, 1])) >= -1).all()


def test_single_precision_and_no_targets_are_fine() -> None:
    cost = np.random.default_rng(3).random((4, 6, 3)).astype(np.float32)
    assert match(cost, np.zeros(4, dtype=np.int64)).tolist() == [[-1] * 3] * 4
    assert match(cost[:0], np.zeros(0, dtype=np.int64)).shape == (0, 3)


@pytest.mark.parametrize(
    ("shape", "n_targets"), [((2, 3), [1, 1]), ((2, 3, 2), [1]), ((2, 3, 2), [1, 3])]
)
def test_shapes_must_agree(shape: tuple[int, ...], n_targets: list[int]) -> None:
    with pytest.raises(PhysicsError, match="costs of a matching"):
        match(np.zeros(shape), np.array(n_targets))
