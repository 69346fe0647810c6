"""Curves over seeds."""

from __future__ import annotations

import numpy as np
import pandas as pd

from colliderfm.config.schema import Params
from colliderfm.studies.haa.bands import EFFICIENCY_GRID, rejection_band


def predictions(scores: np.ndarray, signal: str, background: str) -> pd.DataFrame:
    """Half signal, half background."""
    names = [signal] * (len(scores) // 2) + [background] * (len(scores) // 2)
    return pd.DataFrame({"process": names, "score": scores, "weight": 1.0})


def test_rejection_is_averaged_only_where_every_seed_has_background_left(params: Params) -> None:
    """Background between scores 0 and 1 - x, signal between 0 and 1: none is left below efficiency x."""
    settings = params.studies.haa
    even = np.linspace(0.0, 1.0, 4001)[1:]
    frames = [
        predictions(
            np.concatenate([even, (1 - x) * even]), settings.signals[0], settings.backgrounds[0]
        )
        for x in (0.0, 0.5)
    ]
    band = rejection_band(frames, settings)
    low, high = EFFICIENCY_GRID < 0.5, EFFICIENCY_GRID > 0.52
    assert np.isnan(band.center[low]).all()
    both = np.sqrt(EFFICIENCY_GRID * (EFFICIENCY_GRID - 0.5) / 0.5, where=high, out=np.ones(50))
    np.testing.assert_allclose(band.center[high], 1.0 / both[high], rtol=0.02)
    alone = rejection_band(frames[:1], settings)
    assert np.isfinite(alone.center[low]).all()
