"""Pairs of replicas, drawn on the fly: batch k depends on the settings, the seed and k alone.

Universes are those of the corpus, or new ones in every batch (``fresh_universes``), which an encoder
cannot learn by heart. Read next: ``replica_loader``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from colliderfm.data.replica_batch import ReplicaBatch
from colliderfm.data.replica_corpus import ReplicaCorpus
from colliderfm.errors import ConfigError, DataError
from colliderfm.physics.identifiability import identifiable_directions, noise_whitener
from colliderfm.physics.noise_model import NoiseModel, chunk_generator
from colliderfm.physics.replicas import noise_model
from colliderfm.physics.universes import (
    N_CONTRIBUTING,
    Order,
    Universes,
    informed_widths,
    sample_wilson,
    universes_at,
)

Array = np.ndarray
# Directions whose unit coefficient shifts a spectrum by less than this many sigmas teach nothing.
_SMALLEST_SHIFT = 1.0
# Smooth noise leaves directions almost free of it; they would make all distances thousands of sigmas.
_VARIANCE_FLOOR = 1e-2
# Share of the pairs that gets a further spectrum for each two-way choice.
_CHOICE_SHARE = 0.25
# Other parton densities: from the table's own to a bit beyond the other table's.
_DENSITIES_RANGE = (0.5, 1.5)
_GAUSSIAN_WIDTH = 0.5


@dataclass(frozen=True)
class PairSettings:
    """What a batch holds.

    Parameters
    ----------
    task : str
        Noise: ``study`` or ``hard``.
    batch_size : int
        Pairs P per batch and rank.
    positive_fraction : float
        Share of pairs of one universe; 1 for losses that compare all pairs.
    universes : str
        ``fresh``: new ones in every batch; ``seen`` or ``unseen``: those of the corpus.
    distances, truncation, densities : bool
        Also give the matrix of distances, replicas of either order, replicas of other densities.

    Raises
    ------
    ConfigError
        If a value is out of range.
    """

    task: str = "hard"
    batch_size: int = 1024
    positive_fraction: float = 0.5
    universes: Literal["fresh", "seen", "unseen"] = "fresh"
    distances: bool = False
    truncation: bool = False
    densities: bool = False

    def __post_init__(self) -> None:
        if self.batch_size < 2:
            raise ConfigError("pairs per batch", got=self.batch_size, need="at least 2")
        if not 0.0 < self.positive_fraction <= 1.0:
            raise ConfigError("share of equal pairs", got=self.positive_fraction, need="in (0, 1]")


class ReplicaPairs:
    """Batches of pairs by number.

    Parameters
    ----------
    corpus : ReplicaCorpus
        Theory, universes and noise.
    settings : PairSettings
        What a batch holds.
    stream : int
        Seed of the random numbers, from ``CorpusSettings.stream_seed``.

    Raises
    ------
    ConfigError
        For an unknown task.
    DataError
        If the corpus lacks the other parton densities or quadratic terms that are asked for.
    """

    def __init__(self, corpus: ReplicaCorpus, settings: PairSettings, stream: int) -> None:
        if settings.densities and corpus.other_table is None:
            raise DataError(
                "the corpus has no table with other parton densities",
                need="replicas.other_densities_table, or densities_weight 0",
            )
        if settings.truncation and corpus.table.order != "quadratic":
            raise DataError(
                "the table of the corpus has no quadratic terms", need="order quadratic"
            )
        self.corpus, self.settings, self._stream = corpus, settings, stream
        self._noise_settings = corpus.settings.noise(settings.task)
        self._fixed = corpus.unseen if settings.universes == "unseen" else corpus.seen
        self._fixed_noise = corpus.noise(settings.task, unseen=settings.universes == "unseen")
        self._whitener = noise_whitener(
            sm_noise(corpus, settings.task).covariance(), _VARIANCE_FLOOR
        )
        self._widths: Array | float = _GAUSSIAN_WIDTH
        if corpus.settings.sampling == "informed":
            self._widths = informed_widths(corpus.table)
        self._directions, self._spread = scaled_directions(corpus, settings.task)

    @property
    def n_directions(self) -> int:
        """Number of identifiable directions that a batch holds coefficients of."""
        return len(self._directions)

    def batch(self, index: int) -> ReplicaBatch:
        """Draw one batch, whatever was drawn before.

        Parameters
        ----------
        index : int
            Number of the batch.

        Returns
        -------
        ReplicaBatch
            P pairs.
        """
        rng = chunk_generator(self._stream, index)
        n_pairs = self.settings.batch_size
        universes, noise, first = self._universes(rng, n_pairs)
        is_same = np.arange(n_pairs) < round(self.settings.positive_fraction * n_pairs)
        shift = rng.integers(1, len(universes), n_pairs)
        second = np.where(is_same, first, (first + shift) % len(universes))
        wilson = universes.wilson[first, :N_CONTRIBUTING]
        truncation, is_quadratic = self._truncation(rng)
        densities, is_new_physics = self._densities(rng)
        return ReplicaBatch(
            first=torch.from_numpy(noise.draw(rng, first)),
            second=torch.from_numpy(noise.draw(rng, second)),
            is_same=torch.from_numpy(is_same),
            universe=torch.from_numpy(first),
            mean=torch.from_numpy(universes.mean_pb_per_gev[first].astype(np.float32)),
            distance=self._distances(universes, first, second),
            directions=torch.from_numpy(
                (wilson @ self._directions.T / self._spread).astype(np.float32)
            ),
            truncation=truncation,
            is_quadratic=is_quadratic,
            densities=densities,
            is_new_physics=is_new_physics,
        )

    def _universes(
        self, rng: np.random.Generator, n_pairs: int
    ) -> tuple[Universes, NoiseModel, Array]:
        """Universes to choose from, their noise, and the first one of each pair."""
        if self.settings.universes != "fresh":
            return self._fixed, self._fixed_noise, rng.integers(0, len(self._fixed), n_pairs)
        universes = self._fresh(rng, n_pairs, self.corpus.settings.order)
        return universes, self._noise(universes.mean_pb_per_gev), np.arange(n_pairs)

    def _fresh(self, rng: np.random.Generator, n: int, order: Order) -> Universes:
        settings = self.corpus.settings
        seed = int(rng.integers(2**62))
        wilson = sample_wilson(n, seed, settings.sampling, settings.sparsity, self._widths)
        return universes_at(self.corpus.table, wilson, order=order)

    def _noise(self, mean: Array) -> NoiseModel:
        return noise_model(self.corpus.table, mean, self._noise_settings)

    def _distances(self, universes: Universes, first: Array, second: Array) -> torch.Tensor:
        """Distances in double precision: whitened spectra are long, their differences short."""
        if not self.settings.distances:
            return torch.zeros(0, 0)
        white = (universes.mean_pb_per_gev - universes.mean_pb_per_gev[:1]) @ self._whitener
        a, b = white[first], white[second]
        squared = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2.0 * a @ b.T
        return torch.from_numpy(np.sqrt(np.maximum(squared, 0.0)).astype(np.float32))

    def _truncation(self, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Replicas of new universes, the first half at linear order."""
        n_bins = self.corpus.table.n_bins
        if not self.settings.truncation:
            return torch.zeros(0, n_bins), torch.zeros(0, dtype=torch.bool)
        n = 2 * max(1, round(_CHOICE_SHARE * self.settings.batch_size / 2))
        means = [
            self._fresh(rng, n // 2, order).mean_pb_per_gev for order in ("linear", "quadratic")
        ]
        values = self._noise(np.concatenate(means)).draw(rng, np.arange(n))
        return torch.from_numpy(values), torch.arange(n) >= n // 2

    def _densities(self, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Replicas of the Standard Model with other parton densities, then of new universes."""
        table, other = self.corpus.table, self.corpus.other_table
        if not self.settings.densities or other is None:
            return torch.zeros(0, table.n_bins), torch.zeros(0, dtype=torch.bool)
        n = 2 * max(1, round(_CHOICE_SHARE * self.settings.batch_size / 2))
        part = rng.uniform(*_DENSITIES_RANGE, (n // 2, 1))
        moved = (table.sm_pb + part * (other.sm_pb - table.sm_pb)) / table.width_gev
        fresh = self._fresh(rng, n // 2, self.corpus.settings.order).mean_pb_per_gev
        values = self._noise(np.concatenate([moved, fresh])).draw(rng, np.arange(n))
        return torch.from_numpy(values), torch.arange(n) >= n // 2


def scaled_directions(corpus: ReplicaCorpus, task: str) -> tuple[Array, Array]:
    """Return the combinations of coefficients that one replica can tell, and their spread.

    Parameters
    ----------
    corpus : ReplicaCorpus
        Theory and universes.
    task : str
        Noise.

    Returns
    -------
    tuple of ndarray
        Directions (K, 17) as orthonormal rows, the most visible first, and the standard deviation of
        the coefficients along them over the seen universes (K,).
    """
    sigma = sm_noise(corpus, task).sigma[0]
    singular, directions, rank = identifiable_directions(corpus.table, sigma)
    chosen = directions[: max(1, min(rank, int((singular > _SMALLEST_SHIFT).sum())))]
    along = corpus.seen.wilson[:, :N_CONTRIBUTING] @ chosen.T
    return chosen, np.maximum(along.std(axis=0), 1e-12)


def sm_noise(corpus: ReplicaCorpus, task: str) -> NoiseModel:
    """Return the noise of the Standard Model, whose covariance measures all distances.

    Parameters
    ----------
    corpus : ReplicaCorpus
        Theory.
    task : str
        ``study`` or ``hard``.

    Returns
    -------
    NoiseModel
        Of one universe.
    """
    table = corpus.table
    return noise_model(table, table.sm_pb / table.width_gev, corpus.settings.noise(task))
