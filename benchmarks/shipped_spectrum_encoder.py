"""The shipped spectrum encoder, judged from its files as a fresh pretraining is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from colliderfm.config.load import PARAMS_FILE, read_yaml, validate
from colliderfm.config.schema import Params
from colliderfm.models.spectrum_files import load_spectrum_model
from colliderfm.pipelines.folders import event_set_folder
from colliderfm.pipelines.pretrain_spectrum import steps
from colliderfm.pipelines.pretrain_spectrum.figures import write_figures


def judge_shipped(shipped: Path, root: Path, report: Path) -> dict[str, Any]:
    """Judge an encoder from its files, write its metrics and figures, and return its record.

    Parameters
    ----------
    shipped : Path
        Folder with pretraining.json and the weights.
    root, report : Path
        The project, and where to write.

    Returns
    -------
    dict
        As the record of a pretraining, without history.
    """
    recipe = json.loads((shipped / "pretraining.json").read_text(encoding="utf-8"))
    params = params_of_recipe(recipe, root)
    tables = steps.load_tables(params, event_set_folder(params, params.pretrain.spectrum.set)[0])
    model = load_spectrum_model(shipped)
    found = steps.judge(params, model, tables, recipe["seed"])
    metrics = {name: float(f"{value:.6g}") for name, value in sorted(found.items())}
    text = json.dumps(metrics, indent=1) + "\n"
    (report / "metrics.json").write_text(text, encoding="utf-8")
    task = params.pretrain.spectrum.task
    write_figures(report, model.encoder, tables, task, metrics, [])
    return {
        "name": "shipped",
        "section": "width",
        "label": f"shipped: [recipe](../../{shipped.relative_to(root)}/pretraining.json)",
        "task": task,
        "latent": recipe["model"]["latent"],
        "updates": recipe["updates"],
        "metrics": metrics,
    }


def params_of_recipe(recipe: Mapping[str, Any], root: Path) -> Params:
    """Return the parameters that an encoder was pretrained with."""
    tree = read_yaml(root / PARAMS_FILE)
    tree["pretrain"]["spectrum"] |= recipe["settings"]
    tree["model"]["spectrum"] |= recipe["model"]
    return validate(tree, "pretraining.json")
