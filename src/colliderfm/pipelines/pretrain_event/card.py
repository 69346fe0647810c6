"""Model card of a pretrained event encoder: data, inputs, recipe, metrics with errors, failures.

``data_record`` describes the events, ``card_text`` writes what ``pretraining.json`` holds as a page.
Failures are read off the metrics, so that a card cannot praise a head that does not work.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from colliderfm.data.event_schema import (
    EVENT_SCHEMA,
    GLOBAL_FEATURES,
    MAX_OBJECTS,
    OBJECT_FEATURES,
    PROCESSES,
)
from colliderfm.data.event_table import EventTable
from colliderfm.data.feature_rules import GLOBAL_RULES, OBJECT_RULES
from colliderfm.data.manifest import MANIFEST_NAME, read_manifest

# Range of an input: all but this share of the training values on either side.
_TAIL = 0.001
# A generated number whose correlation with the true one is below this is named as a failure.
_WEAK_CORRELATION = 0.5
# A generated distribution further from the true one, in units of its spread, is named as a failure.
_LARGE_DISTANCE = 0.1
# Resonances found exactly by less than this share are named as a failure, in percent.
_FEW_EXACT_PCT = 50.0
_ERROR = "_error"
_HEADS = {
    "segment_": "segment",
    "regress_": "regress",
    "invisible_": "neutrinos",
    "cloud_": "clouds",
    "assignment_": "assign",
    "probe_": "linear probe",
}
_LIMITS = (
    "Parametrized detector without pile-up, photons and taus; leading-order matrix elements with "
    "parton shower.",
    "ttH stands for the ttW and ttZ classes of other studies.",
)


def data_record(train: EventTable, validation: EventTable, folder: Path) -> dict[str, Any]:
    """Return what a card says of the events.

    Parameters
    ----------
    train, validation : EventTable
        The two splits.
    folder : Path
        Event set; its manifest is quoted if there is one.

    Returns
    -------
    dict
        ``events`` by process and split, ``inputs`` with unit and range, ``origin``.
    """
    counts = {
        name: {"train": n_train, "validation": int((validation.process == index).sum())}
        for index, name in enumerate(PROCESSES)
        if (n_train := int((train.process == index).sum()))
    }
    return {"events": counts, "inputs": list(_inputs(train)), "origin": _origin(folder)}


def _inputs(train: EventTable) -> Iterator[dict[str, Any]]:
    """Give name, unit, treatment and range of every input."""
    units = {column.name: column.unit for column in EVENT_SCHEMA.columns}
    for kind, rules, names, values in (
        ("object", OBJECT_RULES, OBJECT_FEATURES, train.objects.values),
        ("event", GLOBAL_RULES, GLOBAL_FEATURES, train.globals),
    ):
        for rule in rules:
            low, high = np.quantile(values[:, names.index(rule.name)], [_TAIL, 1.0 - _TAIL])
            yield {
                "name": rule.name,
                "of": kind,
                "unit": units[rule.name],
                "log": rule.is_log,
                "standardized": rule.is_standardized,
                "low": float(f"{low:.4g}"),
                "high": float(f"{high:.4g}"),
            }


def _origin(folder: Path) -> dict[str, Any]:
    """Return generator, versions and command of the set; empty without a manifest."""
    if not (folder / MANIFEST_NAME).is_file():
        return {}
    manifest = read_manifest(folder)
    return {
        "generator": manifest.generator,
        "versions": manifest.versions,
        "command": manifest.command,
        "settings": manifest.settings,
    }


def card_text(recipe: dict[str, Any]) -> str:
    """Write the card of an encoder.

    Parameters
    ----------
    recipe : dict
        Content of ``pretraining.json``: variant, heads, seed, updates, settings, model, parameters,
        data and metrics.

    Returns
    -------
    str
        Markdown.
    """
    settings, metrics = recipe["settings"], recipe["metrics"]
    failures = "\n".join(f"- {line}" for line in (*_LIMITS, *failures_of(metrics)))
    return (
        f"# Event encoder, variant {recipe['variant']}, size {recipe['model']['size']}\n\n"
        f"{recipe['parameters'] / 1e6:.2f} M parameters; heads in the file: "
        f"{', '.join(recipe['heads'])}; each can be loaded with the encoder by its name. "
        "`colliderfm.load_encoder(uri)` gives the encoder alone.\n\n"
        f"## Training\n\n{recipe['updates']} updates of {settings['batch_size']} events, seed "
        f"{recipe['seed']}, best validation at update {recipe['best_update']}; all settings in "
        "`pretraining.json`. One training: what another seed would give is not in the errors.\n\n"
        f"## Data\n\n{_data_text(recipe['data'])}\n\n"
        f"## Inputs\n\nUp to {MAX_OBJECTS} reconstructed leptons and jets, and numbers of the "
        "event. Azimuth enters as cosine and sine of the angle to the missing momentum. Range: all "
        f"but {_TAIL:.1%} of the training values on either side.\n\n"
        f"{_inputs_text(recipe['data']['inputs'])}\n\n"
        "## Metrics\n\nValidation split (by event id). Errors: over the events, binomial "
        "for accuracy and assignment efficiencies, by bootstrap for the rest.\n\n"
        f"{_metrics_text(metrics)}\n\n"
        f"## Known failures and limits\n\n{failures}\n"
    )


def _data_text(data: dict[str, Any]) -> str:
    rows = "\n".join(
        f"| {name} | {counts['train']:,} | {counts['validation']:,} |"
        for name, counts in data["events"].items()
    )
    origin = data["origin"]
    if not origin:
        return f"| process | training | validation |\n|---|---:|---:|\n{rows}"
    energy_tev = origin["settings"].get("collision_energy_gev", 0.0) / 1000.0
    collisions = f"Proton collisions at {energy_tev:g} TeV, " if energy_tev else ""
    versions = ", ".join(f"{name} {version}" for name, version in origin["versions"].items())
    return (
        f"{collisions}{origin['generator']} ({versions}), made with `{origin['command']}`.\n\n"
        f"| process | training | validation |\n|---|---:|---:|\n{rows}"
    )


def _inputs_text(inputs: list[dict[str, Any]]) -> str:
    rows = "\n".join(
        f"| {one['name']} | {one['of']} | {one['unit'] or '–'} | {one['low']:g} to {one['high']:g} | "
        f"{_treatment(one)} |"
        for one in inputs
    )
    return f"| input | of | unit | range | enters as |\n|---|---|---|---|---|\n{rows}"


def _treatment(one: dict[str, Any]) -> str:
    words = ["log(1 + x)"] if one["log"] else []
    words += ["standardized"] if one["standardized"] else []
    return ", ".join(words) or "as it is"


def _metrics_text(metrics: dict[str, float]) -> str:
    rows = "\n".join(
        f"| {_head_of(name)} | {name.removeprefix('val/')} | {value:.4g}{_error_text(metrics, name)} |"
        for name, value in sorted(metrics.items(), key=lambda item: (_head_of(item[0]), item[0]))
        if not name.endswith(_ERROR)
    )
    return f"| head | metric | value |\n|---|---|---:|\n{rows}"


def _head_of(name: str) -> str:
    short = name.removeprefix("val/")
    return next((head for stem, head in _HEADS.items() if short.startswith(stem)), "classify")


def _error_text(metrics: dict[str, float], name: str) -> str:
    error = metrics.get(name + _ERROR)
    return "" if error is None or np.isnan(error) else f" ± {error:.2g}"


def failures_of(metrics: dict[str, float]) -> Iterator[str]:
    """Name what the heads do badly, by fixed limits on their metrics.

    Parameters
    ----------
    metrics : dict of str to float
        Of ``judge``.

    Yields
    ------
    str
        One sentence per head that fails somewhere.
    """
    short = {name.removeprefix("val/"): value for name, value in metrics.items()}
    worse = [
        name.removeprefix("regress_").removesuffix("_resolution").replace("_", " ")
        for name, value in short.items()
        if name.startswith("regress_") and value >= short.get(f"{name}_constant", np.inf)
    ]
    if worse:
        yield f"Regression is no better than the best constant for: {', '.join(worse)}."
    weak = [
        f"{_quantity(name)} ({value:.2f})"
        for name, value in short.items()
        if name.endswith("_correlation") and value < _WEAK_CORRELATION
    ]
    if weak:
        yield f"Generated neutrinos follow the true ones weakly (correlation) in: {', '.join(weak)}."
    far = [
        f"{_quantity(name)} ({value:.2f})"
        for name, value in short.items()
        if name.endswith("_distance") and value > _LARGE_DISTANCE
    ]
    if far:
        yield (
            "Generated distributions are off (Wasserstein distance in units of the spread) in: "
            f"{', '.join(far)}."
        )
    exact = short.get("segment_exact_pct", 100.0)
    if exact < _FEW_EXACT_PCT:
        yield f"Only {exact:.0f}% of the resonances are found with the right class and all objects."


def _quantity(name: str) -> str:
    words = name.removesuffix("_correlation").removesuffix("_distance").removesuffix("_gev")
    return words.replace("_", " ")
