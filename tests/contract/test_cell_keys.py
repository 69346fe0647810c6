"""A stored result is reused only while the code that made it is the same: keys cover that code."""

from __future__ import annotations

import pytest
from source_tree import closure, imports_of, modules

from colliderfm.pipelines.encoder import ENCODER_NAMES
from colliderfm.pipelines.finetune import CODE_OF_A_CELL, study_modules
from colliderfm.pipelines.pretrain import code_of_a_pretraining
from colliderfm.studies import STUDIES

# Configuration enters a key by its values; errors and figures change no number.
NOT_IN_A_NUMBER = {"config", "errors", "plots", "tracking"}
INTERFACES = {"colliderfm.studies.protocol", "colliderfm.studies", "colliderfm"}


def uncovered(needed: set[str], covered: tuple[str, ...]) -> list[str]:
    """Modules that decide a number and stand outside of what is digested."""
    names = [f"colliderfm.{name}" for name in covered]
    return sorted(
        name
        for name in needed - INTERFACES
        if modules()[name].layer not in NOT_IN_A_NUMBER
        and modules()[name].path.name != "__init__.py"
        and not any(name == other or name.startswith(f"{other}.") for other in names)
    )


@pytest.mark.parametrize("study", STUDIES)
def test_the_key_of_a_cell_covers_its_code(study: str) -> None:
    covered = (*CODE_OF_A_CELL, *study_modules(study))
    name = f"colliderfm.studies.{study}.study"
    # The report of a study is imported inside the methods that write it, not to run a cell.
    eager = [found.target for found in imports_of(name) if not found.is_lazy]
    assert not uncovered({name}.union(*map(closure, eager)), covered)


@pytest.mark.parametrize("family", ENCODER_NAMES)
def test_the_key_of_a_pretraining_covers_its_code(family: str) -> None:
    own = f"colliderfm.pipelines.pretrain_{family}"
    needed = closure(f"{own}.steps")
    others = {name for name in needed if modules()[name].layer == "pipelines"}
    needed -= {name for name in others if not name.startswith(f"{own}.")}
    assert not uncovered(needed, code_of_a_pretraining(family))


def test_digested_names_exist() -> None:
    pretraining = [name for family in ENCODER_NAMES for name in code_of_a_pretraining(family)]
    for name in (
        *CODE_OF_A_CELL,
        *pretraining,
        *(m for study in STUDIES for m in study_modules(study)),
    ):
        assert f"colliderfm.{name}" in modules(), name
