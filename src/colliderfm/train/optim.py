"""AdamW with one learning rate for the encoder and one for the heads.

Groups are made from the parameters themselves, so every rate takes effect on exactly the
parameters it names. Read next: :mod:`colliderfm.train.schedule`.
"""

from __future__ import annotations

from typing import Any

import torch

from colliderfm.train.schedule import schedule_factor
from colliderfm.train.settings import FitSettings

ENCODER_PREFIX = "encoder."
# Inputs that are new to a pretrained encoder start at zero and train like a head.
NEW_INPUT_PREFIXES = ("encoder.object_extras.", "encoder.global_extras.")


def build_optimizer(model: torch.nn.Module, settings: FitSettings) -> torch.optim.AdamW:
    """Build AdamW over the trainable parameters of a model.

    Parameters
    ----------
    model : torch.nn.Module
        Parameters below ``model.encoder`` get ``encoder_learning_rate``, all others and the
        projections of extra inputs ``head_learning_rate``; vectors and scalars (biases, norms,
        scales) get no weight decay. Frozen parameters are left out.
    settings : FitSettings
        Rates and weight decay.

    Returns
    -------
    torch.optim.AdamW
        Each group carries ``name`` (``encoder`` or ``head``), ``peak_lr`` and ``parameter_names``.
    """
    groups: dict[tuple[str, bool], dict[str, Any]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        part = part_of(name)
        has_decay = parameter.ndim > 1
        rate = settings.encoder_learning_rate if part == "encoder" else settings.head_learning_rate
        group = groups.setdefault(
            (part, has_decay),
            {
                "name": part,
                "params": [],
                "parameter_names": [],
                "lr": rate,
                "peak_lr": rate,
                "weight_decay": settings.weight_decay if has_decay else 0.0,
            },
        )
        group["params"].append(parameter)
        group["parameter_names"].append(name)
    return torch.optim.AdamW(list(groups.values()), fused=True)


def part_of(name: str) -> str:
    """Return the part of a model, and so the rate, that a parameter belongs to.

    Examples
    --------
    >>> part_of("encoder.norm.weight"), part_of("encoder.object_extras.weight")
    ('encoder', 'head')
    """
    is_body = name.startswith(ENCODER_PREFIX) and not name.startswith(NEW_INPUT_PREFIXES)
    return "encoder" if is_body else "head"


def set_learning_rates(
    optimizer: torch.optim.Optimizer, update: int, settings: FitSettings
) -> dict[str, float]:
    """Set every group to its rate in an update and return the rates by part."""
    factor = schedule_factor(update, settings.warmup_updates, settings.max_updates)
    rates: dict[str, float] = {}
    for group in optimizer.param_groups:
        group["lr"] = group["peak_lr"] * factor
        rates[group["name"]] = group["lr"]
    return rates


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """Return moments and step counts as ``<parameter name>:<field>`` → tensor."""
    tensors: dict[str, torch.Tensor] = {}
    for group in optimizer.param_groups:
        for name, parameter in zip(group["parameter_names"], group["params"], strict=True):
            for key, value in optimizer.state.get(parameter, {}).items():
                tensors[f"{name}:{key}"] = value
    return tensors


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    """Put moments and step counts back; the inverse of ``optimizer_tensors``.

    Tensors must already have the layout (device, sharding) of their parameters.
    """
    parameters = {
        name: parameter
        for group in optimizer.param_groups
        for name, parameter in zip(group["parameter_names"], group["params"], strict=True)
    }
    optimizer.state.clear()
    for full_name, value in tensors.items():
        name, _, key = full_name.rpartition(":")
        optimizer.state[parameters[name]][key] = value
