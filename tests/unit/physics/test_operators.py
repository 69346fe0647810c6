import pytest

from colliderfm.errors import ConfigError
from colliderfm.physics.operators import (
    CONTRIBUTING,
    INERT,
    OPERATOR_INDEX,
    OPERATORS,
    check_operator_names,
)


def test_the_flavor_symmetric_basis_has_sixty_cp_even_operators():
    assert len(OPERATORS) == len(OPERATOR_INDEX) == 60
    assert len({each.wcxf_name for each in OPERATORS}) == 60


def test_seventeen_contribute_and_fourteen_more_are_sampled():
    assert (len(CONTRIBUTING), len(INERT)) == (17, 14)
    assert [each.name for each in OPERATORS if each.contributes] == sorted(
        CONTRIBUTING, key=[each.name for each in OPERATORS].index
    )
    assert {each.name for each in OPERATORS if each.in_study} == {*CONTRIBUTING, *INERT}


def test_a_size_is_quoted_only_for_what_is_not_computed():
    assert all(each.quoted_size is None for each in OPERATORS if each.contributes)
    quoted = {each.name: each.quoted_size for each in OPERATORS if not each.contributes}
    assert quoted["cuW"] == 1.9e-4  # charm mass: the largest of all
    assert quoted["cHG"] is None
    assert max(size for size in quoted.values() if size is not None) == 1.9e-4


def test_every_operator_says_how_it_enters():
    assert all(each.reason and each.operator_class for each in OPERATORS)


@pytest.mark.parametrize(
    ("wrong", "close"), [("clq33", "clq3"), ("CHWB", "cHWB"), ("c_ll1", "cll1")]
)
def test_an_unknown_operator_is_refused_with_the_closest_name(wrong, close):
    with pytest.raises(ConfigError, match=f"closest: {close}") as caught:
        check_operator_names(["cHDD", wrong])
    assert caught.value.exit_code == 2


def test_inert_and_other_operators_are_known_names():
    check_operator_names([*CONTRIBUTING, *INERT, "cqq1", "cll"])
