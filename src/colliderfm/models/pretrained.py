"""Plug and play: a pretrained encoder, and any of its heads, into a network for new data.

Everything is compared name by name and shape by shape before a value changes. The network may read
other globals and further features of objects than the file's: a feature new to the encoder has no
effect until it is trained. Read next: ``load_report.py``.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from colliderfm.data.normalize import GLOBAL_INPUTS, Normalizer
from colliderfm.errors import CheckpointError
from colliderfm.models.event_model import EventModel
from colliderfm.models.load_report import LoadReport, part_of, shapes_of
from colliderfm.models.model_folder import (
    NORMALIZATION_FILE,
    check_match,
    read_text,
    read_weights,
)
from colliderfm.models.settings import HeadSettings, head_to_dict
from colliderfm.models.weights import ANOTHER_SIZE, read_config

logger = logging.getLogger(__name__)

Scales = Literal["pretrained", "data"]
_EXTRAS = ("object_extras", "global_extras")
_FIRST_OF_GLOBALS = "encoder.embed_globals.0.weight"
_LEAVE_OUT = "do not load this head: it then starts with fresh weights"


def load_pretrained(
    model: EventModel,
    folder: Path | str,
    heads: Collection[str] | Literal["all"] = (),
    normalizer: Scales = "pretrained",
) -> LoadReport:
    """Take the encoder and some heads of a saved network over; the rest stays fresh.

    Parameters
    ----------
    model : EventModel
        Changed in place, unless an error is raised.
    folder : Path or str
        Written by ``save_model``.
    heads : collection of str or "all"
        Heads to load as well, by name; ``all`` are those that both networks have.
    normalizer : {"pretrained", "data"}
        Scales of the inputs: those of the file, or those that the network has (measured on the new
        data). Features that the file's network does not know always keep the latter.

    Returns
    -------
    LoadReport
        Also logged; tensor by tensor at level DEBUG.

    Raises
    ------
    CheckpointError
        If the encoder or a head to load has other parts, shapes, classes or decays, or a head to
        load does not exist.
    """
    state, report = match_pretrained(model, folder, heads, normalizer)
    model.load_state_dict(state)
    logger.info("%s", report)
    logger.debug("%s", report.details())
    return report


def match_pretrained(
    model: EventModel,
    folder: Path | str,
    heads: Collection[str] | Literal["all"] = (),
    normalizer: Scales = "pretrained",
) -> tuple[dict[str, Tensor], LoadReport]:
    """Return the state that ``load_pretrained`` gives a network, without changing it.

    Parameters
    ----------
    model, folder, heads, normalizer
        As for ``load_pretrained``.

    Returns
    -------
    state : dict of str to Tensor
        All tensors of the network.
    report : LoadReport
        Where they come from.

    Raises
    ------
    CheckpointError
        As ``load_pretrained``.
    """
    folder = Path(folder)
    own, saved = model.state_dict(), read_weights(folder)
    scales = Normalizer.from_json(read_text(folder / NORMALIZATION_FILE))
    wanted = _heads_to_load(model.head_settings, read_config(folder)[1], heads, folder)
    taken = {name: tensor for name, tensor in saved.items() if _is_taken(name, wanted)}
    needed = {name: tensor for name, tensor in own.items() if _is_taken(name, wanted)}
    fix = ANOTHER_SIZE if not wanted else f"{ANOTHER_SIZE}; or {_LEAVE_OUT}"
    check_match(needed, taken, folder, fix)
    if normalizer == "data":
        taken = {name: t for name, t in taken.items() if part_of(name) != "normalizer"}
    taken |= _extras(model.encoder.normalizer, scales, own, saved, normalizer)
    _forget_unread_globals(taken, scales)
    report = LoadReport(
        str(folder),
        loaded=shapes_of(taken),
        kept=shapes_of({name: t for name, t in own.items() if name not in taken}),
        unused=shapes_of({name: t for name, t in saved.items() if name not in taken}),
        normalizer=normalizer,
    )
    return {**own, **taken}, _with_inputs(report, model.encoder.normalizer, scales)


def _is_taken(name: str, heads: Collection[str]) -> bool:
    """Whether a tensor must be the same in both networks; extras are matched by feature."""
    if any(f".{kind}." in name for kind in _EXTRAS) and name.startswith("encoder."):
        return False
    return name.startswith("encoder.") or any(name.startswith(f"heads.{h}.") for h in heads)


def _heads_to_load(
    own: Sequence[HeadSettings],
    saved: Sequence[HeadSettings],
    heads: Collection[str] | Literal["all"],
    folder: Path,
) -> tuple[str, ...]:
    """Return the names of the heads to load; both networks have them and mean the same by them."""
    mine, theirs = ({head.name: head for head in some} for some in (own, saved))
    both = [name for name in mine if name in theirs]
    wanted = tuple(both) if heads == "all" else tuple(heads)
    for name in wanted:
        if name not in both:
            raise CheckpointError(
                f"head {name} cannot be loaded from {folder}",
                got="heads of the file: " + (", ".join(theirs) or "none"),
                need="one of " + (", ".join(both) or "none: the networks share no head"),
                fix=_LEAVE_OUT,
            )
        found, needed = _meaning(theirs[name]), _meaning(mine[name])
        if found != needed:
            raise CheckpointError(
                f"head {name} of {folder} means something else",
                got=found,
                need=needed,
                fix=_LEAVE_OUT,
            )
    return wanted


def _meaning(head: HeadSettings) -> str:
    """Return what the outputs of a head stand for: kind, and names of classes or decays in order."""
    content = head_to_dict(head)
    names = [
        f"{key} " + ", ".join(entry if isinstance(entry, str) else entry[0] for entry in value)
        for key, value in content.items()
        if isinstance(value, tuple) and key != "class_weights"
    ]
    return ": ".join([content["kind"], "; ".join(names)])


def _extras(
    own_scales: Normalizer,
    saved_scales: Normalizer,
    own: dict[str, Tensor],
    saved: dict[str, Tensor],
    normalizer: Scales,
) -> dict[str, Tensor]:
    """Return tensors of the extra features, rows of features that the file knows taken from it."""
    taken = {}
    for kind in _EXTRAS:
        mine, theirs = (getattr(s.choice, kind) for s in (own_scales, saved_scales))
        rows = [(mine.index(name), theirs.index(name)) for name in mine if name in theirs]
        names = [f"encoder.{kind}.weight"]
        if normalizer == "pretrained":
            names += [f"encoder.normalizer.{kind}.{part}" for part in ("mean", "std")]
        for name in names if rows else []:
            taken[name] = own[name].clone()
            for here, there in rows:
                taken[name][here] = saved[name][there]
    return taken


def _forget_unread_globals(taken: dict[str, Tensor], scales: Normalizer) -> None:
    """Set the weights of globals that the file's network never saw to zero."""
    unread = [GLOBAL_INPUTS.index(name) for name in scales.choice.withheld_globals]
    if unread:
        weight = taken[_FIRST_OF_GLOBALS].clone()
        weight[:, unread] = torch.zeros(())
        taken[_FIRST_OF_GLOBALS] = weight


def _with_inputs(report: LoadReport, own: Normalizer, saved: Normalizer) -> LoadReport:
    """Return the report with the features that only one of the networks reads."""
    mine, theirs = (s.choice.global_inputs + s.choice.object_extras for s in (own, saved))
    return replace(
        report,
        new_inputs=tuple(name for name in mine if name not in theirs),
        dropped_inputs=tuple(name for name in theirs if name not in mine),
    )
