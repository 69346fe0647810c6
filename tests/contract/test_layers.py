"""Who may import whom: the table of the architecture page, held by the syntax trees."""

from __future__ import annotations

import sys

import pytest
from source_tree import Import, Module, imports_of, layer_of, modules

# A row imports the rows below it only, and nothing beside it.
ROWS = (
    ("cli",),
    ("pipelines",),
    ("studies",),
    ("tracking", "evaluate", "plots", "baselines", "train"),
    ("models", "simulation"),
    ("nn", "losses", "data"),
    ("physics", "stats"),
    ("config", "errors"),
)
ROW_OF = {layer: number for number, row in enumerate(ROWS) for layer in row}
# Beside: configuration raises errors, and a head calls its own loss.
ALLOWED_BESIDE = {("config", "errors"), ("nn", "losses")}
# Leaf code takes plain arguments; configuration stops at these doors.
MAY_READ_CONFIG = {"cli", "pipelines", "studies", "tracking", "models", "simulation", "config"}
ONLY_IMPORTER = {
    "mlflow": "tracking",
    "pyarrow": "data",
    "uproot": "data",
    "pythia8mc": "simulation",
    "fastjet": "simulation",
    "awkward": "simulation",
}
THIRD_PARTY = {
    "physics": {"numpy", "scipy"},
    "stats": {"numpy", "scipy"},
    "nn": {"torch", "numpy"},
    "losses": {"torch"},
    "config": {"pydantic", "pydantic_core", "yaml"},
    "errors": set(),
}
OPTIONAL = ("pythia8mc", "fastjet", "awkward", "distributed")


def all_imports() -> list[tuple[Module, Import]]:
    """Every import statement of the package with its module."""
    return [(module, found) for module in modules().values() for found in imports_of(module.name)]


def own_imports() -> list[tuple[Module, Import]]:
    """The imports of the package's own modules."""
    return [
        (module, found)
        for module, found in all_imports()
        if found.target.split(".")[0] == "colliderfm" and found.target != "colliderfm"
    ]


def test_every_folder_has_a_row() -> None:
    assert {module.layer for module in modules().values()} <= set(ROW_OF)


def test_imports_point_downwards() -> None:
    wrong = []
    for module, found in own_imports():
        source, target = module.layer, layer_of(found.target)
        is_allowed = source == target or (source, target) in ALLOWED_BESIDE
        if not is_allowed and ROW_OF[target] <= ROW_OF[source]:
            wrong.append(f"{module.place}:{found.line} {source} imports {found.target}")
    assert not wrong, "\n".join(wrong)


def test_configuration_stops_at_the_doors() -> None:
    wrong = [
        f"{module.place}:{found.line} imports {found.target}"
        for module, found in own_imports()
        if layer_of(found.target) == "config" and module.layer not in MAY_READ_CONFIG
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("package", "layer"), ONLY_IMPORTER.items())
def test_one_layer_alone_imports(package: str, layer: str) -> None:
    wrong = [
        f"{module.place}:{found.line} imports {found.target}"
        for module, found in all_imports()
        if found.target.split(".")[0] == package and module.layer != layer
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("layer", THIRD_PARTY)
def test_low_layers_need_few_packages(layer: str) -> None:
    wrong = [
        f"{module.place}:{found.line} imports {found.target}"
        for module, found in all_imports()
        if module.layer == layer
        and (package := found.target.split(".")[0]) not in sys.stdlib_module_names
        and package not in THIRD_PARTY[layer] | {"colliderfm"}
    ]
    assert not wrong, "\n".join(wrong)


def test_optional_packages_are_imported_on_first_use() -> None:
    wrong = [
        f"{module.place}:{found.line} imports {found.target} at the top"
        for module, found in all_imports()
        if found.target.split(".")[0] in OPTIONAL and not (found.is_lazy or found.is_for_types)
    ]
    assert not wrong, "\n".join(wrong)


# What all studies share: the protocol they answer, and what a comparison and a report are made of.
SHARED_BY_STUDIES = {
    *("protocol", "cell_comparison", "multiple_tests", "report_files", "report_tables"),
}


def test_studies_do_not_import_each_other() -> None:
    wrong = []
    for module, found in own_imports():
        own, other = module.name.split(".")[1:3], found.target.split(".")[1:3]
        in_studies = own[:1] == other[:1] == ["studies"] and len(own) == len(other) == 2
        if in_studies and own != other and other[1] not in SHARED_BY_STUDIES:
            wrong.append(f"{module.place}:{found.line} imports {found.target}")
    assert not wrong, "\n".join(wrong)


def test_a_pipeline_does_not_import_another_layer_at_start_up() -> None:
    """``--help`` and a wrong argument must not wait for torch or mlflow."""
    heavy = {"torch", "mlflow", "pandas", "xgboost", "optuna", "matplotlib"}
    for name in ("colliderfm.cli", "colliderfm.__main__", "colliderfm.pipelines.session"):
        eager = [found for found in imports_of(name) if not (found.is_lazy or found.is_for_types)]
        assert not {found.target.split(".")[0] for found in eager} & heavy
