"""What the named event sets consist of: generated events per recipe, shard size, seeds.

``starter`` ships with the project; ``workstation`` is the same mix ten times larger, from other
seeds, and grows with ``--scale`` (0.1 is as large as ``starter``, 10 is a hundred times as large).
Event counts aim at 8,000 selected events per pretraining class, 9,000 per haa mass and 70,000 of
background, of which the test split holds 15%. Each part of a set is a folder of its own, as studies
name it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

# Shards of one seed block never share a seed with those of another.
SEEDS_PER_BLOCK = 10_000
N_BLOCKS = 300
_WORKSTATION_BLOCK = 100

_PRETRAIN = {
    "qcd": 10_700,
    "tt": 8_100,
    "tth": 8_100,
    "single_top": 8_800,
    "wjets": 13_200,
    "zjets": 11_200,
    "ww": 9_900,
    "wz": 9_900,
    "zz": 10_000,
    "hww": 10_500,
}
_HAA = {"haa_ma30": 45_000, "haa_ma40": 40_000, "haa_ma60": 36_000, "qcd_multijet": 375_000}


@dataclass(frozen=True)
class SetPart:
    """One folder of a set.

    Parameters
    ----------
    name : str
        Folder name.
    events : dict of str to int
        Generated events per recipe.
    events_per_shard : int
        Events of one (recipe, seed) shard.
    seed_block : int
        Seeds start at this times 10,000.
    """

    name: str
    events: dict[str, int]
    events_per_shard: int
    seed_block: int

    def scaled(self, factor: float) -> SetPart:
        """Return the part with all event counts multiplied and rounded up."""
        events = {name: math.ceil(factor * count) for name, count in self.events.items()}
        return SetPart(self.name, events, self.events_per_shard, self.seed_block)


def _parts(factor: int, seed_block: int) -> tuple[SetPart, ...]:
    parts = (
        SetPart("pretrain", _PRETRAIN, 6_000, seed_block),
        SetPart("haa", _HAA, 12_500, seed_block),
    )
    return tuple(part.scaled(factor) for part in parts)


SETS: dict[str, tuple[SetPart, ...]] = {
    "starter": _parts(1, 0),
    "workstation": _parts(10, _WORKSTATION_BLOCK),
}
