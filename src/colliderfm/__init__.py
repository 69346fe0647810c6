"""colliderfm: the experiment platform for collider-physics foundation models.

Public names: ``load_encoder(uri)``, ``results(study)``, ``load_params()``, ``EventBatch``,
``ColliderFMError``. They are imported on first use, so that the command line starts at once.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from colliderfm.errors import ColliderFMError

if TYPE_CHECKING:
    from colliderfm.config.load import load_params
    from colliderfm.data.event_batch import EventBatch
    from colliderfm.pipelines.encoder import load_encoder
    from colliderfm.tracking.results import results

__version__ = "0.1.0"

_HOMES = {
    "EventBatch": "colliderfm.data.event_batch",
    "load_encoder": "colliderfm.pipelines.encoder",
    "load_params": "colliderfm.config.load",
    "results": "colliderfm.tracking.results",
}

__all__ = ["ColliderFMError", "EventBatch", "load_encoder", "load_params", "results"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
