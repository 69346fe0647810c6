import pytest

from colliderfm.errors import PhysicsError
from colliderfm.simulation.cards import PRETRAINING_SELECTION, RECIPES, Component, Label, Recipe
from colliderfm.simulation.pythia import MAX_SEED, Generator, detector_rng, pythia_seed


def recipe_of(*settings):
    component = Component("only", settings)
    return Recipe("trial", 29, (component,), PRETRAINING_SELECTION, (Label("tt"),))


def test_seeds_are_unique_and_in_the_range_of_the_generator():
    seeds = {
        pythia_seed(recipe, component, seed)
        for recipe in RECIPES.values()
        for component in range(len(recipe.components))
        for seed in (0, 1, MAX_SEED - 1)
    }
    assert len(seeds) == 3 * sum(len(recipe.components) for recipe in RECIPES.values())
    assert min(seeds) >= 1
    assert max(seeds) <= 900_000_000


def test_a_seed_out_of_range_is_refused():
    with pytest.raises(PhysicsError, match="seed"):
        pythia_seed(RECIPES["tt"], 0, MAX_SEED)


def test_detector_randomness_depends_on_process_and_seed():
    pairs = [(RECIPES[name], seed) for name in ("tt", "ww") for seed in (1, 2)]
    draws = {detector_rng(recipe, 0, seed).random() for recipe, seed in pairs}
    assert len(draws) == 4
    assert detector_rng(RECIPES["tt"], 0, 1).random() in draws


def test_a_refused_setting_is_an_error_that_names_it():
    pytest.importorskip("pythia8mc")
    with pytest.raises(PhysicsError, match="refuses") as caught:
        Generator(recipe_of("Top:gg2ttbarr = on"), 0, 1, "off", 13000.0)
    assert caught.value.got == "Top:gg2ttbarr = on"


def test_a_card_without_an_open_channel_does_not_initialize():
    pytest.importorskip("pythia8mc")
    # Replacing the decay table removes H -> gg, and with it gg -> H.
    card = recipe_of("HiggsSM:gg2H = on", "25:oneChannel = 1 1. 100 36 36")
    with pytest.raises(PhysicsError, match="does not initialize"):
        Generator(card, 0, 1, "off", 13000.0)


def test_a_card_that_fails_at_every_event_is_an_error():
    pytest.importorskip("pythia8mc")
    # The built-in widths leave a without an open channel at 20 GeV; Pythia returns short batches.
    card = recipe_of(
        "HiggsSM:gg2H = on",
        "25:addChannel = 1 1. 100 36 36",
        "25:onMode = off",
        "25:onIfMatch = 36 36",
        "36:m0 = 20.",
        "36:onMode = off",
    )
    with pytest.raises(PhysicsError):
        list(Generator(card, 0, 1, "off", 13000.0).batches(20, 10))


def test_batches_add_up_to_what_was_asked():
    pytest.importorskip("pythia8mc")
    generator = Generator(RECIPES["ww"], 0, 1, "off", 13000.0)
    sizes = [record.n_events for record in generator.batches(25, 10)]
    assert sizes == [10, 10, 5]
    xsec_pb, error_pb = generator.cross_section_pb()
    # 64 pb at leading order
    assert abs(xsec_pb - 64) < 5 * error_pb + 3
