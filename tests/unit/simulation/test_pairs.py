import numpy as np

from colliderfm.simulation.pairs import match_closest, pairs_within_events


def test_pairs_join_members_of_the_same_event_only():
    index_a, index_b = pairs_within_events(np.array([0, 2, 2]), np.array([0, 0, 1, 2]), 3)
    assert list(zip(index_a.tolist(), index_b.tolist(), strict=True)) == [
        (0, 0),
        (0, 1),
        (1, 3),
        (2, 3),
    ]


def test_no_partner_gives_no_pair():
    index_a, index_b = pairs_within_events(np.array([0]), np.array([], dtype=int), 1)
    assert len(index_a) == len(index_b) == 0


def test_the_closest_pair_wins_and_the_loser_takes_its_second_choice():
    # a0 prefers b0 (0.2), but a1 is closer to b0 (0.1); a0 then gets b1 (0.3).
    matched = match_closest(
        np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([0.2, 0.3, 0.1]), 2, 2, 0.4
    )
    assert matched.tolist() == [1, 0]


def test_pairs_beyond_the_maximum_are_not_matched():
    assert match_closest(np.array([0]), np.array([0]), np.array([0.5]), 1, 1, 0.4).tolist() == [-1]


def _greedy(distance, maximum):
    """Match in order of distance, one pair at a time."""
    matched = np.full(len(distance), -1)
    for flat in np.argsort(distance, axis=None):
        a, b = np.unravel_index(flat, distance.shape)
        if distance[a, b] < maximum and matched[a] < 0 and b not in matched:
            matched[a] = b
    return matched


def test_matching_equals_the_greedy_search_on_random_distances():
    rng = np.random.default_rng(3)
    for _ in range(50):
        distance = rng.random((5, 7))
        index_a, index_b = np.divmod(np.arange(35), 7)
        matched = match_closest(index_a, index_b, distance.ravel(), 5, 7, 0.6)
        assert matched.tolist() == _greedy(distance, 0.6).tolist()
