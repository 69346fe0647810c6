"""Training and inference rates of the event network, beside a matrix-product rate.

    python benchmarks/event_model.py --threads 1 2 --out rates.json

Batches of 256 events with the multiplicities of simulated top pairs: 2 + Poisson(3.7) objects, at
most 18 (simulated without MPI: mean 5.7, largest of 12k events 15). Each network is measured with
batches sorted by length, as the loader and the evaluation make them, and with unsorted ones. On a
shared machine compare rates per CPU second, or ratios to the matrix-product rate measured beside
them. Training goes as in ``train/``: a batch in parts of ``compute.events_per_pass`` events. Each number of
threads runs in a process of its own, so that peak memory is of one setting.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from colliderfm.config.load import load_params
from colliderfm.data.event_batch import EventBatch
from colliderfm.data.event_schema import MAX_OBJECTS, PROCESSES
from colliderfm.losses.reduce import weighted_total
from colliderfm.models.batch_parts import parts_of
from colliderfm.models.build import build_event_model
from colliderfm.models.event_model import EventModel
from colliderfm.models.settings import AssignSettings, ClassifySettings, EncoderSettings
from colliderfm.models.sizes import encoder_settings
from colliderfm.physics.decays import DECAY_INDEX
from colliderfm.train.passes import add_gradients, passes_of
from colliderfm.train.settings import FitSettings

BATCH_EVENTS = 256
EVENTS_PER_PASS = load_params(Path(__file__).resolve().parents[1]).compute.events_per_pass
_N_BATCHES = 4
_N_PASSES = 2
_CLASSES = tuple((name, (name,)) for name in PROCESSES[:10])
_HEADS = (
    ClassifySettings(_CLASSES),
    AssignSettings(("t_bqq", "t_bl", "W_qq", "Z_qq", "Z_ll", "H_bb")),
)
# Depth and width of the source study's public network: 3 edge layers, 16 blocks, 2 object layers,
# feed-forward ratio 2. Its rates on two idle cores: 266 events/s inference, 83 training.
NETWORKS: dict[str, EncoderSettings] = {
    "small": encoder_settings("small"),
    "equal_depth": encoder_settings(
        "small", n_edge_layers=3, n_blocks=16, n_object_layers=2, mlp_ratio=2.0
    ),
}


def multiplicities(n_events: int, *, is_sorted: bool, seed: int = 0) -> np.ndarray:
    """Return objects per event, shape (n_events,): 2 + Poisson(3.7), at most 18."""
    drawn = np.random.default_rng(seed).poisson(3.7, n_events) + 2
    drawn = np.minimum(drawn, MAX_OBJECTS)
    return np.sort(drawn) if is_sorted else drawn


def random_batch(n_objects: np.ndarray, seed: int) -> EventBatch:
    """Return random objects; one event in three has a complete pair t -> bqq, t -> bl."""
    generator = torch.Generator().manual_seed(seed)
    n_events, width = len(n_objects), int(n_objects.max())
    counts = torch.from_numpy(n_objects)
    mask = torch.arange(width) < counts[:, None]
    uniform = torch.rand(4, n_events, width, generator=generator)
    pt, eta, phi = 15 + 100 * uniform[0], 5 * uniform[1] - 2.5, 6.28 * uniform[2] - 3.14
    is_lepton = (torch.arange(width) == 0).float().expand(n_events, -1)
    flags = ((uniform[3] < 0.3).float() * (1 - is_lepton), is_lepton, is_lepton)
    objects = torch.stack([pt * eta.cosh() * 1.01, pt, eta, phi, *flags], dim=-1)
    is_top = (counts >= 5) & (torch.arange(n_events) % 3 == 0)
    decays = torch.tensor([DECAY_INDEX["t_bqq"], DECAY_INDEX["t_bl"]])
    slots = torch.tensor([[1, 2, 3, -1], [4, 0, -1, -1]])
    return EventBatch(
        objects=objects * mask[..., None],
        mask=mask,
        globals=50 * torch.rand(n_events, 11, generator=generator),
        process=torch.randint(0, 10, (n_events,), generator=generator),
        weight=torch.ones(n_events),
        decay=torch.where(is_top[:, None], decays, -1),
        assignment=torch.where(is_top[:, None, None], slots, -1),
    )


def matrix_rate_gflop_per_s(repetitions: int = 40) -> float:
    """Return the rate of a 512 x 512 x 512 float32 product per CPU second."""
    matrix = torch.randn(512, 512)
    matrix @ matrix
    start = time.process_time()
    for _ in range(repetitions):
        matrix @ matrix
    return round(repetitions * 2 * 512**3 / (time.process_time() - start) / 1e9, 1)


def rates(
    function: Callable[[EventBatch], object], batches: Sequence[EventBatch]
) -> dict[str, float]:
    """Return events per wall second and per CPU second, the best of some passes."""
    for batch in batches[:: max(1, len(batches) // 2)]:
        function(batch)
    n_events = sum(len(batch) for batch in batches)
    walls, cpus = [], []
    for _ in range(_N_PASSES):
        wall, cpu = time.perf_counter(), time.process_time()
        for batch in batches:
            function(batch)
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return {
        "events_per_s": round(n_events / min(walls)),
        "events_per_cpu_s": round(n_events / min(cpus)),
    }


def training_step(
    model: EventModel, optimizer: torch.optim.Optimizer, heads: Sequence[str]
) -> Callable[[EventBatch], None]:
    """Return a function that makes one full step: forward, losses, backward, clip, update.

    Batches go through the network in parts, as in a training with the ``events_per_pass`` of
    params.yaml.
    """
    task = HeadsTask(model, tuple(heads))
    device = next(model.parameters()).device
    settings = FitSettings(1, 1, events_per_pass=EVENTS_PER_PASS)

    def step(batch: EventBatch) -> None:
        optimizer.zero_grad()
        add_gradients(task.loss, passes_of(task, batch, settings), settings, device)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    return step


@dataclass
class HeadsTask:
    """The sum of the losses of some heads (a ``train.protocols.Task`` without validation)."""

    model: EventModel
    heads: tuple[str, ...]

    def loss(self, batch: EventBatch) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Return the loss of a batch and its parts."""
        losses = self.model.losses(self.model(batch, self.heads), batch)
        return weighted_total(losses, None, batch.weight)

    def parts(
        self, batch: EventBatch, n_events: int
    ) -> Sequence[tuple[EventBatch, torch.Tensor | float]]:
        """Return parts of a batch and their shares."""
        return parts_of(self.model, batch, n_events, self.heads)

    def validate(self) -> dict[str, float]:
        """Return nothing: benchmarks do not validate."""
        return {}


