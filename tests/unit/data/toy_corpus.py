"""A replica corpus in memory: the toy table, a few universes, no files."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from toy_spectra import toy_table

from colliderfm.data.replica_corpus import CorpusSettings, ReplicaCorpus, draw_universes


def toy_corpus(universes: int = 12, unseen: int = 10, **settings: object) -> ReplicaCorpus:
    """The toy table; a second one that is 10% higher above 200 GeV stands for other densities."""
    table = toy_table()
    other = replace(table, sm_pb=table.sm_pb * np.where(table.center_gev > 200.0, 1.1, 1.0))
    made = CorpusSettings(universes=universes, unseen_universes=unseen, **settings)  # type: ignore[arg-type]
    seen, new = draw_universes(table, made)
    none = np.zeros(0, dtype=np.int64)
    stored = np.zeros((0, table.n_bins), dtype=np.float32)
    return ReplicaCorpus(table, other, seen, new, made, none, none, none, stored)
