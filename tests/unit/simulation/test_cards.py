import pytest

from colliderfm.data.event_schema import PROCESSES
from colliderfm.simulation.cards import (
    MPI_LEVELS,
    RECIPE_OF_PROCESS,
    RECIPES,
    common_settings,
)


def test_every_process_is_one_of_the_data_format():
    assert set(RECIPE_OF_PROCESS) <= set(PROCESSES)


def test_ten_pretraining_classes_and_six_haa_samples_are_there():
    assert len(RECIPE_OF_PROCESS) == 16


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda recipe: recipe.name)
def test_shares_add_up_to_one(recipe):
    assert sum(component.share for component in recipe.components) == pytest.approx(1.0)


def test_numbers_that_make_seeds_are_unique():
    assert len({recipe.number for recipe in RECIPES.values()}) == len(RECIPES)


def test_background_labels_cover_every_b_multiplicity_once():
    ranges = [label.b_jets for label in RECIPES["qcd_multijet"].labels]
    for n_b_jets in range(19):
        assert sum(low <= n_b_jets <= high for low, high in ranges) == 1


def test_splittings_are_enhanced_by_three_at_most():
    for recipe in RECIPES.values():
        for component in recipe.components:
            for line in component.settings:
                if "EnhancedSplittings" in line:
                    assert float(line.split("G2BB=")[1].rstrip("}")) <= 3.0


def test_no_haa_signal_or_double_parton_scattering_in_pretraining():
    for recipe in RECIPES.values():
        if recipe.selection.jets == 0:
            lines = [line for component in recipe.components for line in component.settings]
            assert not any("SecondHard" in line or "36 36" in line for line in lines)


def test_levels_of_multiparton_interactions_differ():
    assert len({common_settings(level, 13000.0) for level in MPI_LEVELS}) == len(MPI_LEVELS)
