"""Rates of the data layer on toy events: writing, checked reading, splits, batching, loading.

    python benchmarks/reader.py --events 100000

prints one JSON object: events per wall-clock second, best of some repetitions, and bytes per event.
Toy events have the columns, truth and multiplicities of simulated ones.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np

from colliderfm.data.event_schema import PROCESSES
from colliderfm.data.event_table import EventTable
from colliderfm.data.loader import EventLoader, sequential
from colliderfm.data.normalize import Normalizer
from colliderfm.data.splits import split_of
from colliderfm.data.toys import toy_table, write_toy_set
from colliderfm.data.windows import StreamedSource

_REPETITIONS = 3


def rate_per_s(n_events: int, function: Callable[[], object]) -> float:
    """Return the best rate of some repetitions."""
    seconds = []
    for _ in range(_REPETITIONS):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return round(n_events / min(seconds))


def measure(n_events: int, batch_size: int = 256) -> dict[str, float]:
    """Measure every step of the data layer.

    Parameters
    ----------
    n_events : int
        Toy events of the ten pretraining classes.
    batch_size : int
        Events per batch.

    Returns
    -------
    dict of str to float
        Events per second by step; file size in bytes per event.
    """
    processes = PROCESSES[:10]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write = rate_per_s(n_events, lambda: write_toy_set(folder, n_events, 0, processes))
        size = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
        table = EventTable.read(folder)
        random = np.random.default_rng(0).permutation(n_events)
        order = np.array_split(random, -(-n_events // batch_size))
        loader = EventLoader(table, batch_size)
        streamed = EventLoader(StreamedSource(folder), batch_size)
        steps = loader.batches_in_epoch()
        return {
            "events": n_events,
            "batch_size": batch_size,
            "bytes_per_event": round(size / n_events, 1),
            "generate_toys_per_s": rate_per_s(n_events, lambda: toy_table(n_events)),
            "generate_and_write_toys_per_s": write,
            "read_per_s": rate_per_s(n_events, lambda: EventTable.read(folder)),
            "read_with_truth_per_s": rate_per_s(
                n_events, lambda: EventTable.read(folder, truth=True)
            ),
            "read_train_split_per_s": rate_per_s(
                n_events, lambda: EventTable.read(folder, split="train")
            ),
            "split_per_s": rate_per_s(n_events, lambda: split_of(table.event_id)),
            "subset_per_s": rate_per_s(n_events, lambda: table.subset(random)),
            "batch_per_s": rate_per_s(n_events, lambda: [table.batch(i) for i in order]),
            "loader_per_s": rate_per_s(n_events, lambda: list(islice(loader, steps))),
            "loader_streamed_per_s": rate_per_s(
                n_events, lambda: list(islice(streamed, streamed.batches_in_epoch()))
            ),
            "sequential_per_s": rate_per_s(n_events, lambda: list(sequential(table, batch_size))),
            "fit_normalizer_per_s": rate_per_s(n_events, lambda: Normalizer.fit(table)),
        }


def main() -> None:
    """Run the benchmark and print its JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--events", type=int, default=100_000, help="toy events (default 100000)")
    parser.add_argument(
        "--batch-size", type=int, default=256, help="events per batch (default 256)"
    )
    parser.add_argument("--out", type=Path, help="also write the JSON here")
    arguments = parser.parse_args()
    text = json.dumps(measure(arguments.events, arguments.batch_size), indent=1)
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
