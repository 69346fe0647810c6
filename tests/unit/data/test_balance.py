from dataclasses import replace

import numpy as np
import pytest

from colliderfm.data.balance import class_balance, matchable_patterns, topology_balance
from colliderfm.data.ragged import Ragged
from colliderfm.data.toys import toy_table
from colliderfm.errors import ConfigError, DataError
from colliderfm.physics.decays import DECAY_INDEX

T_BQQ, T_BL, W_L, H_BB = (DECAY_INDEX[name] for name in ("t_bqq", "t_bl", "W_l", "H_bb"))
NO = (-1, -1, -1, -1)


def events(*resonances, weight=None, process=None):
    """A table whose events have the given (decay, slots) lists; all else is from toys."""
    n = len(resonances)
    flat = [entry for event in resonances for entry in event]
    lengths = np.array([len(event) for event in resonances])
    table = toy_table(n, 0, ["tt"])
    return replace(
        table,
        decay=Ragged.from_lengths(lengths, np.array([decay for decay, _ in flat], dtype=np.int64)),
        slots=Ragged.from_lengths(
            lengths, np.array([slots for _, slots in flat], dtype=np.int64).reshape(-1, 4)
        ),
        weight=np.ones(n, np.float32) if weight is None else np.array(weight, np.float32),
        process=table.process if process is None else np.array(process),
    )


HADRONIC, LOST, LEPTONIC = (T_BQQ, (0, 1, 2, -1)), (T_BQQ, (0, -1, 2, -1)), (T_BL, (3, 4, -1, -1))


def test_classes_get_equal_sums_and_mean_one():
    balanced = class_balance(np.array([4, 4, 4, 7]), np.array([1.0, 2.0, 3.0, 5.0]))
    assert balanced.tolist() == pytest.approx([1 / 3, 2 / 3, 1.0, 2.0])
    assert balanced.dtype == np.float32


def test_negative_weights_count_with_their_sign():
    balanced = class_balance(np.array([0, 0, 1]), np.array([3.0, -1.0, 1.0]))
    assert balanced.tolist() == pytest.approx([2.25, -0.75, 1.5])


def test_a_class_without_weight_is_refused():
    with pytest.raises(DataError, match="weights of class 1"):
        class_balance(np.array([0, 1]), np.array([1.0, 0.0]))


def test_patterns_of_a_process_get_equal_sums():
    """Three events match the hadronic top only, one both; two match nothing and keep their weight."""
    table = events([HADRONIC], [HADRONIC, (T_BL, NO)], [HADRONIC], [HADRONIC, LEPTONIC], [LOST], [])
    assert topology_balance(table).tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2.0, 1.0, 1.0])


def test_the_exchange_of_equal_resonances_does_not_change_the_pattern():
    """(matched, lost) and (lost, matched) are one pattern, both matched is another."""
    table = events([HADRONIC, LOST], [LOST, HADRONIC], [HADRONIC, HADRONIC])
    first, second, both = matchable_patterns(table)
    assert first == second != both
    assert topology_balance(table).tolist() == pytest.approx([0.75, 0.75, 1.5])


def test_resonances_with_nothing_to_assign_are_no_pattern():
    table = events([(W_L, (0, -1, -1, -1))], [(DECAY_INDEX["H_aa"], NO)], [])
    assert matchable_patterns(table).tolist() == [0, 0, 0]
    assert topology_balance(table).tolist() == [1.0, 1.0, 1.0]


def test_every_process_is_balanced_for_itself():
    """Process 1: one event of each of two patterns; process 2: three of one and one of another."""
    higgs = (H_BB, (5, 6, -1, -1))
    table = events(
        *([HADRONIC], [LEPTONIC], [HADRONIC], [HADRONIC], [HADRONIC], [HADRONIC, higgs]),
        process=[1, 1, 2, 2, 2, 2],
    )
    balanced = topology_balance(table)
    assert balanced.tolist() == pytest.approx([1, 1, 2 / 3, 2 / 3, 2 / 3, 2])
    assert balanced[2:].sum() == pytest.approx(4.0)


def test_event_weights_are_kept_within_a_pattern():
    balanced = topology_balance(events([HADRONIC], [HADRONIC], [LEPTONIC], weight=[1, 3, 8]))
    assert balanced.tolist() == pytest.approx([0.375, 1.125, 1.5])


def test_the_weight_of_rare_patterns_can_be_limited():
    """8 + 1 events: equal sums would need a factor 4.5; at most 3 leaves 6 for the other eight."""
    table = events(*[[HADRONIC]] * 8, [LEPTONIC])
    assert topology_balance(table)[-1] == pytest.approx(4.5)
    balanced = topology_balance(table, largest=3.0)
    assert balanced.tolist() == pytest.approx([0.75] * 8 + [3.0])
    assert topology_balance(table, largest=1.0).tolist() == pytest.approx([1.0] * 9)


def test_a_limit_that_spreads_to_other_patterns_still_holds():
    table = events(*[[HADRONIC]] * 20, *[[LEPTONIC]] * 4, [HADRONIC, LEPTONIC])
    balanced = topology_balance(table, largest=2.0)
    assert balanced.max() == pytest.approx(2.0)
    assert balanced.mean() == pytest.approx(1.0)
    assert balanced[20] == balanced[24] == pytest.approx(2.0)


def test_an_impossible_limit_is_refused():
    with pytest.raises(ConfigError, match="largest factor"):
        topology_balance(events([HADRONIC]), largest=0.5)


def test_both_balances_can_be_combined():
    table = toy_table(300, 0, ("tt", "tth", "zz", "qcd"))
    weight = class_balance(table.process, topology_balance(table, largest=5.0))
    assert weight.mean() == pytest.approx(1.0)
    sums = [weight[table.process == index].sum() for index in np.unique(table.process)]
    assert sums == pytest.approx([75.0] * 4, rel=1e-5)
    pattern = matchable_patterns(table)
    assert (pattern[table.process == table.process[-1]] == 0).all()
