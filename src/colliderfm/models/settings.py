"""What a network is made of: frozen dataclasses, saved as ``config.json`` beside the weights."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class EncoderSettings:
    """Shape of an event encoder.

    Parameters
    ----------
    width : int
        Token width D.
    n_heads : int
        Attention heads; divides the width.
    n_blocks : int
        Transformer blocks over objects and the global token.
    n_object_layers : int
        Further blocks that also hold the event token (the object encoder).
    n_edge_layers : int
        Point-edge layers over nearest neighbors.
    n_neighbors : int
        Neighbors of a point-edge layer.
    mlp_ratio : float
        Hidden width of feed-forward layers relative to the width.
    pair_hidden : int
        Hidden channels of the pair embedding.
    pair_features : bool
        Pair masses, distances and momentum shares as attention bias and in the tokens.
    dropout : float
        Dropout probability.
    """

    width: int
    n_heads: int
    n_blocks: int
    n_object_layers: int
    n_edge_layers: int
    n_neighbors: int = 3
    mlp_ratio: float = 4.0
    pair_hidden: int = 24
    pair_features: bool = True
    dropout: float = 0.1


@dataclass(frozen=True)
class ClassifySettings:
    """A classification head.

    Parameters
    ----------
    classes : tuple of (str, tuple of str)
        Name and processes of each class, in the order of the outputs.
    name : str
        Key of its outputs and losses.
    hidden : int
        Width of its hidden layers; 0 = four times the token width.
    class_weights : tuple of float, optional
        Factor on the loss of each class.
    """

    classes: tuple[tuple[str, tuple[str, ...]], ...]
    name: str = "classify"
    hidden: int = 0
    class_weights: tuple[float, ...] | None = None


@dataclass(frozen=True)
class AssignSettings:
    """An assignment head.

    Parameters
    ----------
    decays : tuple of str
        Names of decays from ``physics.decays`` with two or three visible daughters.
    name : str
        Key of its outputs and losses.
    rank : int
        Length of the vector of an object as one kind of daughter; 0 = half the token width.
    detection_weight : float
        Weight of the matchable-count loss relative to the tuple loss.
    """

    decays: tuple[str, ...]
    name: str = "assign"
    rank: int = 0
    detection_weight: float = 0.2


HeadSettings = ClassifySettings | AssignSettings


def head_to_dict(head: HeadSettings) -> dict[str, Any]:
    """Return settings of a head as JSON content that names its kind.

    Parameters
    ----------
    head : ClassifySettings or AssignSettings
        Settings.

    Returns
    -------
    dict
        Fields and ``kind``.
    """
    kind = "classify" if isinstance(head, ClassifySettings) else "assign"
    return {"kind": kind, **asdict(head)}


def head_from_dict(content: dict[str, Any]) -> HeadSettings:
    """Return settings of a head from JSON content.

    Parameters
    ----------
    content : dict
        From ``head_to_dict``, possibly through JSON (tuples have become lists).

    Returns
    -------
    ClassifySettings or AssignSettings
        Equal to the settings written.

    Raises
    ------
    KeyError, TypeError
        If the content is something else.
    """
    values = {name: value for name, value in content.items() if name != "kind"}
    if content["kind"] == "assign":
        return AssignSettings(**{**values, "decays": tuple(values["decays"])})
    values["classes"] = tuple((name, tuple(processes)) for name, processes in values["classes"])
    if values["class_weights"] is not None:
        values["class_weights"] = tuple(values["class_weights"])
    return ClassifySettings(**values)
