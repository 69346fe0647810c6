import numpy as np
import pytest

from colliderfm.data.event_schema import MAX_OBJECTS, OBJECT_FEATURES
from colliderfm.simulation.detector import DetectorSettings, reconstruct

pytest.importorskip("fastjet")
SETTINGS = DetectorSettings()


def particle(code, pt, eta, phi):
    return (code, 1, 0, 0, pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta))


def detect(record, seed=0):
    return reconstruct(record, SETTINGS, np.random.default_rng(seed))


def test_two_hard_pions_become_two_jets(make_record):
    record = make_record([particle(211, 100, 0.5, 0.0), particle(-211, 80, -1.0, 3.0)])
    detected = detect(record)
    assert detected.offsets.tolist() == [0, 2]
    assert set(detected.objects) == set(OBJECT_FEATURES)
    np.testing.assert_allclose(detected.objects["eta"], [0.5, -1.0], atol=1e-9)
    # Resolution at 100 GeV: 0.08 (+) 0.01 (+) 0.04 = 9%.
    np.testing.assert_allclose(detected.objects["pt_gev"], [100, 80], rtol=0.4)


def test_particles_closer_than_the_radius_merge(make_record):
    record = make_record([particle(211, 60, 0.0, 0.0), particle(211, 60, 0.2, 0.0)])
    assert detect(record).offsets.tolist() == [0, 1]


def test_neutrinos_are_seen_as_missing_momentum_only(make_record):
    record = make_record([particle(14, 200, 0.0, 0.0), particle(211, 200, 0.0, np.pi)])
    detected = detect(record)
    assert detected.offsets[-1] == 1
    assert detected.variables["met_gev"][0] == pytest.approx(200, rel=0.4)
    assert detected.variables["met_phi"][0] == pytest.approx(0.0, abs=0.1)


def test_isolated_muons_are_found_with_their_charge(make_record):
    events = [[particle(13, 40, 0.0, 0.0)] for _ in range(400)]
    detected = detect(make_record(*events))
    is_lepton = detected.objects["is_lepton"] == 1
    assert 0.90 < is_lepton.sum() / 400 < 0.99
    assert set(detected.objects["charge"][is_lepton]) == {-1.0}
    # 1.2% resolution
    assert detected.objects["pt_gev"][is_lepton].std() == pytest.approx(0.48, rel=0.15)


def test_a_muon_inside_a_jet_is_no_lepton(make_record):
    events = [[particle(13, 40, 0.0, 0.0), particle(211, 30, 0.1, 0.1)] for _ in range(20)]
    assert detect(make_record(*events)).variables["n_lepton"].sum() == 0


def test_a_neighbor_in_another_event_does_not_spoil_isolation(make_record):
    events = [[particle(13, 40, 0.0, 0.0)], [particle(211, 30, 0.1, 0.1)]] * 20
    assert detect(make_record(*events)).variables["n_lepton"][::2].sum() >= 15


def test_jets_near_a_b_hadron_are_labeled_and_tagged(make_record):
    b_hadron = (511, -2, 2, 2, 60.0, 0.0, 0.0)
    events = [[b_hadron, particle(211, 60, 0.0, 0.0)] for _ in range(400)]
    detected = detect(make_record(*events))
    assert set(detected.flavor) == {5}
    assert detected.objects["btag"].mean() == pytest.approx(0.75, abs=0.08)


def test_light_jets_are_rarely_tagged(make_record):
    events = [[particle(211, 60, 0.0, 0.0)] for _ in range(400)]
    detected = detect(make_record(*events))
    assert set(detected.flavor) == {0}
    assert detected.objects["btag"].mean() < 0.04


def test_soft_and_forward_objects_are_dropped(make_record):
    soft, forward = particle(211, 5, 0.0, 0.0), particle(211, 100, 3.0, 1.0)
    assert detect(make_record([soft, forward])).offsets.tolist() == [0, 0]


def test_leptons_come_first_then_jets_by_falling_momentum(make_record):
    jets = [particle(211, 50, 0.0, 0.0), particle(211, 200, 1.0, 2.0)]
    event = [*jets, particle(11, 30, -1.0, -2.0)]
    detected = detect(make_record(*[event] * 50))
    for first, last in zip(detected.offsets[:-1], detected.offsets[1:], strict=True):
        is_lepton = detected.objects["is_lepton"][first:last]
        pt = detected.objects["pt_gev"][first:last]
        assert (np.diff(is_lepton) <= 0).all()
        assert (np.diff(pt[is_lepton == 0]) <= 0).all()


def test_only_the_leading_eighteen_objects_are_kept_and_counted(make_record):
    angles = [(eta, phi) for eta in (-2.0, -1.0, 0.0, 1.0) for phi in np.arange(6) - 2.5]
    event = [particle(211, 100 + n, eta, phi) for n, (eta, phi) in enumerate(angles)]
    detected = detect(make_record(event, [particle(211, 50, 0.0, 0.0)]))
    assert np.diff(detected.offsets).tolist() == [MAX_OBJECTS, 1]
    assert detected.n_truncated == 1
    assert detected.variables["n_jet"].tolist() == [MAX_OBJECTS, 1]


def test_equal_seeds_give_equal_events(make_record):
    record = make_record([particle(211, 100, 0.5, 0.0), particle(13, 80, -1.0, 3.0)])
    first, second = detect(record, 5), detect(record, 5)
    for name in OBJECT_FEATURES:
        assert first.objects[name].tolist() == second.objects[name].tolist()


def test_nothing_is_printed_on_standard_output(make_record, capfd):
    detect(make_record([particle(211, 100, 0.5, 0.0)]))
    assert capfd.readouterr().out == ""