@torch.no_grad()
def inference(model: EventModel, batch: EventBatch) -> None:
    """Classify a batch."""
    model(batch, ["classify"])


def measure(network: str, n_threads: int) -> dict[str, object]:
    """Measure one network.

    Parameters
    ----------
    network : str
        A key of ``NETWORKS``.
    n_threads : int
        Torch threads.

    Returns
    -------
    dict
        Rates by task and batching, matrix-product rate before and after, parameters, peak memory.
    """
    torch.set_num_threads(n_threads)
    torch.manual_seed(0)
    model = build_event_model(NETWORKS[network], heads=_HEADS)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    result: dict[str, object] = {
        "network": network,
        "threads": n_threads,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "events_per_pass": EVENTS_PER_PASS,
        "matrix_gflop_per_cpu_s_before": matrix_rate_gflop_per_s(),
    }
    for batching, is_sorted in (("sorted", True), ("unsorted", False)):
        drawn = multiplicities(_N_BATCHES * BATCH_EVENTS, is_sorted=is_sorted)
        result["mean_objects"] = round(float(drawn.mean()), 2)
        parts = np.split(drawn, _N_BATCHES)
        batches = [random_batch(part, seed) for seed, part in enumerate(parts)]
        model.train()
        for task, heads in (
            ("classify", ["classify"]),
            ("classify_assign", ["classify", "assign"]),
        ):
            step = training_step(model, optimizer, heads)
            result[f"train_{task}_{batching}"] = rates(step, batches)
        model.eval()
        result[f"inference_{batching}"] = rates(lambda batch: inference(model, batch), batches)
    result["matrix_gflop_per_cpu_s_after"] = matrix_rate_gflop_per_s()
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result["peak_memory_gib"] = round(peak_kib / 1024**2, 2)
    return result


def main() -> None:
    """Parse arguments, measure in child processes, print or write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--networks", nargs="+", choices=list(NETWORKS), default=list(NETWORKS))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--single", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.single:
        print(json.dumps(measure(arguments.networks[0], arguments.threads[0])))
        return
    results = []
    for network in arguments.networks:
        for n_threads in arguments.threads:
            command = [sys.executable, __file__, "--single", "--networks", network]
            command += ["--threads", str(n_threads)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            results.append(json.loads(done.stdout))
    text = json.dumps({"torch": torch.__version__, "results": results}, indent=2) + "\n"
    if arguments.out:
        arguments.out.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
