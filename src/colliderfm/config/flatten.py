"""``Params`` as flat ``a.b.c`` keys: what MLflow logs, what ``--set`` addresses."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel


def flatten(tree: BaseModel | Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the leaves of a tree under dotted keys.

    Parameters
    ----------
    tree : BaseModel or mapping
        A section of the parameters.
    prefix : str
        Put in front of each key, with a dot.

    Returns
    -------
    dict
        ``{"a.b.c": value}``; lists stay whole.

    Examples
    --------
    >>> flatten({"train": {"rate": 0.1}})
    {'train.rate': 0.1}
    """
    return dict(_leaves(_plain(tree), prefix))


def _plain(tree: BaseModel | Mapping[str, Any]) -> Mapping[str, Any]:
    return tree.model_dump(mode="json") if isinstance(tree, BaseModel) else tree


def _leaves(tree: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        name = f"{prefix}.{key}" if prefix else str(key)
        if isinstance(value, Mapping):
            yield from _leaves(value, name)
        else:
            yield name, value


def params_sha256(tree: BaseModel | Mapping[str, Any]) -> str:
    """Return a digest of a section: equal values give equal digests, whatever their order."""
    text = json.dumps(_plain(tree), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
