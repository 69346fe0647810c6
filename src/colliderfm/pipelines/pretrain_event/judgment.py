"""What judging an event pretraining found: the metrics and the arrays that they are made of.

``steps.judge`` makes it and ``steps.write_outputs`` draws it, so figures show the very events, scores
and generated particles that the metrics count, and no network runs twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from colliderfm.pipelines.pretrain_event.class_judge import ClassJudgment
from colliderfm.pipelines.pretrain_event.head_outputs import HeadOutputs


@dataclass(frozen=True)
class EventJudgment:
    """Metrics of a pretrained network and what it says of n validation events.

    Parameters
    ----------
    metrics : dict of str to float
        Final ones.
    classes : ClassJudgment
        True classes and what the network says of them.
    tokens : ndarray, shape (n, D)
        Event tokens of the encoder.
    heads : HeadOutputs
        Of the other heads, for some of these events.
    """

    metrics: dict[str, float]
    classes: ClassJudgment
    tokens: np.ndarray
    heads: HeadOutputs
