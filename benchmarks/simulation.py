"""Rate of the simulation chain beside bare Pythia, per process, in one run.

Both arms run in this process, one thread, initialization excluded, and take turns in small slices,
so that whatever else the machine does hits both alike. They make the same events: the speed of some
cards depends on the seed. Rates are events per second of CPU time. The chain is everything of a
shard: generation, detector, truth, selection and the Parquet files.

    python benchmarks/simulation.py --events 2000 --out reports/benchmarks/simulation.json
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from pathlib import Path

from colliderfm.simulation.cards import RECIPES, Recipe
from colliderfm.simulation.columns import concatenate_columns, selected_columns
from colliderfm.simulation.detector import DetectorSettings, reconstruct
from colliderfm.simulation.jets import import_fastjet
from colliderfm.simulation.pythia import Generator, detector_rng
from colliderfm.simulation.shard import (
    ShardJob,
    component_events,
    generator_versions,
    write_columns,
)

TARGET_PROCESS, TARGET_RATIO = "tt", 0.60
_ENERGY_GEV = 13000.0
_SLICE_EVENTS = 250


def measure(recipe: Recipe, n_events: int, mpi: str) -> dict[str, float]:
    """Return events per CPU second of bare Pythia and of the chain, and their ratio."""
    job = ShardJob(recipe.name, 1, n_events, mpi, "")
    bare_s = chain_s = 0.0
    parts, generated = [], 0
    for number, component_n in enumerate(component_events(recipe, n_events)):
        bare = Generator(recipe, number, 1, mpi, _ENERGY_GEV)
        chain = Generator(recipe, number, 1, mpi, _ENERGY_GEV)
        rng = detector_rng(recipe, number, 1)
        for first in range(0, component_n, _SLICE_EVENTS):
            n_slice = min(_SLICE_EVENTS, component_n - first)
            started = time.process_time()
            for _ in range(n_slice):
                bare.pythia.next()
            bare_s += time.process_time() - started
            started = time.process_time()
            for record in chain.batches(n_slice, job.batch_events):
                detected = reconstruct(record, DetectorSettings(), rng)
                parts.append(selected_columns(recipe, record, detected, generated, number))
            chain_s += time.process_time() - started
            generated += n_slice
    started = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        write_columns(
            ShardJob(recipe.name, 1, n_events, mpi, folder), recipe, concatenate_columns(parts)
        )
    chain_s += time.process_time() - started
    return {
        "bare_events_per_cpu_s": generated / bare_s,
        "chain_events_per_cpu_s": generated / chain_s,
        "ratio": bare_s / chain_s,
    }


def main() -> None:
    """Measure all recipes, print a table and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--mpi", default="off")
    parser.add_argument("--process", action="append", choices=list(RECIPES))
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    import_fastjet()
    measure(RECIPES[TARGET_PROCESS], 100, "off")  # first calls compile and cache
    results = {}
    print(f"{'process':14}{'bare Pythia':>12}{'chain':>9}{'ratio':>8}   events per CPU second")
    for name in arguments.process or RECIPES:
        results[name] = row = measure(RECIPES[name], arguments.events, arguments.mpi)
        bare, chain, ratio = row.values()
        print(f"{name:14}{bare:12.0f}{chain:9.0f}{ratio:8.2f}", flush=True)
    content = {
        "events": arguments.events,
        "mpi": arguments.mpi,
        "versions": generator_versions(),
        "machine": platform.machine(),
        "target": {"process": TARGET_PROCESS, "ratio": TARGET_RATIO},
        "processes": results,
    }
    if TARGET_PROCESS in results:
        reached = results[TARGET_PROCESS]["ratio"] >= TARGET_RATIO
        content["target"]["reached"] = reached
        print(
            f"target {TARGET_PROCESS} >= {TARGET_RATIO:.2f}: {'reached' if reached else 'MISSED'}"
        )
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
