"""The four sizes of the event encoder."""

from __future__ import annotations

from dataclasses import fields, replace
from difflib import get_close_matches
from typing import Any

from colliderfm.errors import ConfigError
from colliderfm.models.settings import EncoderSettings

# Parameters of encoder and both pretraining heads: 40 k, 0.77 M, 23 M, 111 M (under test).
SIZES: dict[str, EncoderSettings] = {
    "tiny": EncoderSettings(
        width=24,
        n_heads=2,
        n_blocks=2,
        n_object_layers=1,
        n_edge_layers=1,
        mlp_ratio=2,
        pair_hidden=12,
    ),
    "small": EncoderSettings(
        width=64, n_heads=4, n_blocks=10, n_object_layers=2, n_edge_layers=2, mlp_ratio=4
    ),
    "base": EncoderSettings(
        width=320, n_heads=10, n_blocks=13, n_object_layers=2, n_edge_layers=3, pair_hidden=32
    ),
    "large": EncoderSettings(
        width=640, n_heads=20, n_blocks=17, n_object_layers=2, n_edge_layers=3, pair_hidden=48
    ),
}


def encoder_settings(size: str, **overrides: Any) -> EncoderSettings:
    """Return the settings of a named size.

    Parameters
    ----------
    size : str
        ``tiny``, ``small``, ``base`` or ``large``.
    **overrides
        Fields of ``EncoderSettings`` to change, e.g. ``n_blocks=16``.

    Returns
    -------
    EncoderSettings
        The preset with the overrides applied.

    Raises
    ------
    ConfigError
        If the size or a field is unknown, or the heads do not divide the width.
    """
    if size not in SIZES:
        raise _unknown("model size", size, list(SIZES))
    names = [field.name for field in fields(EncoderSettings)]
    for name in overrides:
        if name not in names:
            raise _unknown("encoder setting", name, names)
    settings = replace(SIZES[size], **overrides)
    if settings.width % settings.n_heads:
        raise ConfigError(
            "attention heads of the encoder",
            got=f"n_heads={settings.n_heads} at width={settings.width}",
            need="a number of heads that divides the width",
        )
    return settings


def _unknown(what: str, got: str, allowed: list[str]) -> ConfigError:
    """Return the error for a name that is not one of the allowed ones."""
    closest = get_close_matches(got, allowed, n=1)
    return ConfigError(
        f"unknown {what}",
        got=got,
        need="one of " + ", ".join(allowed),
        fix=f"write {closest[0]}" if closest else None,
    )
