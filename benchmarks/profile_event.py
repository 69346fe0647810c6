"""Where the time of the event network goes, and how far it is from the limit of matrix products.

    python benchmarks/profile_event.py --out reports/benchmarks/event_profile.json

Per network and task: share of the profiled time by kind of operation, floating-point operations of
matrix products (``torch.utils.flop_counter``), and the time these would take at the rate of a 512^3
product measured beside, relative to the real time. One thread; times are CPU seconds, so that a shared
machine shifts them little. Batches, heads and training step are those of ``event_heads.py``.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from colliderfm.data.event_batch import EventBatch
from event_heads import TASKS, build, function_of, with_truth
from event_model import EVENTS_PER_PASS, matrix_rate_gflop_per_s, multiplicities, random_batch

REPORT = Path(__file__).resolve().parents[1] / "reports" / "benchmarks" / "event_profile.json"
PROFILED = ("inference", "train_classify", "train_all_heads")
# Everything inside of these counts as attention: its products, its softmax and its copies.
_ATTENTION = ("_BiasedAttention", "aten::scaled_dot_product", "aten::_scaled_dot_product")
# By the start of the name behind ``aten::``; the first hit counts.
_KINDS = (
    ("matrix products", ("mm", "addmm", "bmm", "baddbmm", "matmul", "linear", "einsum")),
    ("layer norms", ("native_layer_norm", "layer_norm")),
    ("optimizer", ("_fused_adamw", "_foreach", "linalg_vector_norm")),
    (
        "copies and gathers",
        (
            *("copy_", "cat", "index", "gather", "scatter", "clone", "contiguous", "stack", "pad"),
            *("select_backward", "slice_backward", "constant_pad", "fill_", "zero", "embedding"),
            *("_to_copy", "reshape", "empty", "resize", "new_", "ones", "full", "sort", "argsort"),
        ),
    ),
    (
        "element-wise and sums",
        (
            *(
                "add",
                "sub",
                "rsub",
                "mul",
                "div",
                "neg",
                "abs",
                "exp",
                "log",
                "pow",
                "sqrt",
                "silu",
            ),
            *(
                "sigmoid",
                "where",
                "masked_fill",
                "clamp",
                "sum",
                "mean",
                "amax",
                "amin",
                "max",
                "min",
            ),
            *("sin", "cos", "tan", "atan", "hypot", "reciprocal", "square", "eq", "ne", "lt", "gt"),
            *(
                "le",
                "ge",
                "bitwise",
                "logical",
                "any",
                "all",
                "threshold",
                "native_dropout",
                "rand",
            ),
            *("bernoulli", "dropout", "feature_dropout", "softmax", "_softmax", "log1p", "cosh"),
            *("_log_softmax", "isfinite", "topk", "norm", "maximum", "minimum", "nll_loss"),
        ),
    ),
)


def kind_of(event: Any) -> str:
    """Return the kind of an operation: by the function it runs in, or by its name."""
    parent = event
    while parent is not None:
        if parent.name.startswith(_ATTENTION):
            return "attention"
        parent = parent.cpu_parent
    name = event.name.removeprefix("aten::")
    for kind, starts in _KINDS:
        if event.name != name and name.startswith(starts):
            return kind
    return "rest"


def shares_of_time(function: Callable[[EventBatch], object], batches: Sequence[EventBatch]) -> Any:
    """Return the share of each kind of operation, and the ten largest operations."""
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        for batch in batches:
            function(batch)
    by_kind: dict[str, float] = defaultdict(float)
    by_name: dict[str, float] = defaultdict(float)
    n_calls = 0
    for event in profiler.events():
        seconds = event.self_cpu_time_total
        kind = kind_of(event)
        by_kind[kind] += seconds
        by_name[f"{event.name} ({kind})"] += seconds
        n_calls += event.name.startswith("aten::")
    total = sum(by_kind.values())
    largest = sorted(by_name.items(), key=lambda item: -item[1])[:10]
    return {
        "share_of_time": {kind: round(by_kind[kind] / total, 3) for kind in sorted(by_kind)},
        "largest_operations": {name: round(value / total, 3) for name, value in largest},
        "operator_calls_per_batch": round(n_calls / len(batches)),
    }


def flops_of(function: Callable[[EventBatch], object], batch: EventBatch) -> int:
    """Return the floating-point operations of the matrix products of a batch, padding included."""
    with FlopCounterMode(display=False) as counter:
        function(batch)
    return int(counter.get_total_flops())


def measure(network: str, task: str, n_batches: int) -> dict[str, Any]:
    """Profile one task of one network.

    Parameters
    ----------
    network : str
        A key of ``event_heads.SHAPES``.
    task : str
        A key of ``event_heads.TASKS``.
    n_batches : int
        Batches that are timed, and profiled afterwards.

    Returns
    -------
    dict
        Shares of time, operations, rates, and the limit of matrix products.
    """
    model, size = build(network), TASKS[task]
    drawn = multiplicities(n_batches * size, is_sorted=True)
    batches = [
        with_truth(random_batch(drawn[start : start + size], start), start)
        for start in range(0, len(drawn), size)
    ]
    function = function_of(task, model)
    # Warm-up and count in one: a step of the optimizer changes nothing for either.
    flops = sum(flops_of(function, batch) for batch in batches)
    before = matrix_rate_gflop_per_s()
    start = time.process_time()
    for batch in batches:
        function(batch)
    seconds = time.process_time() - start
    rate = 0.5 * (before + matrix_rate_gflop_per_s())
    ideal = flops / (rate * 1e9)
    return {
        "network": network,
        "task": task,
        "batch_events": size,
        **({"events_per_pass": EVENTS_PER_PASS} if task.startswith("train") else {}),
        "events_per_cpu_s": round(n_batches * size / seconds, 1),
        "gflop_per_event": round(flops / (n_batches * size) / 1e9, 5),
        "matrix_gflop_per_cpu_s": round(rate, 1),
        "matrix_limit_events_per_cpu_s": round(n_batches * size / ideal, 1),
        "share_of_matrix_limit": round(ideal / seconds, 3),
        **shares_of_time(function, batches),
    }


def main() -> None:
    """Profile and write JSON; rows of other networks and tasks are kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", default=["small", "base"])
    parser.add_argument("--tasks", nargs="+", choices=PROFILED, default=list(PROFILED))
    parser.add_argument("--batches", type=int, default=2)
    parser.add_argument("--out", type=Path, default=REPORT)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    results = []
    if arguments.out.is_file():
        results = json.loads(arguments.out.read_text(encoding="utf-8"))["results"]
    for network in arguments.networks:
        for task in arguments.tasks:
            found = measure(network, task, arguments.batches)
            place = (network, task)
            results = [row for row in results if (row["network"], row["task"]) != place]
            results.append(found)
            content = {"torch": torch.__version__, "threads": 1, "results": results}
            arguments.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
