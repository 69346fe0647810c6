"""Rates of the spectrum side: drawing replicas, retrieval among a million, a theory prediction, an encoder.

    python benchmarks/spectra.py --out reports/benchmarks/spectra.json

Beside each number stands a matrix-product rate of the same run. Drawing: 100 universes in 92 bins,
both kinds of noise, streamed in chunks and thrown away; target one million in 5 s of CPU time and
1 GB. Retrieval: the 100 nearest of a million latent points to one query, by one matrix product and
a partial sort, and by a k-d tree whose construction is quoted apart; target 0.1 s. Encoder: 3 layers
of 100 units, with its batch normalization and with it folded into the weights.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from scipy.spatial import KDTree

from colliderfm.data.table_files import read_table
from colliderfm.physics.replicas import (
    HARD_NOISE,
    STUDY_NOISE,
    NoiseSettings,
    noise_model,
    poisson_sigma,
)
from colliderfm.physics.spectrum_table import SpectrumTable
from colliderfm.physics.universes import make_universes

TARGET_CPU_S, TARGET_MEMORY_GIB, TARGET_RETRIEVAL_S = 5.0, 1.0, 0.1
_TABLE = Path(__file__).resolve().parents[1] / "starter" / "smeft" / "table.json"
_LATENT_DIMENSIONS, _NEAREST = 8, 100
_ENCODER_BATCH = 8192


def matrix_rate_gflop_per_s(repetitions: int = 40) -> float:
    """Return the rate of a 512 x 512 x 512 float32 product per CPU second."""
    matrix = np.random.default_rng(0).standard_normal((512, 512), dtype=np.float32)
    matrix @ matrix
    start = time.process_time()
    for _ in range(repetitions):
        matrix @ matrix
    return round(repetitions * 2 * 512**3 / (time.process_time() - start) / 1e9, 1)


def peak_memory_gib() -> float:
    """Return the largest resident memory of this process so far."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2, 3)


def measure_replicas(
    table: SpectrumTable, settings: NoiseSettings, n_replicas: int
) -> dict[str, float]:
    """Stream replicas of 100 universes.

    Parameters
    ----------
    table : SpectrumTable
        Theory.
    settings : NoiseSettings
        Kind of noise.
    n_replicas : int
        How many are drawn.

    Returns
    -------
    dict of str to float
        CPU and wall seconds, setting up the model included, replicas per CPU second, peak memory.
    """
    means = make_universes(table, 100, 0).mean_pb_per_gev
    wall, cpu = time.perf_counter(), time.process_time()
    model = noise_model(table, means, settings)
    n_drawn = sum(len(values) for _, values in model.stream(n_replicas, seed=0))
    cpu_s = time.process_time() - cpu
    return {
        "replicas": n_drawn,
        "bins": table.n_bins,
        "cpu_s": round(cpu_s, 3),
        "wall_s": round(time.perf_counter() - wall, 3),
        "replicas_per_cpu_s": round(n_drawn / cpu_s),
        "peak_memory_gib": peak_memory_gib(),
    }


def nearest_by_product(
    points: np.ndarray, squared_length: np.ndarray, query: np.ndarray, n_nearest: int
) -> np.ndarray:
    """Return the indices of the nearest points, nearest first, by one matrix product."""
    squared = squared_length - 2.0 * (points @ query)
    nearest = np.argpartition(squared, n_nearest)[:n_nearest]
    return nearest[np.argsort(squared[nearest])]


def median_s(function: Callable[[], object], repetitions: int = 9) -> float:
    """Return the median wall time of some repetitions."""
    seconds = []
    for _ in range(repetitions):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return round(statistics.median(seconds), 5)


def measure_retrieval(n_points: int) -> dict[str, float | bool]:
    """Find the nearest of many latent points.

    Parameters
    ----------
    n_points : int
        Points in eight dimensions, clustered as embedded replicas of 100 universes are.

    Returns
    -------
    dict of str to float
        Seconds per query of both methods, of the construction of the tree, and whether they agree.
    """
    rng = np.random.default_rng(0)
    centers = 10 * rng.standard_normal((100, _LATENT_DIMENSIONS), dtype=np.float32)
    points = centers[np.arange(n_points) % 100]
    points = points + rng.standard_normal(points.shape, dtype=np.float32)
    query = centers[3] + 0.5
    squared_length = (points**2).sum(axis=1)
    start = time.perf_counter()
    tree = KDTree(points)
    build_s = time.perf_counter() - start
    by_product = nearest_by_product(points, squared_length, query, _NEAREST)
    _, by_tree = tree.query(query, _NEAREST)
    return {
        "points": n_points,
        "dimensions": _LATENT_DIMENSIONS,
        "nearest": _NEAREST,
        "matrix_product_s": median_s(
            lambda: nearest_by_product(points, squared_length, query, _NEAREST)
        ),
        "tree_query_s": median_s(lambda: tree.query(query, _NEAREST)),
        "tree_build_s": round(build_s, 3),
        # In float32 points at nearly equal distance may swap places.
        "agree": len(np.intersect1d(by_product, by_tree)) >= 0.97 * _NEAREST,
    }


