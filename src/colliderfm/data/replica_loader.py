"""Endless pairs of replicas with exact resume: a position is the number of the next batch.

Read next: ``replica_pairs``, which draws a batch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from colliderfm.data.loader_state import check_identity, check_rank
from colliderfm.data.replica_batch import ReplicaBatch
from colliderfm.data.replica_corpus import ReplicaCorpus
from colliderfm.data.replica_pairs import PairSettings, ReplicaPairs
from colliderfm.data.replica_settings import settings_record


class ReplicaLoader:
    """Endless, deterministic, resumable pairs of replicas.

    Parameters
    ----------
    corpus : ReplicaCorpus
        Theory, universes and noise.
    settings : PairSettings
        What a batch holds.
    seed : int
        Seed of the run.
    rank, world_size : int
        Ranks get batches of their own, in turn.

    Raises
    ------
    ConfigError
        For an impossible rank or an unknown task.
    DataError
        If the corpus lacks the other parton densities or quadratic terms that are asked for.
    """

    def __init__(
        self,
        corpus: ReplicaCorpus,
        settings: PairSettings,
        seed: int = 0,
        *,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        check_rank(rank, world_size)
        stream = corpus.settings.stream_seed(settings.task, "train", seed)
        self._pairs = ReplicaPairs(corpus, settings, stream)
        self._seed, self._rank, self._world_size = seed, rank, world_size
        self._next = 0

    @property
    def n_directions(self) -> int:
        """Number of identifiable directions that a batch holds coefficients of."""
        return self._pairs.n_directions

    def __iter__(self) -> Iterator[ReplicaBatch]:
        while True:
            batch = self._pairs.batch(self._next * self._world_size + self._rank)
            # Moved before the batch is handed out: a state taken meanwhile points behind it.
            self._next += 1
            yield batch

    def state_dict(self) -> dict[str, Any]:
        """Return the number of the next batch and what batches depend on, as JSON values."""
        return {"batch": self._next, **self._identity()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue at a position.

        Parameters
        ----------
        state : mapping
            From ``state_dict`` of a loader with the same corpus, settings, seed and ranks.

        Raises
        ------
        CheckpointError
            If any of these differ.
        """
        check_identity("replica", "corpus", self._identity(), state)
        self._next = int(state["batch"])

    def _identity(self) -> dict[str, Any]:
        return {
            "corpus": _fingerprint(self._pairs.corpus),
            "seed": self._seed,
            "world_size": self._world_size,
            **asdict(self._pairs.settings),
        }


def _fingerprint(corpus: ReplicaCorpus) -> str:
    """Return a digest of everything that decides the batches."""
    digest = hashlib.sha256(json.dumps(settings_record(corpus.settings), sort_keys=True).encode())
    tables = [table for table in (corpus.table, corpus.other_table) if table is not None]
    for table in tables:
        for values in (table.sm_pb, table.linear_pb, table.quadratic_pb):
            digest.update(np.ascontiguousarray(values).tobytes())
    digest.update(corpus.seen.wilson.tobytes())
    return digest.hexdigest()[:16]
