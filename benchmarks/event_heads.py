"""Rates and memory of the event network with all heads, at three sizes, beside a matrix-product rate.

    python benchmarks/event_heads.py --threads 2 --out rates.json

Batches as in ``event_model.py``, sorted by length. Tasks: inference and training of classification
(256 events), training of all heads of pretraining (64 and 256), sampling of neutrinos in 16 steps
(256). Training goes in parts of ``compute.events_per_pass`` events, as in ``train/``. Every network, task
and number of threads runs in a process of its own, so that the increase of its peak memory is of that
task; rows that ``--out`` holds of others are kept. Networks: ``small``, ``base`` and ``large`` as defined,
``equal_depth`` and ``equal_depth_base`` with the width and depth of the source study's two networks, and
``equal_block`` and ``equal_block_base`` with its ten edge layers and their wide messages besides.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from colliderfm.data.event_batch import EventBatch
from colliderfm.data.event_truth import EventTruth
from colliderfm.models.build import build_event_model
from colliderfm.models.event_model import EventModel
from colliderfm.models.settings import (
    AssignSettings,
    ClassifySettings,
    CloudSettings,
    InvisibleSettings,
    RegressSettings,
    SegmentSettings,
)
from colliderfm.models.sizes import encoder_settings
from edge_layers import widen_messages
from event_model import (
    BATCH_EVENTS,
    EVENTS_PER_PASS,
    NETWORKS,
    inference,
    matrix_rate_gflop_per_s,
    multiplicities,
    random_batch,
    rates,
    training_step,
)

SAMPLING_STEPS = 16
N_BATCHES = 4
_DECAYS = ("t_bqq", "t_bl", "W_qq", "Z_qq", "Z_ll", "H_bb")
# The source study's larger network: width 256, 10 edge layers, 16 blocks, 2 object layers, ratio 2.
SHAPES = {
    "small": encoder_settings("small"),
    "equal_depth": NETWORKS["equal_depth"],
    "base": encoder_settings("base"),
    "equal_depth_base": encoder_settings(
        "base",
        width=256,
        n_heads=16,
        n_edge_layers=3,
        n_blocks=16,
        n_object_layers=2,
        mlp_ratio=2.0,
    ),
    "large": encoder_settings("large"),
}
SHAPES |= {
    "equal_block": replace(SHAPES["equal_depth"], n_edge_layers=10),
    "equal_block_base": replace(SHAPES["equal_depth_base"], n_edge_layers=10),
}
# Width of a message relative to that of a token, where it is not 1.
MESSAGE_WIDTH = {"equal_block": 2, "equal_block_base": 2}
_KEYS = ("network", "task", "threads")
# Batch size of each task.
TASKS = {
    "inference": BATCH_EVENTS,
    "train_classify": BATCH_EVENTS,
    "train_all_heads": 64,
    "train_all_heads_256": BATCH_EVENTS,
    "sample_neutrinos": BATCH_EVENTS,
}


def with_truth(batch: EventBatch, seed: int) -> EventBatch:
    """Return the batch with random momenta of its top pairs and of one neutrino in each of them."""
    generator = torch.Generator().manual_seed(seed)
    is_there = batch.decay >= 0
    momentum = 80.0 * torch.randn(*batch.decay.shape, 3, generator=generator)
    energy = (momentum.square().sum(-1) + 172.5**2).sqrt()
    momenta = torch.cat([energy[..., None], momentum], dim=-1) * is_there[..., None]
    slots = torch.arange(batch.mask.shape[1])
    members = (batch.assignment[..., None] == slots).any(dim=2) & is_there[..., None]
    neutrino = 40.0 * torch.randn(len(batch), 1, 3, generator=generator)
    neutrino = torch.cat([neutrino.norm(dim=-1, keepdim=True), neutrino], dim=-1)
    has_neutrino = is_there.any(dim=1, keepdim=True)
    neutrino = neutrino * has_neutrino[..., None]
    return replace(batch, truth=EventTruth(momenta, members, neutrino, has_neutrino))


def build(network: str) -> EventModel:
    """Return a network with all heads of pretraining."""
    torch.manual_seed(0)
    tops = (*_DECAYS, "W_l")
    classes = tuple((str(index), (name,)) for index, name in enumerate(("qcd", "tt", "tth", "zz")))
    heads = (
        *(ClassifySettings(classes), AssignSettings(_DECAYS), RegressSettings(tops)),
        *(SegmentSettings(tops), CloudSettings(), InvisibleSettings()),
    )
    model = build_event_model(SHAPES[network], heads=heads)
    widen_messages(model, MESSAGE_WIDTH.get(network, 1))
    return model


def function_of(task: str, model: EventModel) -> Callable[[EventBatch], object]:
    """Return what is timed."""
    if task == "inference":
        model.eval()
        return lambda batch: inference(model, batch)
    if task == "sample_neutrinos":
        model.eval()
        return lambda batch: sample_neutrinos(model, batch)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    heads = ["classify"] if task == "train_classify" else list(model.heads)
    return training_step(model.train(), optimizer, heads)


@torch.no_grad()
def sample_neutrinos(model: EventModel, batch: EventBatch) -> torch.Tensor:
    """Generate two neutrinos in every event."""
    mask = torch.ones(len(batch), 2, dtype=torch.bool)
    head = model.heads["invisible"]
    return head.sample(model.encoder(batch), batch, mask, SAMPLING_STEPS)


def measure(
    network: str, task: str, n_threads: int, n_batches: int = N_BATCHES
) -> dict[str, object]:
    """Measure one task of one network.

    Parameters
    ----------
    network : str
        A key of ``SHAPES``.
    task : str
        A key of ``TASKS``.
    n_threads : int
        Torch threads.
    n_batches : int
        Different batches; each is timed twice.

    Returns
    -------
    dict
        Rates, matrix-product rate beside them, parameters, increase of peak memory.
    """
    torch.set_num_threads(n_threads)
    model = build(network)
    size = TASKS[task]
    drawn = multiplicities(n_batches * size, is_sorted=True)
    batches = [
        with_truth(random_batch(drawn[start : start + size], start), start)
        for start in range(0, len(drawn), size)
    ]
    before = matrix_rate_gflop_per_s()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = rates(function_of(task, model), batches)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
    return {
        "network": network,
        "task": task,
        "batch_events": size,
        "threads": n_threads,
        **({"events_per_pass": EVENTS_PER_PASS} if task.startswith("train") else {}),
        "batches": n_batches,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "encoder_parameters": sum(parameter.numel() for parameter in model.encoder_parameters()),
        **found,
        "peak_memory_increase_gib": round(grown / 1024**2, 2),
        "matrix_gflop_per_cpu_s": round(0.5 * (before + matrix_rate_gflop_per_s()), 1),
    }


def _kept(arguments: argparse.Namespace) -> list[dict[str, object]]:
    """Return what the file holds of networks and tasks that are not measured now."""
    if not (arguments.out and arguments.out.exists()):
        return []
    found = json.loads(arguments.out.read_text())["results"]
    asked = (arguments.networks, arguments.tasks, arguments.threads)
    return [
        row
        for row in found
        if not all(row[key] in values for key, values in zip(_KEYS, asked, strict=True))
    ]


def main() -> None:
    """Parse arguments, measure in child processes, print or write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, nargs="+", default=[2])
    parser.add_argument("--networks", nargs="+", choices=list(SHAPES), default=list(SHAPES))
    parser.add_argument("--tasks", nargs="+", choices=list(TASKS), default=list(TASKS))
    parser.add_argument("--batches", type=int, default=N_BATCHES, help="fewer for large networks")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--single", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.single:
        found = measure(
            *(arguments.networks[0], arguments.tasks[0], arguments.threads[0]), arguments.batches
        )
        print(json.dumps(found))
        return
    results = _kept(arguments)
    for network in arguments.networks:
        for task in arguments.tasks:
            for n_threads in arguments.threads:
                command = [sys.executable, __file__, "--single", "--networks", network]
                command += ["--tasks", task, "--threads", str(n_threads)]
                command += ["--batches", str(arguments.batches)]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                results.append(json.loads(done.stdout))
                # After each one: what is measured stays if a large network is stopped.
                text = json.dumps({"torch": torch.__version__, "results": results}, indent=2) + "\n"
                if arguments.out:
                    arguments.out.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
