"""A small network on toy events."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from toy_heads import HEADS

from colliderfm.data.event_schema import PROCESSES
from colliderfm.data.normalize import Normalizer
from colliderfm.data.toys import toy_table
from colliderfm.models.build import build_event_model


@pytest.fixture(scope="session")
def toys():
    return toy_table(240, 5, (*PROCESSES[:10], "haa_ma40", "tt_2l"))


@pytest.fixture(scope="session")
def batch(toys):
    return toys.batch(np.arange(0, len(toys), 2))


@pytest.fixture
def model(toys):
    torch.manual_seed(0)
    return build_event_model("tiny", heads=HEADS, normalizer=Normalizer.fit(toys)).eval()
