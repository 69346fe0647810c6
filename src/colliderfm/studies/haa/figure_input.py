"""Study haa: what its figures are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from colliderfm.config.schema import HaaStudy
from colliderfm.studies.haa.summary import Comparison

Key = tuple[str, int, int]


@dataclass(frozen=True)
class FigureInput:
    """What the figures are made from.

    Parameters
    ----------
    comparison : Comparison
        Metrics of all cells.
    predictions : mapping of (init, events, seed) to DataFrame
        From `studies.haa.metrics.predictions_frame`.
    histories : mapping of (init, events, seed) to list of dict
        Monitored numbers with their ``update``.
    settings : HaaStudy
        The study.
    """

    comparison: Comparison
    predictions: Mapping[Key, pd.DataFrame]
    histories: Mapping[Key, Sequence[Mapping[str, float]]]
    settings: HaaStudy

    def frames(self, init: str, events: int) -> list[pd.DataFrame]:
        """Predictions of all seeds of an arm, by seed."""
        keys = sorted(key for key in self.predictions if key[:2] == (init, events))
        return [self.predictions[key] for key in keys]
