"""Study smeft: a user's spectrum in, contours and captured universes out.

Candidates are the universes of the corpus and fresh ones from its prior. Each gets a cloud of replicas
with the covariance of the user's spectrum, so the contours belong to that measurement and not to the
noise of the corpus. Read next: ``retrieval.py`` for what a contour means.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from colliderfm.data.spectrum_files import Spectrum, read_spectrum
from colliderfm.models.spectrum_files import load_spectrum_encoder
from colliderfm.physics.identifiability import noise_whitener
from colliderfm.physics.operators import CONTRIBUTING
from colliderfm.physics.universes import COEFFICIENTS
from colliderfm.studies.smeft.arms import embed_spectra
from colliderfm.studies.smeft.data import SmeftData
from colliderfm.studies.smeft.retrieval import LEVELS_SIGMA, LatentClouds, summarize_clouds
from colliderfm.studies.smeft.training import check_bins

FRESH_UNIVERSES = 2_000
SHORTLIST = 400
REPLICAS = 200
_FRESH_SEED = 6_000_011
_SHOWN_COEFFICIENTS = 4


@dataclass(frozen=True)
class Captured:
    """A universe that a contour contains, or one of the nearest.

    Parameters
    ----------
    name : str
        ``seen 12``, ``unseen 3`` or ``fresh 1500``.
    sigma : float
        Standard deviations from the spectrum in the latent.
    mahalanobis : float
        Distance in all bins, in units of the user's noise.
    wilson : dict of str to float
        Its Wilson coefficients.
    """

    name: str
    sigma: float
    mahalanobis: float
    wilson: dict[str, float]

    @property
    def summary(self) -> str:
        """Largest coefficients that have an effect."""
        acting = {name: self.wilson[name] for name in CONTRIBUTING}
        largest = sorted(acting, key=lambda name: -abs(acting[name]))[:_SHOWN_COEFFICIENTS]
        return " ".join(f"{name}={acting[name]:+.3g}" for name in largest)


@dataclass(frozen=True)
class Lookup:
    """Answer to one spectrum.

    Parameters
    ----------
    n_candidates : int
        Universes compared.
    n_captured : dict of float to int
        Universes inside each contour, by its standard deviations.
    nearest : tuple of Captured
        The nearest universes, captured or not.
    captured : tuple of Captured
        All inside the widest contour, nearest first.
    is_truncated : bool
        Whether every shortlisted candidate was captured, so that there may be more.
    """

    n_candidates: int
    n_captured: dict[float, int]
    nearest: tuple[Captured, ...]
    captured: tuple[Captured, ...]
    is_truncated: bool

    def as_dict(self) -> dict[str, Any]:
        """Return the whole answer, JSON-able."""
        return {
            "n_candidates": self.n_candidates,
            "n_captured": {f"{level:g}sigma": n for level, n in self.n_captured.items()},
            "is_truncated": self.is_truncated,
            "nearest": [vars(one) for one in self.nearest],
            "captured": [vars(one) for one in self.captured],
        }


def look_up(data: SmeftData, encoder: Path, file: Path, neighbors: int) -> Lookup:
    """Find the universes that a spectrum is compatible with.

    Parameters
    ----------
    data : SmeftData
        Corpus: theory, universes and prior.
    encoder : path
        Folder of a pretrained encoder.
    file : path
        Spectrum with its errors or covariance, see ``data.spectrum_files``.
    neighbors : int
        Nearest universes to list.

    Returns
    -------
    Lookup

    Raises
    ------
    DataError
        If the file is at fault.
    CheckpointError
        If the encoder does not fit the bins.
    """
    spectrum = read_spectrum(file, data.table)
    network = load_spectrum_encoder(encoder)
    check_bins(network, data, encoder)
    names, wilson, mean = _candidates(data)

    def embed(values: np.ndarray) -> np.ndarray:
        return embed_spectra(network, values).astype(np.float64)

    place = embed(spectrum.values[None])
    nearness = np.linalg.norm(embed(mean) - place, axis=1)
    shortlist = np.argsort(nearness, kind="stable")[:SHORTLIST]
    clouds = _clouds(data, spectrum, mean[shortlist], embed)
    sigma = clouds.significance(place)[0]
    whitener = noise_whitener(spectrum.covariance)
    distance = np.linalg.norm((mean[shortlist] - spectrum.values) @ whitener, axis=1)
    order = np.argsort(sigma, kind="stable")
    found = [
        Captured(
            names[shortlist[row]],
            float(sigma[row]),
            float(distance[row]),
            dict(zip(COEFFICIENTS, wilson[shortlist[row]].tolist(), strict=True)),
        )
        for row in order
    ]
    captured = tuple(one for one in found if one.sigma <= LEVELS_SIGMA[-1])
    return Lookup(
        n_candidates=len(names),
        n_captured={level: int((sigma <= level).sum()) for level in LEVELS_SIGMA},
        nearest=tuple(found[:neighbors]),
        captured=captured,
        is_truncated=len(captured) == len(shortlist) < len(names),
    )


def _candidates(data: SmeftData) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names, coefficients and spectra of all universes to compare with."""
    groups = {
        "seen": data.corpus.seen,
        "unseen": data.corpus.unseen,
        "fresh": data.new_universes(FRESH_UNIVERSES, _FRESH_SEED),
    }
    names = [f"{group} {index}" for group, some in groups.items() for index in range(len(some))]
    wilson = np.concatenate([some.wilson for some in groups.values()])
    return names, wilson, np.concatenate([some.mean_pb_per_gev for some in groups.values()])


def _clouds(data: SmeftData, spectrum: Spectrum, mean: np.ndarray, embed: Any) -> LatentClouds:
    """Replicas of the candidates with the covariance of the spectrum."""
    eigenvalue, vector = np.linalg.eigh(spectrum.covariance)
    factor = vector * np.sqrt(np.maximum(eigenvalue, 0.0))
    rng = data.generator("look-up")

    def replicas() -> np.ndarray:
        noise = rng.standard_normal((REPLICAS, len(factor))) @ factor.T
        return np.asarray(embed((mean[:, None] + noise).reshape(-1, mean.shape[1])))

    clouds = summarize_clouds(replicas().reshape(len(mean), REPLICAS, -1))
    return clouds.calibrated(replicas(), np.repeat(np.arange(len(mean)), REPLICAS))
