import numpy as np
import pytest

from colliderfm.physics.decays import DECAYS
from colliderfm.simulation.truth import find_truth


def direction(pt, eta, phi):
    return pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)


# t -> W b with W -> mu nu, and tbar -> W bbar with W -> q qbar; tbar stands first in the record.
TOP_PAIR = [
    (-6, -62, 3, 4, 0, 0, 0),
    (6, -62, 5, 6, 0, 0, 0),
    (-24, -22, 7, 8, 0, 0, 0),
    (-5, 23, 0, 0, *direction(50, 0.0, 0.0)),
    (5, 23, 0, 0, *direction(60, 1.0, 0.0)),
    (24, -22, 9, 10, 0, 0, 0),
    (3, 23, 0, 0, *direction(40, -1.0, 2.0)),
    (-4, 23, 0, 0, *direction(30, 2.0, -2.0)),
    (-13, 1, 0, 0, *direction(45, 0.5, 1.0)),
    (14, 1, 0, 0, *direction(35, 0.5, 1.5)),
]


def names(truth):
    return [DECAYS[index].name for index in truth.decay]


def test_top_comes_before_antitop_with_their_decays(make_record, make_detected):
    truth = find_truth(make_record(TOP_PAIR), make_detected([]))
    assert truth.pdg_id.tolist() == [6, -6]
    assert names(truth) == ["t_bl", "t_bqq"]


def test_daughters_are_matched_in_the_order_of_their_decay(make_record, make_detected):
    objects = [
        (45, 0.5, 1.0, 1),
        (60, 1.0, 0.1, 0),
        (50, 0.1, 0.0, 0),
        (40, -1.1, 2.0, 0),
        (30, 2.0, -2.1, 0),
    ]
    truth = find_truth(make_record(TOP_PAIR), make_detected(objects))
    assert truth.slots.tolist() == [[1, 0, -1], [2, 3, 4]]
    assert truth.mask.tolist() == [0b00011, 0b11100]
    assert truth.is_daughter.tolist() == [[True, True, False], [True, True, True]]


def test_a_lepton_is_never_matched_to_a_jet(make_record, make_detected):
    truth = find_truth(make_record(TOP_PAIR), make_detected([(45, 0.5, 1.0, 0)]))
    assert truth.slots.tolist() == [[-1, -1, -1], [-1, -1, -1]]


def test_a_quark_is_never_matched_to_a_lepton(make_record, make_detected):
    truth = find_truth(make_record(TOP_PAIR), make_detected([(60, 1.0, 0.0, 1)]))
    assert (truth.slots == -1).all()


def test_the_neutrino_of_a_w_from_a_top_is_invisible(make_record, make_detected):
    truth = find_truth(make_record(TOP_PAIR), make_detected([]))
    assert truth.neutrino_event.tolist() == [0]
    px, py, _ = direction(35, 0.5, 1.5)
    np.testing.assert_allclose(truth.neutrino_momentum[1:3, 0], [px, py])


def test_events_of_a_batch_do_not_mix(make_record, make_detected):
    record = make_record([], TOP_PAIR, [], TOP_PAIR)
    truth = find_truth(record, make_detected([], [(60, 1.0, 0.0, 0)], [], []))
    assert truth.event.tolist() == [1, 1, 3, 3]
    assert truth.slots[:, 0].tolist() == [0, -1, -1, -1]


@pytest.mark.parametrize(
    ("pdg_id", "children", "name"),
    [
        (24, (2, -1), "W_qq"),
        (24, (12, -11), "W_l"),
        (24, (-15, 16), "tau_mode"),
        (23, (5, -5), "Z_qq"),
        (23, (13, -13), "Z_ll"),
        (23, (14, -14), "Z_invisible"),
        (23, (15, -15), "tau_mode"),
        (25, (5, -5), "H_bb"),
        (25, (24, -24), "H_WW"),
        (25, (36, 36), "H_aa"),
        (25, (22, 22), "H_other"),
        (25, (15, -15), "H_other"),
        (36, (5, -5), "a_bb"),
    ],
)
def test_decay_of_one_resonance(make_record, make_detected, pdg_id, children, name):
    event = [(pdg_id, -22, 2, 3, 0, 0, 0)] + [(child, 23, 0, 0, 1, 0, 0) for child in children]
    assert names(find_truth(make_record(event), make_detected([]))) == [name]


def test_higgs_to_two_light_bosons_is_listed_before_them(make_record, make_detected):
    event = [(25, -62, 2, 3, 0, 0, 0), (36, -22, 4, 5, 0, 0, 0), (36, -22, 6, 7, 0, 0, 0)]
    event += [(5 * sign, 23, 0, 0, *direction(20, 0.0, n)) for n, sign in enumerate((1, -1, 1, -1))]
    truth = find_truth(make_record(event), make_detected([(20, 0, 3, 0), (20, 0, 0, 0)]))
    assert names(truth) == ["H_aa", "a_bb", "a_bb"]
    assert truth.slots.tolist() == [[-1, -1, -1], [1, -1, -1], [-1, 0, -1]]


def test_an_event_without_resonances_has_empty_truth(make_record, make_detected):
    truth = find_truth(make_record([(21, 1, 0, 0, 5, 0, 0)]), make_detected([]))
    assert len(truth.decay) == len(truth.event) == truth.neutrino_momentum.shape[1] == 0
