"""What a set holds, added up from the receipts of its shards: the content of ``manifest.json``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from colliderfm.data.manifest import Manifest, ProcessRecord
from colliderfm.simulation.cards import RECIPES, Recipe

Receipt = dict[str, Any]


def summarize(receipts: Sequence[Receipt], command: str) -> Manifest:
    """Add up shards.

    Parameters
    ----------
    receipts : sequence of dict
        From ``shard.simulate_shard``; at least one, all with the same settings.
    command : str
        What was asked last.

    Returns
    -------
    Manifest
        Cross-sections are those before the preselection, in pb; None for a mix of components, which
        state their own. ``notes`` holds card, efficiency, weights (``n_effective`` is the squared
        sum of weights over the sum of squares) and events per shard.
    """
    request = receipts[0]["request"]
    grouped: dict[str, list[Receipt]] = {}
    for receipt in sorted(receipts, key=_recipe_and_seed):
        for process in receipt["processes"]:
            grouped.setdefault(process, []).append(receipt)
    return Manifest(
        generator="Pythia 8, FastJet and a parametrized detector",
        versions=request["versions"],
        command=command,
        settings={
            name: request[name]
            for name in ("collision_energy_gev", "mpi", "detector", "batch_events")
        },
        processes={name: _process(name, grouped[name]) for name in sorted(grouped)},
    )


def _recipe_and_seed(receipt: Receipt) -> tuple[str, int]:
    """Order of shards."""
    return receipt["request"]["recipe"], receipt["request"]["seed"]


def _process(name: str, receipts: list[Receipt]) -> ProcessRecord:
    """Entry of one process."""
    recipe = RECIPES[receipts[0]["request"]["recipe"]]
    entries = [receipt["processes"][name] for receipt in receipts]
    generated = sum(receipt["request"]["n_events"] for receipt in receipts)
    kept = sum(entry["kept"] for entry in entries)
    weights = sum(entry["sum_weights"] for entry in entries)
    squares = sum(entry["sum_squared_weights"] for entry in entries)
    components = _components(recipe, name, receipts)
    xsec_pb, xsec_error_pb = _cross_section(recipe, components)
    return ProcessRecord(
        generated=generated,
        kept=kept,
        xsec_pb=xsec_pb,
        xsec_error_pb=xsec_error_pb,
        seeds=[receipt["request"]["seed"] for receipt in receipts],
        cards=[line for component in recipe.components for line in component.settings],
        notes={
            "recipe": recipe.name,
            "note": recipe.note,
            "selection": receipts[0]["request"]["card"]["selection"],
            "efficiency": kept / generated,
            "sum_weights": weights,
            "n_effective": weights**2 / squares if squares else 0.0,
            "components": components,
            "events_per_shard": [receipt["request"]["n_events"] for receipt in receipts],
            "lhe": sorted({str(receipt["request"]["lhe"]) for receipt in receipts} - {"None"}),
        },
    )


def _components(recipe: Recipe, process: str, receipts: list[Receipt]) -> list[dict[str, Any]]:
    """Card, counts and cross-section of each component."""
    rows = []
    for number, component in enumerate(recipe.components):
        parts = [receipt["components"][number] for receipt in receipts]
        n_events = np.array([part["generated"] for part in parts], dtype=float)
        share = n_events / n_events.sum()
        xsec_pb = np.array([part["xsec_pb"] for part in parts])
        error_pb = np.array([part["xsec_error_pb"] for part in parts])
        kept = [receipt["processes"][process]["kept_by_component"][number] for receipt in receipts]
        rows.append(
            {
                "name": component.name,
                "settings": list(component.settings),
                "share": component.share,
                "generated": int(n_events.sum()),
                "kept": sum(kept),
                "lost": sum(part["lost"] for part in parts),
                "xsec_pb": float((share * xsec_pb).sum()),
                "xsec_error_pb": float(np.sqrt(((share * error_pb) ** 2).sum())),
            }
        )
    return rows


def _cross_section(
    recipe: Recipe, components: list[dict[str, Any]]
) -> tuple[float | None, float | None]:
    """Cross-section before the preselection, in pb, with its statistical error."""
    if recipe.xsec_pb is not None:
        return recipe.xsec_pb, 0.0
    if len(components) > 1:
        return None, None
    return components[0]["xsec_pb"], components[0]["xsec_error_pb"]
