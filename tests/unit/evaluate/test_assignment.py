"""Assignment efficiencies on events small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pytest

from colliderfm.errors import PhysicsError
from colliderfm.evaluate.assignment import (
    decay_efficiencies,
    event_efficiencies,
    score_assignment,
    share,
)
from colliderfm.physics.decays import DECAY_INDEX

A_BB, H_AA = DECAY_INDEX["a_bb"], DECAY_INDEX["H_aa"]
T_BQQ, T_BL = DECAY_INDEX["t_bqq"], DECAY_INDEX["t_bl"]


def slots(*resonances: tuple[int, ...]) -> np.ndarray:
    return np.array([[(*r, *[-1] * (4 - len(r))) for r in resonances]])


@pytest.mark.parametrize(
    ("predicted", "correct"),
    [
        (((0, 1), (2, 3)), [True, True]),
        (((1, 0), (3, 2)), [True, True]),  # daughters exchanged
        (((3, 2), (0, 1)), [True, True]),  # resonances exchanged
        (((0, 1), (2, 4)), [True, False]),
        (((0, 2), (1, 3)), [False, False]),
        (((4, 5), (1, 0)), [True, False]),
        (((-1, -1), (-1, -1)), [False, False]),
    ],
)
def test_pairs_are_correct_up_to_both_symmetries(
    predicted: tuple[tuple[int, int], ...], correct: list[bool]
) -> None:
    result = score_assignment(slots(*predicted), slots((0, 1), (2, 3)), np.array([[A_BB, A_BB]]))
    assert result.matchable.all()
    assert result.correct[0].tolist() == correct


def test_only_interchangeable_daughters_may_be_exchanged() -> None:
    true, decay = slots((0, 1, 2)), np.array([[T_BQQ]])
    assert score_assignment(slots((0, 2, 1)), true, decay).correct.all()
    assert not score_assignment(slots((1, 0, 2)), true, decay).correct.any()


def test_resonances_with_different_decays_are_not_exchanged() -> None:
    decay = np.array([[DECAY_INDEX["H_bb"], A_BB]])
    result = score_assignment(slots((2, 3), (0, 1)), slots((0, 1), (2, 3)), decay)
    assert not result.correct.any()


def test_a_missing_daughter_makes_a_resonance_unmatchable() -> None:
    result = score_assignment(
        slots((0, 1), (2, -1)), slots((0, 1), (2, -1)), np.array([[A_BB, A_BB]])
    )
    assert result.matchable[0].tolist() == [True, False]
    assert result.correct[0].tolist() == [True, False]


def test_decays_without_daughters_and_padding_are_never_matchable() -> None:
    empty = slots((-1,), (-1,))
    assert not score_assignment(empty, empty, np.array([[H_AA, -1]])).matchable.any()


def test_unused_positions_of_a_prediction_do_not_matter() -> None:
    predicted = np.array([[[0, 1, 7, 7]]])
    assert score_assignment(predicted, slots((0, 1)), np.array([[A_BB]])).correct.all()


def test_event_efficiencies_of_four_events() -> None:
    # complete and right; complete with one right; one matchable and right; nothing matchable
    true = np.concatenate(
        [
            slots((0, 1), (2, 3)),
            slots((0, 1), (2, 3)),
            slots((0, 1), (2, -1)),
            slots((0, -1), (-1, 3)),
        ]
    )
    predicted = np.concatenate(
        [slots((2, 3), (1, 0)), slots((0, 1), (2, 4)), slots((0, 1), (2, 3)), slots((0, 1), (2, 3))]
    )
    result = score_assignment(predicted, true, np.full((4, 2), A_BB))
    found = event_efficiencies(result, A_BB)
    assert found["matchable"].value == pytest.approx(1 / 2)
    assert found["all"].value == pytest.approx(1 / 4)
    assert found["purity"].value == pytest.approx(2 / 3)
    assert [found[name].n for name in ("matchable", "all", "purity")] == [2, 4, 3]


def test_background_without_the_decay_is_not_counted() -> None:
    true = np.concatenate([slots((0, 1), (2, 3)), slots((-1,), (-1,))])
    decay = np.array([[A_BB, A_BB], [-1, -1]])
    assert event_efficiencies(score_assignment(true, true, decay), A_BB)["all"].n == 1


def test_efficiencies_of_every_decay_present() -> None:
    true = np.concatenate([slots((0, 1, 2), (3, 4)), slots((0, 1, 2), (3, -1))])
    predicted = np.concatenate([slots((0, 2, 1), (4, 3)), slots((1, 0, 2), (3, 4))])
    table = decay_efficiencies(score_assignment(predicted, true, np.full((2, 2), [T_BQQ, T_BL])))
    assert set(table) == {"t_bqq", "t_bl"}
    assert table["t_bqq"]["resonance"].value == 0.5
    assert table["t_bl"]["resonance"].value == 0.0
    assert table["t_bl"]["resonance"].n == 1


def test_share_is_weighted_with_a_binomial_error() -> None:
    result = share(np.array([True, False]), np.array([True, True]), np.array([3.0, 1.0]))
    assert result.value == 0.75
    assert result.error == pytest.approx(np.sqrt(0.75 * 0.25 / (16 / 10)))
    assert np.isnan(share(np.array([True]), np.array([False])).value)


def test_shapes_must_agree() -> None:
    with pytest.raises(PhysicsError, match="assignment"):
        score_assignment(slots((0, 1)), slots((0, 1), (2, 3)), np.array([[A_BB, A_BB]]))
