"""Where and in which precision to compute."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager

import torch

from colliderfm.errors import ConfigError


def resolve_device(name: str) -> torch.device:
    """Choose the device to compute on.

    Parameters
    ----------
    name : str
        ``"auto"`` (a GPU if there is one), ``"cpu"`` or ``"cuda"``.

    Returns
    -------
    torch.device
        Under ``torchrun`` a GPU process gets the GPU of its local rank.

    Raises
    ------
    ConfigError
        If ``cuda`` is asked for and there is none.
    """
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise ConfigError(
            "device",
            got="cuda, but torch finds none here",
            need="cpu or auto",
            fix="use device auto, or install torch with CUDA",
        )
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


def autocast(device: torch.device, precision: str) -> AbstractContextManager[None]:
    """Return the autocast context: bf16 for ``bf16`` and for ``auto`` on a GPU, else nothing."""
    is_bf16 = precision == "bf16" or (precision == "auto" and device.type == "cuda")
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=is_bf16)
