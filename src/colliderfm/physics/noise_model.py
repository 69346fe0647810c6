"""Replicas of spectra, drawn when they are needed.

Nothing is stored but means, standard deviations and one factor of the correlation that all universes
share: drawing is one matrix product per chunk. Read next: ``identifiability``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from colliderfm.physics.spectrum_table import Array

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

_DEFAULT_CHUNK = 8192


@dataclass(frozen=True)
class NoiseModel:
    """Means and covariances of the replicas of U universes.

    Parameters
    ----------
    mean : ndarray, shape (U, B), pb/GeV
        Expected spectra.
    sigma : ndarray, shape (U or 1, B), pb/GeV
        Standard deviation per bin; one row if all universes share it.
    correlation_factor : ndarray, shape (B, R), optional
        F with correlation F F^T, directions without variance left out. None: independent bins.
    """

    mean: Array
    sigma: Array
    correlation_factor: Array | None = None

    @property
    def n_universes(self) -> int:
        """Number of universes U."""
        return len(self.mean)

    @property
    def factor(self) -> Array:
        """Factors A of the covariances A A^T, shape (U or 1, B, R), pb/GeV."""
        if self.correlation_factor is None:
            diagonal: Array = self.sigma[:, :, None] * np.eye(self.sigma.shape[1])
            return diagonal
        return np.asarray(self.sigma[:, :, None] * self.correlation_factor)

    def covariance(self, universe: int = 0) -> Array:
        """Covariance of one universe.

        Parameters
        ----------
        universe : int
            Its index; without effect where all share one covariance.

        Returns
        -------
        ndarray, shape (B, B), (pb/GeV)^2
            Symmetric, positive semi-definite.
        """
        sigma = self.sigma[universe if len(self.sigma) > 1 else 0]
        if self.correlation_factor is None:
            return np.asarray(np.diag(sigma**2))
        factor = sigma[:, None] * self.correlation_factor
        return np.asarray(factor @ factor.T)

    @cached_property
    def _single_precision(self) -> tuple[FloatArray, FloatArray, FloatArray | None]:
        """Mean, sigma and the transposed factor as the draws need them."""
        factor = self.correlation_factor
        transposed = None if factor is None else np.ascontiguousarray(factor.T, dtype=np.float32)
        return self.mean.astype(np.float32), self.sigma.astype(np.float32), transposed

    def draw(self, rng: np.random.Generator, universe: IntArray) -> FloatArray:
        """Draw one replica of each listed universe.

        Parameters
        ----------
        rng : numpy.random.Generator
            Advanced by the draw.
        universe : ndarray, shape (n,), int
            Universe of each replica.

        Returns
        -------
        ndarray, shape (n, B), float32, pb/GeV
            Mean plus Gaussian noise (eq. 3.18); values can be negative in nearly empty bins.
        """
        mean, sigma, factor = self._single_precision
        rank = mean.shape[1] if factor is None else len(factor)
        values = rng.standard_normal((len(universe), rank), dtype=np.float32)
        if factor is not None:
            values = values @ factor
        values *= sigma[universe] if len(sigma) > 1 else sigma
        values += mean[universe]
        return values

    def stream(
        self, n: int, seed: int, chunk: int = _DEFAULT_CHUNK, first_chunk: int = 0
    ) -> Iterator[tuple[IntArray, FloatArray]]:
        """Draw n replicas in chunks; replica i belongs to universe i mod U.

        Parameters
        ----------
        n : int
            Replicas in all.
        seed : int
            Key of the counter-based generator, 0 to 2^64 - 1.
        chunk : int
            Replicas per chunk; part of what decides the numbers.
        first_chunk : int
            Start here: each chunk depends on (seed, chunk size, its index) alone.

        Yields
        ------
        tuple of ndarray
            ``universe`` (c,) and ``values`` (c, B) float32, pb/GeV.
        """
        for index in range(first_chunk, -(-n // chunk)):
            replica = np.arange(index * chunk, min(n, (index + 1) * chunk), dtype=np.int64)
            universe = replica % self.n_universes
            yield universe, self.draw(chunk_generator(seed, index), universe)


def chunk_generator(seed: int, index: int) -> np.random.Generator:
    """Random numbers of one chunk, whatever was drawn before.

    Parameters
    ----------
    seed, index : int
        The two words of the generator's key.

    Returns
    -------
    numpy.random.Generator
        On Philox, at its first number.

    References
    ----------
    J. Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC11 (2011).
    """
    return np.random.Generator(np.random.Philox(key=np.array([seed, index], dtype=np.uint64)))
