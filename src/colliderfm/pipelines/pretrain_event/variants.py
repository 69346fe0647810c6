"""What each variant of event pretraining learns, and when: heads, loss weights and stages.

Stage 1 is self-supervised: objects are noised and put back, first few of them, later all. Stage 2
trains all heads of the variant on clean and on noised events. Read next: ``task.py``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from colliderfm.config.schema import EventPretraining
from colliderfm.models.event_model import NOISED_CLASSES
from colliderfm.models.settings import (
    AssignSettings,
    ClassifySettings,
    CloudSettings,
    HeadSettings,
    InvisibleSettings,
    RegressSettings,
    SegmentSettings,
)
from colliderfm.physics.decays import ASSIGNABLE, DECAYS

# Heads by variant; those with a cloud head have a self-supervised stage.
HEADS_OF_VARIANT: dict[str, tuple[str, ...]] = {
    "cls": ("classify",),
    "cls-assign": ("classify", "assign"),
    "ssl": ("cloud",),
    "cls-gen": ("classify", "cloud", "invisible"),
    "cls-gen-seg": ("classify", "cloud", "invisible", "segment"),
    "all": ("classify", "cloud", "invisible", "segment", "assign", "regress"),
}
# Heads whose targets are truth momenta or members, which files hold beside the events.
HEADS_WITH_TRUTH = frozenset({"invisible", "segment", "regress"})
# Part of stage 1 in which the share of noised objects grows; afterwards all objects are noised.
_GROWTH = 0.5


def pretraining_heads(settings: EventPretraining) -> list[HeadSettings]:
    """Return the heads of a variant, in the order of their names there."""
    visible = visible_decays()
    known: dict[str, HeadSettings] = {
        "classify": ClassifySettings(classes=tuple((name, (name,)) for name in settings.processes)),
        "assign": AssignSettings(
            decays=tuple(decay.name for decay in ASSIGNABLE if decay.name in visible)
        ),
        "regress": RegressSettings(decays=visible),
        "segment": SegmentSettings(classes=visible),
        "cloud": CloudSettings(),
        "invisible": InvisibleSettings(),
    }
    return [known[name] for name in HEADS_OF_VARIANT[settings.variant]]


def visible_decays() -> tuple[str, ...]:
    """Return the decays with visible daughters that pretraining knows of.

    Light bosons of the H -> aa study are left out: that signal is not part of pretraining.
    """
    return tuple(d.name for d in DECAYS if d.n_daughters and not d.name.startswith("a_"))


def needs_truth(settings: EventPretraining) -> bool:
    """Return whether a variant learns from truth momenta, which must then be read."""
    return bool(HEADS_WITH_TRUTH & {*HEADS_OF_VARIANT[settings.variant]})


def loss_weights(settings: EventPretraining) -> dict[str, float]:
    """Return the weight of each loss of a variant in the total."""
    weights = {
        "classify": 1.0,
        NOISED_CLASSES: settings.noised_classes_weight,
        "assign": settings.assign_weight,
        "regress": settings.regress_weight,
        "segment": settings.segment_weight,
        "cloud": settings.cloud_weight,
        "invisible": settings.invisible_weight,
    }
    wanted = {*HEADS_OF_VARIANT[settings.variant]}
    if {"classify", "cloud"} <= wanted:
        wanted.add(NOISED_CLASSES)
    return {name: weight for name, weight in weights.items() if name in wanted and weight > 0}


@dataclass(frozen=True)
class Stages:
    """The two stages in updates.

    Parameters
    ----------
    self_supervised_updates : int
        Updates of stage 1; 0 = there is none.
    first_masked_fraction : float
        Share of noised objects in the first update.
    """

    self_supervised_updates: int
    first_masked_fraction: float

    def is_self_supervised(self, update: int) -> bool:
        """Return whether an update, counted from 1, belongs to stage 1."""
        return update <= self.self_supervised_updates

    def masked_fraction(self, update: int) -> float:
        """Return the share of noised objects in an update, counted from 1.

        It grows from ``first_masked_fraction`` to 1 along half a cosine over the first half of
        stage 1.

        Examples
        --------
        >>> stages = Stages(self_supervised_updates=200, first_masked_fraction=0.1)
        >>> [round(stages.masked_fraction(update), 3) for update in (1, 51, 101, 500)]
        [0.1, 0.55, 1.0, 1.0]
        """
        growing = _GROWTH * self.self_supervised_updates
        done = 1.0 if growing <= 0 else min((update - 1) / growing, 1.0)
        return 1.0 - (1.0 - self.first_masked_fraction) * 0.5 * (1.0 + math.cos(math.pi * done))


def stages_of(settings: EventPretraining) -> Stages:
    """Return the stages of a variant; ``ssl`` consists of stage 1 alone."""
    if "cloud" not in HEADS_OF_VARIANT[settings.variant]:
        return Stages(0, settings.first_masked_fraction)
    share = 1.0 if settings.variant == "ssl" else settings.self_supervised_fraction
    return Stages(round(share * settings.max_updates), settings.first_masked_fraction)
