"""Study smeft, first step: which replicas train, validate and test.

All replicas are drawn when they are needed. A cell draws its labeled ones with its seed, balanced over
the seen universes; validation and test come from streams of their own, the same for every cell.
Nothing but these labels is rationed: spectra and noise of any universe can be simulated, so clouds of
unlabeled replicas (retrieval, inference) do not depend on the cell. Read next: ``heads.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from colliderfm.config.schema import SmeftStudy
from colliderfm.data.replica_corpus import ReplicaCorpus, read_corpus
from colliderfm.errors import PhysicsError
from colliderfm.physics.identifiability import identifiable_directions
from colliderfm.physics.noise_model import NoiseModel
from colliderfm.physics.replicas import noise_model
from colliderfm.physics.spectrum_table import SpectrumTable
from colliderfm.physics.universes import N_CONTRIBUTING, Universes, make_universes

Result = TypeVar("Result")
VALIDATION_REPLICAS = 20
# Directions with a smaller signal-to-noise ratio per unit coefficient are not asked for.
SMALLEST_SINGULAR_VALUE = 1.0


@dataclass(frozen=True)
class LabeledReplicas:
    """Spectra with their universes.

    Parameters
    ----------
    values : ndarray, shape (N, B), float32, pb/GeV
        Replicas.
    universe : ndarray, shape (N,), int
        Index of the universe of each.
    """

    values: np.ndarray
    universe: np.ndarray

    def __len__(self) -> int:
        return len(self.universe)


@dataclass(frozen=True)
class SmeftData:
    """The corpus of the study with one kind of noise.

    Parameters
    ----------
    corpus : ReplicaCorpus
        Theory table and universes.
    task : str
        ``study`` or ``hard`` noise.
    seen, unseen : NoiseModel
        Replicas on demand, of the universes of training and of others.
    sm : ndarray, shape (B,), pb/GeV
        Standard Model.
    sigma : ndarray, shape (B,), pb/GeV
        Its noise per bin.
    covariance : ndarray, shape (B, B), (pb/GeV)^2
        Its covariance; distances between universes are measured with it.
    validation, test : LabeledReplicas
        Of the seen universes.
    memory : dict
        What ``once`` has computed, for all cells of a process.
    """

    corpus: ReplicaCorpus
    task: str
    seen: NoiseModel
    unseen: NoiseModel
    sm: np.ndarray
    sigma: np.ndarray
    covariance: np.ndarray
    validation: LabeledReplicas
    test: LabeledReplicas
    memory: dict[tuple[Hashable, ...], Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def table(self) -> SpectrumTable:
        """Theory."""
        return self.corpus.table

    @property
    def n_universes(self) -> int:
        """Number of seen universes U."""
        return self.seen.n_universes

    def once(self, key: tuple[Hashable, ...], compute: Callable[[], Result]) -> Result:
        """Compute what is the same for many cells only the first time; the result is shared."""
        if key not in self.memory:
            self.memory[key] = compute()
        found: Result = self.memory[key]
        return found

    def generator(self, purpose: str, seed: int = 0) -> np.random.Generator:
        """Return the random numbers of one purpose; those of different purposes are independent."""
        return np.random.default_rng(self.corpus.settings.stream_seed(self.task, purpose, seed))

    def noise_about(self, mean: np.ndarray) -> NoiseModel:
        """Return the noise of the task about any spectra (N, B)."""
        return noise_model(self.table, mean, self.corpus.settings.noise(self.task))

    def new_universes(self, n_universes: int, seed: int) -> Universes:
        """Return further universes from the prior of the corpus."""
        settings = self.corpus.settings
        return make_universes(
            self.table,
            n_universes,
            seed,
            order=settings.order,
            sampling=settings.sampling,
            sparsity=settings.sparsity,
        )


def load_smeft_data(folder: Path | str, settings: SmeftStudy) -> SmeftData:
    """Read a corpus and draw the replicas of validation and test.

    Parameters
    ----------
    folder : path
        Replica corpus.
    settings : SmeftStudy
        Task and number of test replicas.

    Returns
    -------
    SmeftData

    Raises
    ------
    DataError
        If a file is at fault.
    """
    return prepare_data(read_corpus(folder), settings.task, settings.metrics.test_replicas)


def prepare_data(corpus: ReplicaCorpus, task: str, test_replicas: int) -> SmeftData:
    """Put the noise of a task on a corpus and draw validation and test.

    Parameters
    ----------
    corpus : ReplicaCorpus
        Theory table and universes.
    task : str
        ``study`` or ``hard``.
    test_replicas : int
        Test replicas of each universe.

    Returns
    -------
    SmeftData
    """
    sm = corpus.table.sm_pb / corpus.table.width_gev
    sm_noise = noise_model(corpus.table, sm[None], corpus.settings.noise(task))
    seen = corpus.noise(task)
    drawn = {}
    for purpose, n_each in (("validation", VALIDATION_REPLICAS), ("tested", test_replicas)):
        rng = np.random.default_rng(corpus.settings.stream_seed(task, purpose))
        universe = np.tile(np.arange(seen.n_universes), n_each)
        drawn[purpose] = LabeledReplicas(seen.draw(rng, universe), universe)
    return SmeftData(
        corpus=corpus,
        task=task,
        seen=seen,
        unseen=corpus.noise(task, unseen=True),
        sm=sm,
        sigma=sm_noise.sigma[0],
        covariance=sm_noise.covariance(0),
        validation=drawn["validation"],
        test=drawn["tested"],
    )


def labeled_replicas(data: SmeftData, n_replicas: int, seed: int) -> LabeledReplicas:
    """Draw the labeled training replicas of a cell.

    Parameters
    ----------
    data : SmeftData
        The corpus.
    n_replicas : int
        In all; each universe gets the same number, or one more.
    seed : int
        Seed of the draw. A smaller set of the same seed is the beginning of a larger one.

    Returns
    -------
    LabeledReplicas

    Raises
    ------
    PhysicsError
        If there is not at least one replica per universe.
    """
    if n_replicas < data.n_universes:
        raise PhysicsError(
            "labeled training replicas",
            got=n_replicas,
            need=f"at least one of each of the {data.n_universes} universes",
            fix="raise --events or --fraction",
        )
    order = data.generator("order", seed).permutation(data.n_universes)
    universe = order[np.arange(n_replicas) % data.n_universes]
    return LabeledReplicas(data.seen.draw(data.generator("labeled", seed), universe), universe)


def sensitive_directions(data: SmeftData) -> tuple[np.ndarray, np.ndarray]:
    """Return the combinations of coefficients that the spectra determine better than one unit.

    Parameters
    ----------
    data : SmeftData
        Table and noise.

    Returns
    -------
    tuple of ndarray
        Singular values (P,) per unit coefficient in units of the noise, and rows (P, 17).
    """
    singular, directions, rank = identifiable_directions(data.table, data.sigma)
    n_kept = max(1, min(rank, int((singular > SMALLEST_SINGULAR_VALUE).sum())))
    return singular[:n_kept], directions[:n_kept, :N_CONTRIBUTING]
