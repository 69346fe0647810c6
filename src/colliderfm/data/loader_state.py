"""What loaders with exact resume have in common: possible ranks, and states that fit the loader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from colliderfm.errors import CheckpointError, ConfigError


def check_rank(rank: int, world_size: int) -> None:
    """Refuse an impossible rank.

    Parameters
    ----------
    rank : int
        Which part of every global batch a loader gives.
    world_size : int
        Number of parts.

    Raises
    ------
    ConfigError
        If the rank is not from 0 to ``world_size - 1``.
    """
    if not 0 <= rank < world_size:
        raise ConfigError("rank", got=rank, need=f"0 to {world_size - 1}")


def check_identity(
    kind: str, source: str, identity: Mapping[str, Any], state: Mapping[str, Any]
) -> None:
    """Refuse a saved state after which other batches would follow.

    Parameters
    ----------
    kind, source : str
        Loader and what it reads, as messages name them.
    identity : mapping of str to object
        What the batches of the loader depend on.
    state : mapping of str to object
        From ``state_dict`` of a loader; must hold the same.

    Raises
    ------
    CheckpointError
        If something differs.
    """
    for name, value in identity.items():
        if state.get(name) != value:
            raise CheckpointError(
                f"cannot resume the {kind} loader: {name} changed",
                got=value,
                need=f"{state.get(name)}, as when the checkpoint was written",
                fix=f"resume with the same {source} and settings, or start a new run",
            )
