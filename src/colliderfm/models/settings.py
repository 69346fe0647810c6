"""What a network is made of: frozen dataclasses, saved as ``config.json`` beside the weights."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar


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

    kind: ClassVar[str] = "classify"
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

    kind: ClassVar[str] = "assign"
    decays: tuple[str, ...]
    name: str = "assign"
    rank: int = 0
    detection_weight: float = 0.2


@dataclass(frozen=True)
class RegressSettings:
    """A head for masses and momenta of resonances.

    Parameters
    ----------
    decays : tuple of str
        Names of decays from ``physics.decays``.
    name : str
        Key of its outputs and losses.
    hidden : int
        Width of its hidden layers; 0 = twice the token width.
    """

    kind: ClassVar[str] = "regress"
    decays: tuple[str, ...]
    name: str = "regress"
    hidden: int = 0


@dataclass(frozen=True)
class SegmentSettings:
    """A head that finds resonances: which there are, and which objects belong to each.

    Parameters
    ----------
    classes : tuple of str
        Decays to find; ``none`` comes in addition.
    name : str
        Key of its outputs and losses.
    n_queries : int
        Largest number of resonances found in an event.
    n_layers : int
        Decoder layers.
    none_weight : float
        Weight of a query without a resonance in the loss of the class, above 0.
    """

    kind: ClassVar[str] = "segment"
    classes: tuple[str, ...]
    name: str = "segment"
    n_queries: int = 6
    n_layers: int = 2
    none_weight: float = 0.2


@dataclass(frozen=True)
class CloudSettings:
    """A head that generates objects: self-supervised, on noised objects.

    Parameters
    ----------
    name : str
        Key of its outputs and losses.
    hidden : int
        Width of its hidden layers; 0 = twice the token width.
    """

    kind: ClassVar[str] = "cloud"
    name: str = "cloud"
    hidden: int = 0


@dataclass(frozen=True)
class InvisibleSettings:
    """A head that generates the invisible particles of an event.

    Parameters
    ----------
    name : str
        Key of its outputs and losses.
    n_layers : int
        Decoder layers.
    """

    kind: ClassVar[str] = "invisible"
    name: str = "invisible"
    n_layers: int = 2


@dataclass(frozen=True)
class QuantitySettings:
    """A head that generates event-level quantities from the class of the event.

    Parameters
    ----------
    quantities : tuple of str
        Globals of the event schema.
    name : str
        Key of its outputs and losses.
    hidden : int
        Width of its hidden layers.
    """

    kind: ClassVar[str] = "quantities"
    quantities: tuple[str, ...]
    name: str = "quantities"
    hidden: int = 64


HeadSettings = (
    ClassifySettings
    | AssignSettings
    | RegressSettings
    | SegmentSettings
    | CloudSettings
    | InvisibleSettings
    | QuantitySettings
)
_HEADS: dict[str, type[HeadSettings]] = {
    settings.kind: settings
    for settings in (
        *(ClassifySettings, AssignSettings, RegressSettings, SegmentSettings),
        *(CloudSettings, InvisibleSettings, QuantitySettings),
    )
}


def head_to_dict(head: HeadSettings) -> dict[str, Any]:
    """Return settings of a head as JSON content that names its kind.

    Parameters
    ----------
    head : HeadSettings
        Settings.

    Returns
    -------
    dict
        Fields and ``kind``.
    """
    return {"kind": head.kind, **asdict(head)}


def head_from_dict(content: dict[str, Any]) -> HeadSettings:
    """Return settings of a head from JSON content.

    Parameters
    ----------
    content : dict
        From ``head_to_dict``, possibly through JSON (tuples have become lists).

    Returns
    -------
    HeadSettings
        Equal to the settings written.

    Raises
    ------
    KeyError, TypeError
        If the content is something else.
    """
    values = {name: _tupled(value) for name, value in content.items() if name != "kind"}
    return _HEADS[content["kind"]](**values)


def _tupled(value: Any) -> Any:
    """Return lists, at every depth, as tuples."""
    return tuple(map(_tupled, value)) if isinstance(value, list | tuple) else value
