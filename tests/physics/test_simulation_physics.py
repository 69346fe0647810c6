"""Simulated events obey what is known of the processes: masses, efficiencies, directions."""

import numpy as np
import pytest

from colliderfm.physics.decays import DECAY_INDEX
from colliderfm.physics.fourvector import invariant_mass
from colliderfm.simulation.cards import RECIPES
from colliderfm.simulation.detector import DetectorSettings, reconstruct
from colliderfm.simulation.pythia import Generator, detector_rng
from colliderfm.simulation.truth import find_truth

pytest.importorskip("pythia8mc")
pytest.importorskip("fastjet")


def simulate(name, n_events):
    recipe = RECIPES[name]
    (record,) = Generator(recipe, 0, 12, "off", 13000.0).batches(n_events, n_events)
    detected = reconstruct(record, DetectorSettings(), detector_rng(recipe, 0, 12))
    return record, detected, find_truth(record, detected)


@pytest.fixture(scope="module")
def top_pairs():
    return simulate("tt", 400)


@pytest.fixture(scope="module")
def light_bosons():
    return simulate("haa_ma40", 400)


def test_every_top_pair_has_one_top_then_one_antitop(top_pairs):
    _, _, truth = top_pairs
    assert truth.event.tolist() == np.repeat(np.arange(400), 2).tolist()
    assert truth.pdg_id.tolist() == [6, -6] * 400


def test_top_masses_peak_at_the_input(top_pairs):
    _, _, truth = top_pairs
    assert np.median(invariant_mass(*truth.momentum)) == pytest.approx(172.5, abs=1.0)


def test_top_decays_have_the_branching_fractions_of_the_w(top_pairs):
    _, _, truth = top_pairs
    fraction = np.bincount(truth.decay, minlength=13) / len(truth.decay)
    # 67.4% quarks, 21.7% e and mu, 10.8% tau; 800 decays
    assert fraction[DECAY_INDEX["t_bqq"]] == pytest.approx(0.674, abs=0.05)
    assert fraction[DECAY_INDEX["t_bl"]] == pytest.approx(0.217, abs=0.05)


def test_every_leptonic_top_has_one_neutrino(top_pairs):
    _, _, truth = top_pairs
    n_leptonic = np.count_nonzero(truth.decay != DECAY_INDEX["t_bqq"])
    assert len(truth.neutrino_event) == n_leptonic
    assert invariant_mass(*truth.neutrino_momentum).max() < 0.1


def test_matched_objects_point_along_their_quarks(top_pairs):
    record, detected, truth = top_pairs
    hadronic = (truth.decay == DECAY_INDEX["t_bqq"]) & (truth.slots >= 0).all(axis=1)
    place = detected.offsets[truth.event[hadronic]][:, None] + truth.slots[hadronic]
    four = [detected.objects[name][place] for name in ("pt_gev", "eta", "phi", "energy_gev")]
    pt, eta, phi, energy = four
    parts = (energy, pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta))
    mass = invariant_mass(*(part.sum(axis=1) for part in parts))
    assert hadronic.sum() > 150
    # Jets lose what radiates out of the cone and neutrinos of b decays.
    assert 140 < np.median(mass) < 180
    assert record.n_events == 400


def test_no_slot_is_used_twice_in_an_event(top_pairs):
    _, detected, truth = top_pairs
    place = (detected.offsets[truth.event][:, None] + truth.slots)[truth.slots >= 0]
    assert len(np.unique(place)) == len(place)


def test_missing_momentum_is_larger_with_neutrinos(top_pairs):
    _, detected, truth = top_pairs
    has_neutrino = np.isin(np.arange(400), truth.neutrino_event)
    met = detected.variables["met_gev"]
    assert np.median(met[has_neutrino]) > 1.5 * np.median(met[~has_neutrino])


def test_light_bosons_have_the_mass_of_the_card_and_come_from_the_higgs(light_bosons):
    _, _, truth = light_bosons
    names = [DECAY_INDEX["H_aa"], DECAY_INDEX["a_bb"], DECAY_INDEX["a_bb"]]
    assert truth.decay.tolist() == names * 400
    mass = invariant_mass(*truth.momentum).reshape(400, 3)
    np.testing.assert_allclose(mass[:, 0], 125.0, atol=1.0)
    np.testing.assert_allclose(mass[:, 1:], 40.0, atol=1.0)
    np.testing.assert_allclose(
        truth.momentum.reshape(4, 400, 3)[:, :, 0],
        truth.momentum.reshape(4, 400, 3)[:, :, 1:].sum(axis=2),
        atol=0.5,
    )


def test_most_matched_jets_of_light_bosons_are_b_jets(light_bosons):
    _, detected, truth = light_bosons
    found = truth.slots >= 0
    place = (detected.offsets[truth.event][:, None] + truth.slots)[found]
    assert (detected.flavor[place] == 5).mean() > 0.9


def test_leptons_of_a_z_have_its_mass():
    recipe = RECIPES["zjets"]
    (record,) = Generator(recipe, 0, 3, "off", 13000.0).batches(400, 400)
    detected = reconstruct(record, DetectorSettings(), detector_rng(recipe, 0, 3))
    pair = detected.variables["n_lepton"] == 2
    assert pair.sum() > 60
    mass = detected.variables["mass_leptons_gev"][pair]
    assert np.median(mass) == pytest.approx(91.2, abs=1.5)
