"""Study smeft: what the figures of a report are made from.

Read next: ``figures.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from colliderfm.physics.identifiability import mahalanobis_distances
from colliderfm.studies.smeft.anomalies import Anomaly, anomalies
from colliderfm.studies.smeft.arm_styles import LINEAR_ARMS
from colliderfm.studies.smeft.captured import Capture, capture, nearest_to_sm
from colliderfm.studies.smeft.data import SmeftData
from colliderfm.studies.smeft.latent_view import LatentView
from colliderfm.studies.smeft.retrieval import Embed
from colliderfm.studies.smeft.summary import Comparison, Key

MAP_ARMS = ("pretrained", "scratch", "untrained", *LINEAR_ARMS)
SEEN_CASE = "seen"
# Relative difference of latents that two machines may have.
LATENT_TOLERANCE = 1e-3


@dataclass(frozen=True)
class FigureInput:
    """What the figures are made from.

    Parameters
    ----------
    comparison : Comparison
        Metrics of all cells.
    predictions : mapping of (init, events, seed) to DataFrame
        One row per test spectrum: ``case, universe, predicted``, entropies, latents.
    histories : mapping of (init, events, seed) to list of dict
        Monitored numbers with their ``update``.
    details : mapping of (init, events, seed) to mapping
        What cells say beyond numbers: ``alignment, null_operators, trajectories``.
    data : SmeftData, optional
        Corpus with the noise of the task and the test replicas; no theory without it.
    embed : callable, optional
        The pretrained encoder: spectra (N, B) to latents (N, Z).
    """

    comparison: Comparison
    predictions: Mapping[Key, pd.DataFrame]
    histories: Mapping[Key, Sequence[Mapping[str, float]]]
    details: Mapping[Key, Mapping[str, Any]] = field(default_factory=dict)
    data: SmeftData | None = None
    embed: Embed | None = None

    @property
    def largest(self) -> int:
        """The largest number of labeled replicas."""
        return self.comparison.events[-1]

    def frames(self, init: str, events: int) -> list[pd.DataFrame]:
        """Predictions of all seeds of an arm for test replicas of the seen universes, by seed."""
        return [_seen(frame) for frame in self.all_rows(init, events)]

    def all_rows(self, init: str, events: int) -> list[pd.DataFrame]:
        """Predictions of all seeds of an arm with anomalies and unseen universes, by seed."""
        keys = sorted(key for key in self.predictions if key[:2] == (init, events))
        return [self.predictions[key] for key in keys]

    def details_of(self, init: str, name: str) -> list[Any]:
        """Details of one kind of all seeds of an arm with the most labeled replicas, by seed."""
        found = sorted(key for key in self.details if key[:2] == (init, self.largest))
        return [self.details[key][name] for key in found if name in self.details[key]]

    @cached_property
    def map_arm(self) -> str | None:
        """The arm whose latent is shown: the first of ``MAP_ARMS`` that has one."""
        return next((init for init in MAP_ARMS if self.view(init) is not None), None)

    def view(self, init: str) -> LatentView | None:
        """Latents of the first seed of an arm, if it has any."""
        frames = self.frames(init, self.largest)
        return LatentView.of_frame(init, frames[0]) if frames else None

    @cached_property
    def distance_from_sm(self) -> np.ndarray:
        """Mahalanobis distances (U,) of the seen universes from the Standard Model."""
        assert self.data is not None
        mean = self.data.corpus.seen.mean_pb_per_gev
        return mahalanobis_distances(mean, self.data.sm[None], self.data.covariance)[:, 0]

    @cached_property
    def anomalies(self) -> list[Anomaly]:
        """The four cases of the study at their size in this task."""
        assert self.data is not None
        return anomalies(self.data.table, self.data.sigma)

    @cached_property
    def capture(self) -> Capture | None:
        """Universes near the one that is nearest to the Standard Model."""
        view = self.view(self.map_arm) if self.map_arm else None
        if self.data is None or view is None:
            return None
        mean = self.data.corpus.seen.mean_pb_per_gev
        distances = mahalanobis_distances(mean, mean, self.data.covariance)
        return capture(view, distances, nearest_to_sm(self.distance_from_sm))


def agrees_with_latents(embed: Embed, data: SmeftData, view: LatentView) -> bool:
    """Check that an encoder gives the latents of the predictions.

    Parameters
    ----------
    embed : callable
        Spectra (N, B) to latents (N, Z).
    data : SmeftData
        With the test replicas of the predictions.
    view : LatentView
        Latents of the predictions.

    Returns
    -------
    bool
        False if universes, shapes or latents differ.
    """
    test, n_checked = data.test, min(len(data.test), 200)
    if not np.array_equal(test.universe, view.universe):
        return False
    latent = np.asarray(embed(test.values[:n_checked]), dtype=float)
    if latent.shape[1] != view.latent.shape[1]:
        return False
    scale = float(view.latent.std()) + 1e-30
    return bool(np.abs(latent - view.latent[:n_checked]).max() < LATENT_TOLERANCE * scale)


def _seen(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of the seen universes."""
    if "case" not in frame.columns:
        return frame
    return frame[frame["case"] == SEEN_CASE].reset_index(drop=True)
