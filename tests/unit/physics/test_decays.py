from colliderfm.physics.decays import ASSIGNABLE, DECAY_INDEX, DECAYS, MAX_DAUGHTERS


def test_names_are_unique_and_indexed_in_order():
    assert [DECAY_INDEX[decay.name] for decay in DECAYS] == list(range(len(DECAYS)))


def test_no_decay_has_more_daughters_than_the_format_holds():
    assert max(decay.n_daughters for decay in DECAYS) <= MAX_DAUGHTERS


def test_interchangeable_daughters_are_of_one_kind():
    for decay in DECAYS:
        for group in decay.interchangeable:
            assert len({decay.daughters[position] for position in group}) == 1


def test_a_decay_with_one_visible_daughter_has_nothing_to_assign():
    assert DECAYS[DECAY_INDEX["W_l"]] not in ASSIGNABLE
    assert DECAYS[DECAY_INDEX["a_bb"]] in ASSIGNABLE
