"""Which features a network reads."""

from __future__ import annotations

import pytest

from colliderfm.data.feature_rules import GLOBAL_INPUTS, GLOBAL_RULES, InputChoice
from colliderfm.errors import ConfigError


def test_the_default_reads_the_globals_of_the_schema_and_nothing_else():
    assert InputChoice.of() == InputChoice() == InputChoice.of(GLOBAL_INPUTS[::-1])
    assert InputChoice().global_inputs == GLOBAL_INPUTS
    assert tuple(rule.name for rule in GLOBAL_RULES) == GLOBAL_INPUTS


def test_names_left_out_are_withheld_and_others_are_extras():
    choice = InputChoice.of(("sphericity", "ht_gev", "met_gev"), ("ip3d_cm",))
    assert set(choice.withheld_globals) == set(GLOBAL_INPUTS) - {"met_gev", "ht_gev"}
    assert choice.global_extras == ("sphericity",)
    assert choice.object_extras == ("ip3d_cm",)
    assert choice.global_inputs == ("met_gev", "ht_gev", "sphericity")


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"withheld_globals": ("met_phi",)}, "met_phi"),
        ({"withheld_globals": ("met",)}, "met"),
        ({"global_extras": ("a", "a")}, "a, a"),
        ({"global_extras": ("met_phi",)}, "met_phi"),
        ({"object_extras": ("pt_gev",)}, "pt_gev"),
    ],
)
def test_impossible_choices_are_refused(fields, name):
    with pytest.raises(ConfigError) as caught:
        InputChoice(**fields)
    assert caught.value.got == name
