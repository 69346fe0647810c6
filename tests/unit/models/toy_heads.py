"""Heads of the networks in these tests."""

from __future__ import annotations

from colliderfm.data.event_schema import PROCESSES
from colliderfm.models.settings import (
    AssignSettings,
    ClassifySettings,
    CloudSettings,
    InvisibleSettings,
    RegressSettings,
    SegmentSettings,
)

DECAYS = ("t_bqq", "t_bl", "W_qq", "Z_qq", "Z_ll", "H_bb", "a_bb")
HEADS = (
    ClassifySettings(tuple((name, (name,)) for name in PROCESSES[:10])),
    AssignSettings(DECAYS),
)
EVERY_HEAD = (
    *HEADS,
    RegressSettings(DECAYS),
    SegmentSettings(DECAYS),
    CloudSettings(),
    InvisibleSettings(),
)
