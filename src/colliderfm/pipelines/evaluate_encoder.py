"""``evaluate --encoder``: judge a pretrained encoder with its heads once more, without training.

Metrics and figures are those that ``pretrain`` makes after training, by today's code; loss curves are
drawn from the history in the recipe, if it has one. Read first ``pretrain.py``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from colliderfm.config.flatten import flatten
from colliderfm.config.project import project_root
from colliderfm.config.schema import Params
from colliderfm.errors import CheckpointError
from colliderfm.models.model_folder import CONFIG_FILE
from colliderfm.pipelines.encoder import resolve_encoder
from colliderfm.pipelines.folders import event_set_folder, writable_folder
from colliderfm.pipelines.pretrain import family_module
from colliderfm.pipelines.pretrain_steps import TrainedEncoder, rounded, write_json
from colliderfm.train.device import resolve_device
from colliderfm.train.settings import FitResult

RECIPE_FILE = "pretraining.json"
# What of a recipe decides how an encoder is judged and drawn; the rest decides its training.
_JUDGED_BY = {
    "event": ("variant", "processes", "max_updates", "self_supervised_fraction"),
    "spectrum": ("variant", "task"),
}


@dataclass(frozen=True)
class EncoderEvaluation:
    """Validation metrics of an encoder and where its figures are."""

    name: str
    run_id: str
    metrics: dict[str, float]
    folder: Path

    def __str__(self) -> str:
        rows = [f"  {key:44} {value:.4g}" for key, value in sorted(self.metrics.items())]
        return "\n".join([f"{self.name}, run {self.run_id} -> {self.folder}", *rows])


def evaluate_encoder(
    params: Params, encoder: str, *, data: str = "", out: str = ""
) -> EncoderEvaluation:
    """Judge a pretrained encoder on the validation split of a pretraining set.

    Parameters
    ----------
    params : Params
        Variant and classes (or task) are those of the encoder's own recipe, the rest is read here.
    encoder : str
        Registered encoder (``models:/NAME@ALIAS``, ``models:/NAME/VERSION``) or a folder.
    data : str
        Pretraining set; empty means that of the recipe.
    out : str
        Folder of ``metrics.json`` and figures; empty means ``outputs/evaluate/FAMILY``.

    Returns
    -------
    EncoderEvaluation

    Raises
    ------
    CheckpointError
        If the folder holds no pretrained encoder, or one without its recipe.
    DataError, TrackingError
        If the data or the registry entry is unusable.
    """
    from colliderfm.tracking.provenance import provenance
    from colliderfm.tracking.run import open_run

    found = resolve_encoder(encoder)
    family, recipe = _family(Path(found.folder)), _recipe(Path(found.folder))
    params = as_trained(params, family, recipe)
    events, md5 = event_set_folder(params, data or getattr(params.pretrain, family).set)
    target = writable_folder(project_root() / (out or f"outputs/evaluate/{family}"))
    metrics = judge_saved(params, Path(found.folder), events, target)
    tags = provenance("evaluate", params.model_dump(mode="json"), md5)
    tags |= {"evaluates": encoder, **found.tags()}
    tree = {key: value for key, value in flatten(params).items() if key != "seed"}
    with open_run(f"pretrain-{family}", f"evaluate {found.name}", tree, tags) as run:
        run.log_dataset(events.name, md5, str(events), "validation")
        run.log_metrics(metrics, step=0)
        run.log_folder(target, "report")
    return EncoderEvaluation(found.name, str(run.run_id), metrics, target)


def judge_saved(params: Params, folder: Path, events: Path, out: Path) -> dict[str, float]:
    """Judge a saved network with its heads, and write metrics and figures.

    Parameters
    ----------
    params : Params
        Variant and classes (or task) are those of the recipe.
    folder : Path
        Written by ``pretrain``.
    events : Path
        Pretraining set.
    out : Path
        Gets ``metrics.json``, figures, and card and recipe with these metrics.

    Returns
    -------
    dict of str to float
        As ``pretrain`` gives them after training, with the same seed.
    """
    torch.set_num_threads(params.compute.threads)
    family, recipe = _family(folder), _recipe(folder)
    params = as_trained(params, family, recipe)
    steps = family_module(family)
    tables = steps.load_tables(params, events)
    model = _load(family, folder).to(resolve_device(params.compute.device))
    history = recipe.get("history", [])
    outcome = FitResult(float("nan"), recipe["best_update"], recipe["updates"], "cap", 0.0, history)
    judgment = steps.judge(params, model, tables, recipe["seed"])
    steps.write_outputs(params, TrainedEncoder(model, outcome), judgment, out)
    metrics: dict[str, float] = judgment.metrics
    recipe, card = steps.described(recipe | {"metrics": rounded(metrics)}, model, tables)
    write_json(out / RECIPE_FILE, recipe)
    (out / "card.md").write_text(card, encoding="utf-8")
    return metrics


def _family(folder: Path) -> str:
    """Return ``event`` or ``spectrum``."""
    from colliderfm.models.spectrum_files import FAMILY

    config = _json(folder / CONFIG_FILE)
    return "spectrum" if config.get("family") == FAMILY else "event"


def _recipe(folder: Path) -> dict[str, Any]:
    recipe = _json(folder / RECIPE_FILE)
    missing = [key for key in ("settings", "seed", "updates", "best_update") if key not in recipe]
    if missing:
        raise CheckpointError(
            f"{folder / RECIPE_FILE} is not a recipe of pretraining",
            got=f"no {', '.join(missing)}",
            need="the file that `colliderfm pretrain` writes",
        )
    return recipe


def _json(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        raise CheckpointError(
            f"{path} cannot be read",
            got=str(err),
            need="the folder of an encoder that `colliderfm pretrain` made",
            fix="name one, e.g. models:/event-encoder@candidate or runs/pretrain-event/KEY/model",
        ) from err
    return content


def as_trained(params: Params, family: str, recipe: dict[str, Any]) -> Params:
    """Return the parameters with what decides judgment and figures as it was in training.

    Parameters
    ----------
    params : Params
        Today's.
    family : str
        ``event`` or ``spectrum``.
    recipe : dict
        Content of ``pretraining.json``.

    Returns
    -------
    Params
        Set, variant and what else of the recipe counts; all other settings are today's.
    """
    known = recipe["settings"]
    section = getattr(params.pretrain, family)
    own = {key: known[key] for key in ("set", *_JUDGED_BY[family]) if key in known}
    section = type(section).model_validate(section.model_dump() | own)
    pretrain = params.pretrain.model_copy(update={family: section})
    return params.model_copy(update={"pretrain": pretrain})


def _load(family: str, folder: Path) -> Any:
    """Return the whole network, heads included, in evaluation mode."""
    if family == "spectrum":
        from colliderfm.models.spectrum_files import load_spectrum_model

        return load_spectrum_model(folder)
    from colliderfm.models.weights import load_model

    return load_model(folder)
