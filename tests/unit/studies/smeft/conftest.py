"""A small corpus in memory: the shipped theory table, a dozen universes, no files of replicas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from colliderfm.data.replica_corpus import CorpusSettings, ReplicaCorpus, draw_universes
from colliderfm.data.table_files import read_table
from colliderfm.studies.smeft.data import SmeftData, prepare_data

PROJECT = Path(__file__).resolve().parents[4]


@pytest.fixture(scope="session")
def corpus() -> ReplicaCorpus:
    table = read_table(PROJECT / "starter" / "smeft" / "table.json")
    settings = CorpusSettings(universes=12, unseen_universes=10)
    seen, unseen = draw_universes(table, settings)
    none = np.zeros(0, dtype=np.int64)
    values = np.zeros((0, table.n_bins), dtype=np.float32)
    return ReplicaCorpus(table, None, seen, unseen, settings, none, none, none, values)


@pytest.fixture(scope="session")
def data(corpus: ReplicaCorpus) -> SmeftData:
    return prepare_data(corpus, "hard", 10)
