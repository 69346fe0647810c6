import numpy as np

from colliderfm.data.ragged import Ragged, concatenate_ragged

LISTS = Ragged(np.array([0, 2, 2, 5]), np.array([10, 11, 20, 21, 22]))


def test_lengths_are_the_differences_of_the_offsets():
    assert LISTS.lengths.tolist() == [2, 0, 3]


def test_take_repeats_and_reorders_lists():
    taken = LISTS.take(np.array([2, 1, 0, 2]))
    assert taken.offsets.tolist() == [0, 3, 3, 5, 8]
    assert taken.values.tolist() == [20, 21, 22, 10, 11, 20, 21, 22]


def test_take_of_nothing_is_empty():
    taken = LISTS.take(np.array([], dtype=int))
    assert taken.offsets.tolist() == [0]
    assert taken.values.shape == (0,)


def test_padded_rows_are_as_wide_as_the_longest_chosen_list():
    rows, mask = LISTS.padded(np.array([1, 0]), fill=-1)
    assert rows.tolist() == [[-1, -1], [10, 11]]
    assert mask.tolist() == [[False, False], [True, True]]


def test_padded_rows_keep_at_least_one_column():
    rows, mask = LISTS.padded(np.array([1]), fill=7)
    assert rows.tolist() == [[7]]
    assert not mask.any()


def test_padding_keeps_trailing_axes():
    vectors = Ragged(np.array([0, 1, 3]), np.arange(6.0).reshape(3, 2))
    rows, _ = vectors.padded(np.array([0, 1]), fill=0)
    assert rows.tolist() == [[[0, 1], [0, 0]], [[2, 3], [4, 5]]]


def test_concatenation_puts_part_after_part():
    joined = concatenate_ragged([LISTS, LISTS.take(np.array([0]))])
    assert joined.lengths.tolist() == [2, 0, 3, 2]
    assert joined.values.tolist() == [10, 11, 20, 21, 22, 10, 11]
