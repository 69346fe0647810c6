"""Studies: one folder per physics question; ``load_study`` finds one by its name.

A study turns a cell of a comparison (arm, training events, seed) into metrics. It knows the physics
and nothing of MLflow; ``pipelines`` knows the tracking and nothing of the physics.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, cast

from colliderfm.config.load import unknown_choice
from colliderfm.config.schema import Studies

if TYPE_CHECKING:
    from colliderfm.studies.protocol import Study

STUDIES: tuple[str, ...] = tuple(Studies.model_fields)


def load_study(name: str) -> Study:
    """Return the study of that name.

    Raises
    ------
    ConfigError
        If there is none; names the closest one.
    """
    if name not in STUDIES:
        raise unknown_choice("study", name, STUDIES)
    module = importlib.import_module(f"colliderfm.studies.{name}.study")
    return cast("Study", module.STUDY)
