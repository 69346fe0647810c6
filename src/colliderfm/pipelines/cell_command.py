"""A cell as the command that repeats it, and that command read back."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from colliderfm.config.flatten import flatten
from colliderfm.config.load import assignment, load_params, with_assignments
from colliderfm.config.project import project_root
from colliderfm.config.schema import Params
from colliderfm.studies.protocol import Cell, Study


@dataclass(frozen=True)
class FinetuneRequest:
    """Arguments of ``finetune``; see ``colliderfm finetune --help``."""

    study: str
    init: str = "pretrained"
    encoder: str = ""
    fraction: float = 1.0
    events: int = 0
    seed: int = 0
    data: str = ""
    register: bool = False


def settings_of_cell(params: Params, study: Study, cell: Cell) -> dict[str, Any]:
    """Return the settings of the study that decide a cell's numbers."""
    settings = study.settings(params).model_dump(mode="json")
    other_arms = set(study.arms) - {cell.init}
    for not_of_this_cell in ("comparison", "sweep", "set", *other_arms):
        settings.pop(not_of_this_cell, None)
    return settings


def changed_settings(params: Params, study: Study, cell: Cell) -> list[str]:
    """Return as ``--set`` options in what a cell's parameters differ from params.yaml, and its threads."""
    family = f"model.{study.family}"

    def deciding(tree: Params) -> dict[str, Any]:
        settings = settings_of_cell(tree, study, cell) | {"set": study.settings(tree).set}
        found = flatten(settings, f"studies.{study.name}")
        found |= flatten(getattr(tree.model, study.family), family)
        return found | {"compute.events_per_pass": tree.compute.events_per_pass}

    usual = deciding(load_params(project_root()))
    changed = {k: v for k, v in deciding(params).items() if k not in usual or usual[k] != v}
    changed["compute.threads"] = params.compute.threads
    return [assignment(key, value) for key, value in changed.items()]


def command_of(request: FinetuneRequest, settings: Sequence[str]) -> str:
    """Return the command that repeats a cell; ``runs resume`` reads it back."""
    size = ["--events", str(request.events)] if request.events else []
    words = ["colliderfm", "finetune", "--study", request.study, "--init", request.init]
    words += size or ["--fraction", f"{request.fraction:g}"]
    words += ["--seed", str(request.seed)]
    if request.init == "pretrained" and request.encoder:
        words += ["--encoder", request.encoder]
    words += ["--data", request.data] if request.data else []
    words += [word for one in settings for word in ("--set", one)]
    return shlex.join(words)


def request_of(command: str) -> FinetuneRequest:
    """Return the request that a recorded finetune command means."""
    options = {name: value for name, value in _options(command) if name != "set"}
    return FinetuneRequest(
        study=options["study"],
        init=options["init"],
        encoder=options.get("encoder", FinetuneRequest.encoder),
        fraction=float(options.get("fraction", 1.0)),
        events=int(options.get("events", 0)),
        seed=int(options["seed"]),
        data=options.get("data", ""),
    )


def params_of(params: Params, command: str) -> Params:
    """Return the parameters with what a recorded command sets (all of it is part of a cell's key)."""
    return with_assignments(params, [value for name, value in _options(command) if name == "set"])


def _options(command: str) -> list[tuple[str, str]]:
    words = shlex.split(command)
    return [(words[i].removeprefix("--"), words[i + 1]) for i in range(2, len(words) - 1, 2)]
