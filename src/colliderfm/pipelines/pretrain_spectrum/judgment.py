"""What judging a spectrum pretraining found: the metrics and the latents that the figures show.

``steps.judge`` makes it and ``steps.write_outputs`` draws it, so nothing is drawn or encoded twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LatentPoints:
    """Latents of width D on the seen universes.

    Parameters
    ----------
    replicas : ndarray, shape (N, D)
        Of the replicas that heads are scored on.
    universe : ndarray, shape (N,), int
        Universe of each replica.
    means : ndarray, shape (U, D)
        Of the spectra without noise.
    standard_model : ndarray, shape (D,)
        Of the Standard Model without noise.
    """

    replicas: np.ndarray
    universe: np.ndarray
    means: np.ndarray
    standard_model: np.ndarray


@dataclass(frozen=True)
class SpectrumJudgment:
    """Metrics of a pretrained network and latents of its encoder.

    Parameters
    ----------
    metrics : dict of str to float
        Final ones.
    points : LatentPoints
        What the latent map shows.
    """

    metrics: dict[str, float]
    points: LatentPoints
