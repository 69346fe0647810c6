"""What decides a corpus of replicas besides the theory table, and the two tasks it serves.

``study`` is the task of the source study, ``hard`` one that is not nearly free of noise. Read next:
``replica_corpus``.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from typing import Any

from colliderfm.errors import ConfigError
from colliderfm.physics.replicas import HARD_NOISE, STUDY_NOISE, NoiseSettings
from colliderfm.physics.spectrum_table import SpectrumTable
from colliderfm.physics.universes import Order, Sampling, Sparsity, Universes, make_universes

TASKS = ("study", "hard")
# Unseen universes of a seed never coincide with the seen ones of a seed nearby.
_UNSEEN_SEED_OFFSET = 1_000_000


@dataclass(frozen=True)
class CorpusSettings:
    """What decides a corpus besides the table.

    Parameters
    ----------
    order : {"linear", "quadratic"}
        Where the series in the Wilson coefficients is cut.
    sampling, sparsity : str
        As for ``colliderfm.physics.universes.sample_wilson``.
    universes, unseen_universes : int
        Universes of training, and further ones that no training sees.
    universe_seed : int
        Seed of both.
    stored_replicas : int
        Replicas per universe and task in the files.
    study_delta_sigma_rel, hard_delta_sigma_rel : float
        Relative error of the total cross section in the two tasks.
    length_gev : float
        Correlation length of the task ``study``.
    joint_covariance : bool
        Whether m_ll and pT fluctuate together, as they count the same events.
    """

    order: Order = "quadratic"
    sampling: Sampling = "log_uniform"
    sparsity: Sparsity = "coefficient"
    universes: int = 100
    unseen_universes: int = 100
    universe_seed: int = 0
    stored_replicas: int = 20
    study_delta_sigma_rel: float = 0.002
    hard_delta_sigma_rel: float = 0.01
    length_gev: float = 35.0
    joint_covariance: bool = False

    def noise(self, task: str) -> NoiseSettings:
        """Noise of a task.

        Parameters
        ----------
        task : {"study", "hard"}
            Correlated noise with a covariance per universe, or independent noise that all share.

        Returns
        -------
        NoiseSettings
            With this corpus' luminosity and length.

        Raises
        ------
        ConfigError
            For another task.
        """
        if task == "study":
            return replace(
                STUDY_NOISE,
                delta_sigma_rel=self.study_delta_sigma_rel,
                length_gev=self.length_gev,
                joint=self.joint_covariance,
            )
        if task == "hard":
            return replace(
                HARD_NOISE, delta_sigma_rel=self.hard_delta_sigma_rel, joint=self.joint_covariance
            )
        raise ConfigError("task", got=task, need=f"one of {', '.join(TASKS)}")

    def stream_seed(self, task: str, purpose: str, seed: int = 0) -> int:
        """Seed of one stream of replicas; streams of other names share no number with it.

        Parameters
        ----------
        task, purpose : str
            E.g. ``"hard"`` and ``"train"``; the stored replicas are ``"test"`` and ``"unseen"``.
        seed : int
            Seed of the run.

        Returns
        -------
        int
            For ``NoiseModel.stream``, below 2^63.
        """
        text = f"{self.universe_seed}/{task}/{purpose}/{seed}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def settings_record(settings: CorpusSettings | NoiseSettings) -> dict[str, Any]:
    """Return settings as files keep them.

    Parameters
    ----------
    settings : CorpusSettings or NoiseSettings
        Any.

    Returns
    -------
    dict
        By name; joint noise stands in it only where it is on, as files did before there was any.
    """
    return {
        name: value
        for name, value in asdict(settings).items()
        if name not in ("joint", "joint_covariance") or value
    }


def draw_universes(table: SpectrumTable, settings: CorpusSettings) -> tuple[Universes, Universes]:
    """Draw the universes of a corpus without writing one.

    Parameters
    ----------
    table : SpectrumTable
        Theory.
    settings : CorpusSettings
        Numbers, seed, order and sampling.

    Returns
    -------
    tuple of Universes
        Seen and unseen.
    """
    seed = settings.universe_seed
    wanted = (
        (settings.universes, seed),
        (settings.unseen_universes, seed + _UNSEEN_SEED_OFFSET),
    )
    seen, unseen = (
        make_universes(
            table,
            *(n, group_seed),
            order=settings.order,
            sampling=settings.sampling,
            sparsity=settings.sparsity,
        )
        for n, group_seed in wanted
    )
    return seen, unseen
