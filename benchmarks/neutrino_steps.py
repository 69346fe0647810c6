"""Neutrinos of the same events generated with few and with many steps, beside the truth.

    python -m benchmarks.neutrino_steps MODEL_FOLDER --corpus corpora/pretrain-large

MODEL_FOLDER holds a trained network with the head ``invisible``. Per number of steps and over the noise
seeds: 1-D Wasserstein distances in units of the spread of the truth, correlations with the truth, and rates.
Errors come from a Poisson bootstrap of the events, the same in all settings, and from the spread of the
seeds. The verdict compares 16 with 100 steps by paired differences.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from colliderfm.data.event_table import EventTable
from colliderfm.data.loader import sequential
from colliderfm.errors import DataError
from colliderfm.evaluate.generation import compare_invisible
from colliderfm.models.event_model import EventModel
from colliderfm.models.weights import load_model
from colliderfm.stats.bootstrap import replica_counts

PROJECT = Path(__file__).resolve().parents[1]
REPORT = PROJECT / "reports" / "benchmarks" / "neutrino_steps.json"
STEPS = (4, 8, 16, 32, 100)
FEW, MANY = 16, 100
# Pulls beyond which few steps count as worse: one in 700 for each of 14 numbers.
LARGEST_PULL = 3.0
_BATCH_EVENTS = 512


@dataclass(frozen=True)
class Sample:
    """Neutrinos of n events, by falling pT, in K places.

    Parameters
    ----------
    momenta : ndarray, shape (n, K, 4), GeV
        Energy, px, py, pz; zero where there is none.
    cpu_s, wall_s : float
        Time it took, the pass over the visible event included.
    """

    momenta: np.ndarray
    cpu_s: float
    wall_s: float


def events_with_neutrinos(corpus: Path, n_events: int) -> EventTable:
    """Return validation events that have a neutrino, drawn once.

    Raises
    ------
    DataError
        If the files hold no truth.
    """
    table = EventTable.read(corpus, None, "validation", truth=True)
    if table.truth is None:
        raise DataError(f"{corpus}", got="events without truth", need="truth columns")
    batch_truth = table.truth.invisible.padded(np.arange(len(table)), fill=0.0)[1]
    rows = np.flatnonzero(batch_truth.any(axis=1))
    chosen = np.random.default_rng(0).permutation(rows)[:n_events]
    return table.subset(np.sort(chosen))


def joined(parts: Sequence[torch.Tensor]) -> np.ndarray:
    """Join the particles of all batches, padded to the largest number in an event."""
    n_places = max(part.shape[1] for part in parts)
    missing = [(n_places - part.shape[1], part.ndim - 2) for part in parts]
    padded = [
        np.pad(part.cpu().numpy(), [(0, 0), (0, n), *[(0, 0)] * further])
        for part, (n, further) in zip(parts, missing, strict=True)
    ]
    return np.concatenate(padded)


def truth_of(table: EventTable) -> tuple[np.ndarray, np.ndarray]:
    """Return true momenta (n, K, 4) and mask (n, K), in the order of ``sample``."""
    truths = [batch.truth for _, batch in sequential(table, _BATCH_EVENTS)]
    momenta = joined([truth.invisible for truth in truths if truth is not None])
    return momenta, joined([truth.invisible_mask for truth in truths if truth is not None])


@torch.no_grad()
def sample(model: EventModel, table: EventTable, n_steps: int, seed: int) -> Sample:
    """Generate the neutrinos of all events."""
    head: Any = model.heads["invisible"]
    generator = torch.Generator().manual_seed(seed)
    found = []
    wall, cpu = time.perf_counter(), time.process_time()
    for _, batch in sequential(table, _BATCH_EVENTS):
        mask = batch.truth.invisible_mask
        momenta = head.sample(model.encoder(batch), batch, mask, n_steps, generator=generator)
        found.append(momenta)
    return Sample(joined(found), time.process_time() - cpu, time.perf_counter() - wall)


def numbers_of(
    samples: Sequence[Sample], true: np.ndarray, mask: np.ndarray, counts: np.ndarray
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return what two samples are compared by.

    Parameters
    ----------
    samples : sequence of Sample
        One per noise seed.
    true : ndarray, shape (n, K, 4), GeV
        True momenta.
    mask : ndarray, shape (n, K), bool
        True = real particle.
    counts : ndarray, shape (R, n)
        How often each event occurs in each bootstrap replica.

    Returns
    -------
    names : list of str
        ``<feature>_distance`` and ``<feature>_correlation``.
    values : ndarray, shape (seeds, names)
        Of each seed.
    replicas : ndarray, shape (R, names)
        Bootstrap replicas of the first seed.
    """
    names: list[str] = []

    def numbers(momenta: np.ndarray, weight: np.ndarray | None) -> list[float]:
        compared = compare_invisible(momenta, true, mask, weight)
        names[:] = [f"{c.name}_{kind}" for c in compared for kind in ("distance", "correlation")]
        return [value for c in compared for value in (c.scaled_distance, c.correlation)]

    values = np.array([numbers(one.momenta, None) for one in samples])
    replicas = np.array([numbers(samples[0].momenta, weight) for weight in counts])
    return names, values, replicas


