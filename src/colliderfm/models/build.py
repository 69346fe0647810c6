"""The single door from settings to a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import nn

from colliderfm.data.event_schema import PROCESS_INDEX, PROCESSES
from colliderfm.data.normalize import Normalizer
from colliderfm.errors import ConfigError
from colliderfm.models.event_model import EventEncoder, EventModel
from colliderfm.models.settings import (
    AssignSettings,
    ClassifySettings,
    CloudSettings,
    EncoderSettings,
    HeadSettings,
    InvisibleSettings,
    QuantitySettings,
    RegressSettings,
    SegmentSettings,
)
from colliderfm.models.sizes import encoder_settings
from colliderfm.nn.heads.assign import AssignHead
from colliderfm.nn.heads.classify import ClassifyHead
from colliderfm.nn.heads.generate_cloud import CloudHead
from colliderfm.nn.heads.generate_event import EventQuantityHead
from colliderfm.nn.heads.generate_invisible import InvisibleHead
from colliderfm.nn.heads.regress import RegressHead
from colliderfm.nn.heads.segment import SegmentHead
from colliderfm.physics.decays import ASSIGNABLE, DECAYS, Decay


def build_event_model(
    size: str | EncoderSettings,
    *,
    heads: Sequence[HeadSettings],
    normalizer: Normalizer | None = None,
    pair_features: bool = True,
    dropout: float = 0.1,
) -> EventModel:
    """Build an event network with fresh weights.

    Parameters
    ----------
    size : str or EncoderSettings
        Name of a preset, or complete settings (``pair_features`` and ``dropout`` are then taken
        from them).
    heads : sequence of HeadSettings
        Heads, with distinct names.
    normalizer : Normalizer, optional
        Fitted on training events; an unfitted one by default.
    pair_features : bool
        Whether the network sees relations between objects.
    dropout : float
        Dropout probability.

    Returns
    -------
    EventModel
        In training mode.

    Raises
    ------
    ConfigError
        If the size, a process or a decay is unknown, or two heads share a name.
    """
    if isinstance(size, EncoderSettings):
        settings = size
    else:
        settings = encoder_settings(size, pair_features=pair_features, dropout=dropout)
    encoder = EventEncoder(normalizer if normalizer is not None else Normalizer(), settings)
    built: dict[str, nn.Module] = {}
    for head in heads:
        if head.name in built:
            raise ConfigError("two heads of a model share a name", got=head.name)
        built[head.name] = _build_head(head, settings)
    return EventModel(encoder, built, heads)


def _build_head(head: HeadSettings, settings: EncoderSettings) -> nn.Module:
    """Return the head described by its settings."""
    return _BUILDERS[head.kind](head, settings)


def _classify(head: ClassifySettings, settings: EncoderSettings) -> nn.Module:
    return ClassifyHead(
        settings.width,
        head.hidden or 4 * settings.width,
        class_of_process(head.classes),
        dropout=settings.dropout,
        class_weights=head.class_weights,
    )


def _assign(head: AssignSettings, settings: EncoderSettings) -> nn.Module:
    return AssignHead(
        settings.width,
        _decays(head.name, head.decays, ASSIGNABLE),
        rank=head.rank or settings.width // 2,
        pair_channels=settings.pair_hidden if settings.pair_features else 0,
        detection_weight=head.detection_weight,
    )


def _regress(head: RegressSettings, settings: EncoderSettings) -> nn.Module:
    return RegressHead(
        settings.width,
        _decays(head.name, head.decays, DECAYS),
        hidden=head.hidden or 2 * settings.width,
        n_heads=settings.n_heads,
    )


def _segment(head: SegmentSettings, settings: EncoderSettings) -> nn.Module:
    return SegmentHead(
        settings.width,
        settings.n_heads,
        _decays(head.name, head.classes, DECAYS),
        n_queries=head.n_queries,
        n_layers=head.n_layers,
        hidden=2 * settings.width,
        none_weight=head.none_weight,
    )


def _cloud(head: CloudSettings, settings: EncoderSettings) -> nn.Module:
    return CloudHead(settings.width, head.hidden or 2 * settings.width)


def _invisible(head: InvisibleSettings, settings: EncoderSettings) -> nn.Module:
    return InvisibleHead(settings.width, settings.n_heads, n_layers=head.n_layers)


def _quantities(head: QuantitySettings, _settings: EncoderSettings) -> nn.Module:
    return EventQuantityHead(head.quantities, head.hidden)


_BUILDERS: dict[str, Callable[[Any, EncoderSettings], nn.Module]] = {
    "classify": _classify,
    "assign": _assign,
    "regress": _regress,
    "segment": _segment,
    "cloud": _cloud,
    "invisible": _invisible,
    "quantities": _quantities,
}


def _decays(head: str, names: Sequence[str], allowed: Sequence[Decay]) -> list[Decay]:
    """Return decays by name."""
    known = {decay.name: decay for decay in allowed}
    for name in names:
        if name not in known:
            raise ConfigError(f"head {head}: decay", got=name, need="one of " + ", ".join(known))
    return [known[name] for name in names]


def class_of_process(classes: Sequence[tuple[str, Sequence[str]]]) -> list[int]:
    """Return the class of each process index; -1 for processes in no class.

    Parameters
    ----------
    classes : sequence of (str, sequence of str)
        Name and processes of each class.

    Returns
    -------
    list of int
        One entry per name in ``PROCESSES``.

    Raises
    ------
    ConfigError
        If there are fewer than two classes, or a process is unknown or in two classes.

    Examples
    --------
    >>> class_of_process([("background", ["qcd", "tt"]), ("signal", ["tth"])])[:4]
    [0, 0, 1, -1]
    """
    if len(classes) < 2:
        raise ConfigError("classes of a classification head", got=len(classes), need="two or more")
    result = [-1] * len(PROCESSES)
    for i_class, (name, processes) in enumerate(classes):
        for process in processes:
            if process not in PROCESS_INDEX:
                raise ConfigError(
                    f"class {name}: process", got=process, need="one of " + ", ".join(PROCESSES)
                )
            if result[PROCESS_INDEX[process]] != -1:
                raise ConfigError(f"class {name}: process is in two classes", got=process)
            result[PROCESS_INDEX[process]] = i_class
    return result
