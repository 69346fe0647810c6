import itertools

import pytest
import torch

from colliderfm.errors import DataError
from colliderfm.losses.regression import best_exchange, exchanged_loss_per_event


def test_a_hand_counted_loss():
    """Smooth L1: 0.5 x^2 below one, |x| - 0.5 above; mean over quantities, then over resonances."""
    predicted = torch.tensor([[[0.0, 0.0], [3.0, 0.0]]])
    target = torch.tensor([[[1.0, 0.5], [0.0, 0.0]]])
    kind, is_valid = torch.tensor([[0, 1]]), torch.tensor([[True, True]])
    loss, has_any = exchanged_loss_per_event(predicted, target, kind, is_valid)
    assert loss.tolist() == pytest.approx([0.5 * ((0.5 + 0.125) / 2 + 2.5 / 2)])
    assert has_any.tolist() == [True]


def test_equal_kinds_may_be_exchanged_and_others_not():
    predicted, target = torch.tensor([[[0.0], [5.0]]]), torch.tensor([[[5.0], [0.0]]])
    is_valid = torch.tensor([[True, True]])
    equal, _ = exchanged_loss_per_event(predicted, target, torch.tensor([[2, 2]]), is_valid)
    different, _ = exchanged_loss_per_event(predicted, target, torch.tensor([[2, 3]]), is_valid)
    assert equal.tolist() == [0.0]
    assert different.tolist() == [4.5]


def test_what_is_not_valid_costs_nothing():
    predicted = torch.full((2, 2, 3), 7.0, requires_grad=True)
    is_valid = torch.tensor([[True, False], [False, False]])
    loss, has_any = exchanged_loss_per_event(
        predicted, torch.zeros(2, 2, 3), torch.tensor([[0, -1], [-1, -1]]), is_valid
    )
    assert loss.tolist() == [6.5, 0.0]
    assert has_any.tolist() == [True, False]
    loss.sum().backward()
    assert (predicted.grad != 0).any(dim=2).tolist() == [[True, False], [False, False]]


def test_the_best_exchange_is_that_of_a_search_by_hand():
    generator = torch.Generator().manual_seed(0)
    cost = torch.rand(30, 4, 4, generator=generator)
    kind = torch.randint(0, 2, (30, 4), generator=generator)
    found = best_exchange(cost, kind)
    for event in range(30):
        allowed = [
            order
            for order in itertools.permutations(range(4))
            if all(kind[event, i] == kind[event, j] for i, j in enumerate(order))
        ]
        sums = [sum(cost[event, i, j] for i, j in enumerate(order)) for order in allowed]
        assert tuple(found[event].tolist()) == allowed[int(torch.stack(sums).argmin())]


def test_ties_keep_the_given_order():
    assert best_exchange(torch.zeros(1, 3, 3), torch.zeros(1, 3, dtype=torch.int64)).tolist() == [
        [0, 1, 2]
    ]


def test_too_many_resonances_are_refused():
    with pytest.raises(DataError, match="at most 7"):
        best_exchange(torch.zeros(1, 8, 8), torch.zeros(1, 8, dtype=torch.int64))