def measure_prediction(table: SpectrumTable, n_points: int) -> dict[str, float]:
    """Predict spectra at many points of the theory.

    Parameters
    ----------
    table : SpectrumTable
        Theory.
    n_points : int
        Points.

    Returns
    -------
    dict of str to float
        Spectra per CPU second, quadratic terms included.
    """
    wilson = 0.3 * np.random.default_rng(0).normal(size=(n_points, len(table.operators)))
    start = time.process_time()
    table.predict_pb(wilson)
    return {"spectra_per_cpu_s": round(n_points / (time.process_time() - start))}


def measure_encoder(table: SpectrumTable, n_spectra: int) -> dict[str, float]:
    """Encode spectra with the network of the source study, 3 x 100, as trained and folded.

    Parameters
    ----------
    table : SpectrumTable
        Bins and scales.
    n_spectra : int
        Spectra in batches of 8192.

    Returns
    -------
    dict of str to float
        Spectra per CPU second with batch normalization apart and inside the weights, that of the bare
        matrix products, and the largest difference of the two latents.
    """
    # Here, or the peak memory of the drawing would be that of torch.
    import torch

    from colliderfm.models.spectrum_model import SpectrumEncoderSettings, build_spectrum_encoder
    from colliderfm.models.spectrum_normalization import SpectrumNormalization

    torch.manual_seed(0)
    spectrum, sigma = table.sm_pb / table.width_gev, poisson_sigma(table, 0.01)
    scales = [tuple(map(float, values)) for values in (spectrum, sigma, spectrum, sigma)]
    edges = [tuple(map(float, values)) for values in (table.low_gev, table.high_gev)]
    normalization = SpectrumNormalization(tuple(table.observable), *edges, *scales)
    values = torch.tensor(scales[0]) + torch.tensor(scales[1]) * torch.randn(
        _ENCODER_BATCH, table.n_bins
    )
    tasks: dict[str, Callable[[], object]] = {}
    difference = 0.0
    with torch.no_grad():
        # The inputs of the study, and the default: asinh with a linear path beside the layers.
        for inputs in ("raw", "asinh"):
            settings = SpectrumEncoderSettings(hidden=100, latent=_LATENT_DIMENSIONS, inputs=inputs)
            encoder = build_spectrum_encoder(settings, normalization)
            encoder(values)  # batch normalization gets statistics of its own
            folded = encoder.freeze().fold()
            difference = max(difference, float((folded(values) - encoder(values)).abs().max()))
            tasks[f"{inputs}_trained"] = partial(encoder, values)
            tasks[f"{inputs}_folded"] = partial(folded, values)
        kernels = [torch.randn(n, m) for n, m in ((table.n_bins, 100), (100, 100), (100, 100))]

        def products() -> None:
            hidden = values
            for kernel in kernels:
                hidden = hidden @ kernel

        n_batches = max(1, n_spectra // _ENCODER_BATCH)
        rates = {}
        for name, task in {**tasks, "matrix_products_alone": products}.items():
            start = time.process_time()
            for _ in range(n_batches):
                task()
            seconds = time.process_time() - start
            rates[f"{name}_spectra_per_cpu_s"] = round(n_batches * _ENCODER_BATCH / seconds)
    return {**rates, "largest_difference": difference}


def measure(table: SpectrumTable, n_replicas: int, n_points: int) -> dict[str, object]:
    """Measure everything.

    Parameters
    ----------
    table : SpectrumTable
        Theory.
    n_replicas : int
        Replicas per kind of noise.
    n_points : int
        Latent points of the retrieval.

    Returns
    -------
    dict
        Results by part, matrix-product rates before and after, and whether the targets are met.
    """
    # Drawing first: peak memory is of the process so far.
    before = matrix_rate_gflop_per_s()
    drawn = {
        name: measure_replicas(table, settings, n_replicas)
        for name, settings in (("correlated", STUDY_NOISE), ("independent", HARD_NOISE))
    }
    retrieval = measure_retrieval(n_points)
    best = min(retrieval["matrix_product_s"], retrieval["tree_query_s"])
    return {
        "matrix_gflop_per_cpu_s_before": before,
        "replicas": drawn,
        "retrieval": retrieval,
        "prediction": measure_prediction(table, 20_000),
        "encoder": measure_encoder(table, n_replicas),
        "matrix_gflop_per_cpu_s_after": matrix_rate_gflop_per_s(),
        "targets": {
            "replicas_reached": all(
                result["cpu_s"] * 1e6 / n_replicas <= TARGET_CPU_S
                and result["peak_memory_gib"] <= TARGET_MEMORY_GIB
                for result in drawn.values()
            ),
            "retrieval_reached": best * 1e6 / n_points <= TARGET_RETRIEVAL_S,
        },
    }


def main() -> None:
    """Run the benchmark and print its JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--table", type=Path, default=_TABLE, help="theory table")
    parser.add_argument("--replicas", type=int, default=1_000_000)
    parser.add_argument("--points", type=int, default=1_000_000, help="of the retrieval")
    parser.add_argument("--out", type=Path, help="also write the JSON here")
    arguments = parser.parse_args()
    result = measure(read_table(arguments.table), arguments.replicas, arguments.points)
    text = json.dumps(result, indent=1)
    print(text)
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