def error_of(values: np.ndarray, replicas: np.ndarray) -> np.ndarray:
    """Return bootstrap error and error of the mean over the seeds, added in quadrature."""
    of_seeds = values.std(axis=0, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0.0
    return np.hypot(replicas.std(axis=0, ddof=1), of_seeds)


def verdict(
    names: Sequence[str], few: tuple[np.ndarray, np.ndarray], many: tuple[np.ndarray, np.ndarray]
) -> dict[str, Any]:
    """Compare few with many steps by paired differences; positive pulls are worse.

    Parameters
    ----------
    names : sequence of str
        From ``numbers_of``.
    few, many : tuple of ndarray
        Values by seed and bootstrap replicas.

    Returns
    -------
    dict
        Differences with errors, the largest pull, and whether few steps are as good: no number is
        worse by more than three errors of the difference and by more than its own error.
    """
    values, replicas = few[0] - many[0], few[1] - many[1]
    errors = error_of(values, replicas)
    sign = np.array([1.0 if name.endswith("distance") else -1.0 for name in names])
    pulls = sign * values.mean(axis=0) / np.maximum(errors, 1e-12)
    worst = int(np.argmax(pulls))
    # With equal noise the paths hardly differ, and differences of no matter become significant.
    matters = sign * values.mean(axis=0) > error_of(*many)
    return {
        "differences": {
            name: {"value": _rounded(value), "error": _rounded(error), "pull_worse": round(p, 2)}
            for name, value, error, p in zip(
                names, values.mean(axis=0), errors, pulls.tolist(), strict=True
            )
        },
        "largest_pull": round(float(pulls[worst]), 2),
        "at": names[worst],
        "worse": [
            name for name, p, m in zip(names, pulls, matters, strict=True) if _is_worse(p, m)
        ],
        "as_good": not any(map(_is_worse, pulls, matters)),
    }


def _is_worse(pull: float, matters: bool) -> bool:
    return pull > LARGEST_PULL and bool(matters)


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def measure(
    model: EventModel, table: EventTable, steps: Sequence[int], n_seeds: int, n_replicas: int
) -> dict[str, Any]:
    """Sample with every number of steps and compare with the truth.

    Parameters
    ----------
    model : EventModel
        In evaluation mode.
    table : EventTable
        Events with neutrinos and truth.
    steps : sequence of int
        Numbers of steps; 16 and 100 among them for a verdict.
    n_seeds, n_replicas : int
        Noise seeds and bootstrap replicas.

    Returns
    -------
    dict
        Results by number of steps, and the verdict.
    """
    true, mask = truth_of(table)
    counts = replica_counts(len(table), n_replicas, 0)
    names: list[str] = []
    found: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    results = []
    sample(model, table.subset(np.arange(min(64, len(table)))), 2, 0)
    for n_steps in steps:
        samples = [sample(model, table, n_steps, seed) for seed in range(n_seeds)]
        names, values, replicas = numbers_of(samples, true, mask, counts)
        found[n_steps] = (values, replicas)
        errors = error_of(values, replicas)
        n_made = n_seeds * len(table)
        results.append(
            {
                "steps": n_steps,
                "events_per_s": round(n_made / sum(one.wall_s for one in samples), 1),
                "events_per_cpu_s": round(n_made / sum(one.cpu_s for one in samples), 1),
                "numbers": {
                    name: {"value": _rounded(value), "error": _rounded(error)}
                    for name, value, error in zip(names, values.mean(axis=0), errors, strict=True)
                },
            }
        )
    floors = compare_invisible(true, true, mask)
    content: dict[str, Any] = {
        "floor_of_distances": {c.name: _rounded(c.floor) for c in floors},
        "results": results,
    }
    if FEW in found and MANY in found:
        content[f"verdict_{FEW}_against_{MANY}"] = verdict(names, found[FEW], found[MANY])
    return content


def main() -> None:
    """Measure one network and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="folder of a trained network")
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--events", type=int, default=4000)
    parser.add_argument("--steps", type=int, nargs="+", default=list(STEPS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--replicas", type=int, default=100)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=REPORT)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    model = load_model(arguments.model).eval()
    table = events_with_neutrinos(arguments.corpus, arguments.events)
    content = {
        "model": arguments.model.name,
        "encoder_width": model.encoder.settings.width,
        "corpus": arguments.corpus.name,
        "events": len(table),
        "seeds": arguments.seeds,
        "threads": arguments.threads,
        **measure(model, table, arguments.steps, arguments.seeds, arguments.replicas),
    }
    text = json.dumps(content, indent=1) + "\n"
    arguments.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
