"""Rates of the event network on a GPU by batch size, and their fraction of the bf16 peak.

    python benchmarks/event_gpu.py --out reports/benchmarks/event_gpu.json

Batches, heads and training step as in ``event_heads.py``, under bf16 autocast, the whole batch at once.
Floating-point operations are those of the matrix products, padding included; they are set against the rate
of a large bf16 product measured on the same device, and against the maker's dense peak where it is known.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from colliderfm.data.event_batch import EventBatch
from colliderfm.errors import ConfigError
from colliderfm.train.passes import add_gradients, passes_of
from colliderfm.train.settings import FitSettings
from event_heads import SHAPES, build, with_truth
from event_model import HeadsTask, multiplicities, random_batch
from profile_event import PROFILED, flops_of

REPORT = Path(__file__).resolve().parents[1] / "reports" / "benchmarks" / "event_gpu.json"
BATCH_SIZES = (256, 1024, 4096, 16384)
# Dense bf16 peak in TFLOP/s by a part of the device's name (makers' data sheets).
_PEAKS_TFLOP_PER_S = {"H200": 989.0, "H100": 989.0, "A100": 312.0, "L40S": 362.0, "L4": 121.0}
_REPEATS = 10


def seconds_of(function: Callable[[], object], device: torch.device, repeats: int) -> float:
    """Return the wall time of one call, after a warm-up."""
    for _ in range(2):
        function()
    _wait(device)
    start = time.perf_counter()
    for _ in range(repeats):
        function()
    _wait(device)
    return (time.perf_counter() - start) / repeats


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def matrix_rate_tflop_per_s(device: torch.device, size: int) -> float:
    """Return the rate of a bf16 product of two square matrices."""
    matrix = torch.randn(size, size, device=device, dtype=torch.bfloat16)
    return 2e-12 * size**3 / seconds_of(lambda: matrix @ matrix, device, _REPEATS)


def peak_tflop_per_s(device: torch.device) -> float | None:
    """Return the dense bf16 peak of a known device."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else ""
    return next((peak for part, peak in _PEAKS_TFLOP_PER_S.items() if part in name), None)


def function_of(task: str, network: str, device: torch.device) -> Callable[[EventBatch], None]:
    """Return what is timed."""
    model = build(network).to(device)
    if task == "inference":
        model.eval()

        def classify(batch: EventBatch) -> None:
            with torch.no_grad(), torch.autocast(device.type, torch.bfloat16):
                model(batch, ["classify"])

        return classify
    model.train()
    heads = ("classify",) if task == "train_classify" else tuple(model.heads)
    learned = HeadsTask(model, heads)
    settings = FitSettings(1, 1, precision="bf16")
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)

    def train(batch: EventBatch) -> None:
        optimizer.zero_grad()
        add_gradients(learned.loss, passes_of(learned, batch, settings), settings, device)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    return train


def measure(
    network: str, task: str, n_events: int, device: torch.device, measured_peak: float
) -> dict[str, Any]:
    """Measure one network, task and batch size.

    Parameters
    ----------
    network : str
        A key of ``event_heads.SHAPES``.
    task : str
        One of ``profile_event.PROFILED``.
    n_events : int
        Events of the batch.
    device : torch.device
        Where to compute.
    measured_peak : float
        Rate of a large bf16 product, TFLOP/s.

    Returns
    -------
    dict
        Rate, fractions of both peaks, peak memory.
    """
    function = function_of(task, network, device)
    drawn = multiplicities(n_events, is_sorted=True)
    batch = with_truth(random_batch(drawn, 0), 0).to(device)
    flops = flops_of(function, batch)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    seconds = seconds_of(lambda: function(batch), device, _REPEATS)
    rate, peak = 1e-12 * flops / seconds, peak_tflop_per_s(device)
    row = {
        "network": network,
        "task": task,
        "batch_events": n_events,
        "events_per_s": round(n_events / seconds),
        "tflop_per_s": round(rate, 4),
        "share_of_measured_bf16_rate": round(rate / measured_peak, 5),
        "share_of_bf16_peak": None if peak is None else round(rate / peak, 5),
    }
    if device.type == "cuda":
        row["peak_memory_gib"] = round(torch.cuda.max_memory_allocated(device) / 1024**3, 2)
    return row


def main() -> None:
    """Measure and write JSON after each row."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", choices=list(SHAPES), default=["small", "base"])
    parser.add_argument("--tasks", nargs="+", choices=PROFILED, default=list(PROFILED))
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=list(BATCH_SIZES))
    parser.add_argument("--device", default="cuda", help="cpu to try the script")
    parser.add_argument("--out", type=Path, default=REPORT)
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise SystemExit(str(ConfigError("this benchmark", got="no GPU", fix="--device cpu")))
    measured = matrix_rate_tflop_per_s(device, 8192 if device.type == "cuda" else 512)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    content: dict[str, Any] = {"torch": torch.__version__, "device": name}
    content["measured_bf16_tflop_per_s"] = round(measured, 3)
    content["bf16_peak_tflop_per_s"] = peak_tflop_per_s(device)
    content["results"] = []
    for network in arguments.networks:
        for task in arguments.tasks:
            for n_events in arguments.batch_sizes:
                content["results"].append(measure(network, task, n_events, device, measured))
                arguments.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(content, indent=1))


if __name__ == "__main__":
    main()
