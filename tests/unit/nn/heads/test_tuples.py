"""Tables of tuples, and the search for disjoint ones against brute force."""

from __future__ import annotations

from itertools import product

import pytest
import torch

from colliderfm.nn.heads.tuple_search import Candidates, best_disjoint
from colliderfm.nn.heads.tuples import tuple_of_slots, tuple_table
from colliderfm.physics.decays import DECAY_INDEX, DECAYS

CPU = torch.device("cpu")


def decay(name):
    return DECAYS[DECAY_INDEX[name]]


@pytest.mark.parametrize(
    ("name", "n_slots", "n_tuples"),
    [("a_bb", 4, 6), ("a_bb", 18, 153), ("t_bl", 4, 12), ("t_bqq", 5, 5 * 6), ("a_bb", 1, 0)],
)
def test_number_of_tuples(name, n_slots, n_tuples):
    assert len(tuple_table(decay(name), n_slots, CPU).slots) == n_tuples


def test_exchange_of_interchangeable_daughters_gives_the_same_tuple():
    table = tuple_table(decay("t_bqq"), 6, CPU)
    found = tuple_of_slots(table, torch.tensor([[0, 3, 5], [0, 5, 3], [3, 0, 5]]), 6)
    assert found[0] == found[1] != found[2]
    assert table.slots[found[0]].tolist() == [0, 3, 5]
    assert int(table.bits[found[0]]) == 0b101001


def test_missing_repeated_and_outside_slots_have_no_tuple():
    table = tuple_table(decay("a_bb"), 4, CPU)
    slots = torch.tensor([[1, -1], [2, 2], [0, 4], [3, 0]])
    assert (tuple_of_slots(table, slots, 4) >= 0).tolist() == [False, False, False, True]


@pytest.mark.parametrize(
    "names", [("a_bb", "a_bb"), ("t_bl", "t_bl"), ("t_bqq", "t_bl"), ("Z_qq", "Z_ll", "t_bl")]
)
def test_search_finds_the_best_disjoint_set(names):
    generator = torch.Generator().manual_seed(4)
    n_slots = 5
    tables = [tuple_table(decay(name), n_slots, CPU) for name in names]
    scores = [torch.randn(3, len(table.bits), generator=generator) for table in tables]
    found = best_disjoint([Candidates(s, t.bits) for s, t in zip(scores, tables, strict=True)])
    for i_event in range(3):
        best = max(
            (
                sum(float(score[i_event, i]) for score, i in zip(scores, choice, strict=True))
                for choice in product(*(range(len(table.bits)) for table in tables))
                if _is_disjoint(
                    [table.slots[i].tolist() for table, i in zip(tables, choice, strict=True)]
                )
            ),
            default=None,
        )
        chosen = found[i_event].tolist()
        if best is None:
            assert -1 in chosen
            continue
        assert _is_disjoint(
            [table.slots[i].tolist() for table, i in zip(tables, chosen, strict=True)]
        )
        total = sum(float(score[i_event, i]) for score, i in zip(scores, chosen, strict=True))
        assert total == pytest.approx(best, abs=1e-5)


def _is_disjoint(tuples):
    slots = [slot for one in tuples for slot in one]
    return len(slots) == len(set(slots))


def test_a_resonance_without_free_objects_is_left_out():
    table = tuple_table(decay("a_bb"), 3, CPU)
    scores = torch.tensor([[-1.0, -2.0, -3.0]])
    found = best_disjoint([Candidates(scores, table.bits)] * 2)
    assert sorted(found[0].tolist()) == [-1, 0]
