"""Pretrain the same event network with other local blocks, and write reports/benchmarks/edge_layers.json.

    python -m benchmarks.edge_layers

Networks of size ``small`` with 0, 2 (ours) and 10 edge layers (the source study's number), and with 10 layers
whose messages are twice as wide (as there). All start from scratch and make equally many updates of
classification on equal events, two seeds each. What is done is skipped, as long as its settings and the
corpus are the same; a training that was stopped goes on from its checkpoint. Nothing is tracked.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from colliderfm.config.flatten import params_sha256
from colliderfm.config.load import load_params
from colliderfm.config.schema import Params
from colliderfm.data.loader import EventLoader
from colliderfm.data.normalize import Normalizer
from colliderfm.losses.reduce import weighted_total
from colliderfm.models.build import build_event_model
from colliderfm.models.event_model import EventModel
from colliderfm.models.sizes import encoder_settings
from colliderfm.nn.point_edge import PointEdgeLayer
from colliderfm.pipelines.folders import event_set_folder
from colliderfm.pipelines.pretrain_event import steps
from colliderfm.pipelines.pretrain_event.task import EventPretrainingTask
from colliderfm.pipelines.pretrain_event.variants import loss_weights, pretraining_heads
from colliderfm.pipelines.pretrain_steps import Pretraining
from colliderfm.train.protocols import SilentTracker

PROJECT = Path(__file__).resolve().parents[1]
REPORT = PROJECT / "reports" / "benchmarks" / "edge_layers.json"
WORK = PROJECT / "outputs" / "edge-layers"
# Number of edge layers, and width of a message relative to that of a token.
VARIANTS = {"none": (0, 1), "two": (2, 1), "ten": (10, 1), "ten_wide": (10, 2)}
LABELS = {
    "none": "0 edge layers",
    "two": "2 edge layers (`small`)",
    "ten": "10 edge layers",
    "ten_wide": "10 edge layers, messages twice as wide",
}
SEEDS = (0, 1)
VALIDATION_EVENTS = 12_000
_TIMED_BATCHES = 4
_LOG = logging.getLogger("edge_layers")


class WideEdgeLayer(PointEdgeLayer):
    """A point-edge layer with a wider message, as the source study's MLP 2d -> 2d -> d.

    Parameters
    ----------
    width : int
        Token width D.
    factor : int
        Width of the message relative to D.
    """

    def __init__(self, width: int, factor: int) -> None:
        super().__init__(width)
        self.center = nn.Linear(width, factor * width)
        self.neighbor = nn.Linear(width, factor * width, bias=False)
        self.to_output = nn.Linear(factor * width, width)


def build(params: Params, variant: str, seed: int, normalizer: Normalizer) -> EventModel:
    """Return a network before training."""
    n_layers, factor = VARIANTS[variant]
    torch.manual_seed(seed)
    model = build_event_model(
        encoder_settings("small", n_edge_layers=n_layers),
        heads=pretraining_heads(params.pretrain.event),
        normalizer=normalizer,
    )
    widen_messages(model, factor)
    return model


def widen_messages(model: EventModel, factor: int) -> None:
    """Replace the edge layers by ones with wider messages; factor 1 changes nothing."""
    if factor > 1:
        settings = model.encoder.settings
        layers = (WideEdgeLayer(settings.width, factor) for _ in range(settings.n_edge_layers))
        model.encoder.edge_layers = nn.ModuleList(layers)


def run_variant(
    params: Params, tables: steps.PretrainingTables, variant: str, seed: int, folder: Path
) -> dict[str, Any]:
    """Train one network and judge it on validation events.

    Parameters
    ----------
    params : Params
        Recipe.
    tables : PretrainingTables
        Training and validation split.
    variant : str
        A key of ``VARIANTS``.
    seed : int
        Of weights, dropout and order of the events.
    folder : Path
        Holds the checkpoint.

    Returns
    -------
    dict
        Parameters, rate and metrics.
    """
    torch.set_num_threads(params.compute.threads)
    settings = params.pretrain.event
    model = build(params, variant, seed, Normalizer.fit(tables.train))
    rows = np.random.default_rng(0).permutation(len(tables.validation))[:VALIDATION_EVENTS]
    validation = tables.validation.subset(np.sort(rows))
    task = EventPretrainingTask(model, validation, loss_weights(settings), settings.processes)
    loader = EventLoader(tables.train, settings.batch_size, seed)
    trained = Pretraining("event", task, loader).train(params, model, seed, folder, SilentTracker())
    metrics = task.validate()
    return {
        "encoder_parameters": sum(p.numel() for p in model.encoder_parameters()),
        "updates": trained.result.updates,
        "best_update": trained.result.best_update,
        "events_per_cpu_s": round(training_rate(model, loader, params)),
        "metrics": {name: float(f"{value:.6g}") for name, value in sorted(metrics.items())},
    }


def training_rate(model: EventModel, loader: EventLoader, params: Params) -> float:
    """Return events per CPU second of forward and backward passes, one thread."""
    size = params.compute.events_per_pass or params.pretrain.event.batch_size
    batches = [batch for batch, _ in zip(loader, range(_TIMED_BATCHES), strict=False)]
    parts = [
        batch.map(lambda tensor, rows=rows: tensor[rows])
        for batch in batches
        for rows in torch.arange(len(batch)).split(size)
    ]
    model.train()
    start = time.process_time()
    for part in parts:
        total, _ = weighted_total(model.losses(model(part), part), None, part.weight)
        total.backward()
    seconds = time.process_time() - start
    model.zero_grad()
    return sum(len(part) for part in parts) / seconds


def run_list(params: Params, report: Path) -> None:
    """Run what is missing; the report is written after each training."""
    folder, md5 = event_set_folder(params, params.pretrain.event.set)
    settings = params.pretrain.event.model_dump(mode="json", exclude={"set", "checkpoint_every"})
    key = params_sha256({"settings": settings, "corpus": md5})[:16]
    records = {}
    if report.is_file():
        found = json.loads(report.read_text(encoding="utf-8"))
        records = found["results"] if found["key"] == key else {}
    missing = [(v, s) for s in SEEDS for v in VARIANTS if f"{v}_{s}" not in records]
    tables = steps.load_tables(params, folder) if missing else None
    for number, (variant, seed) in enumerate(missing, start=1):
        _LOG.info("%d of %d: %s, seed %d", number, len(missing), variant, seed)
        work = WORK / f"{variant}-{seed}-{key}"
        work.mkdir(parents=True, exist_ok=True)
        record = run_variant(params, tables, variant, seed, work)
        records[f"{variant}_{seed}"] = {"variant": variant, "seed": seed, **record}
        content = {"key": key, "settings": settings, "events": len(tables.train)}
        text = json.dumps({**content, "results": records}, indent=1) + "\n"
        report.write_text(text, encoding="utf-8")
        report.with_suffix(".md").write_text(page(records, settings), encoding="utf-8")


def page(records: dict[str, Any], settings: dict[str, Any]) -> str:
    """Return the table as Markdown: means over the seeds, half differences as their spread."""
    rows = []
    for variant, label in LABELS.items():
        found = [record for record in records.values() if record["variant"] == variant]
        if not found:
            continue
        auc, loss = (
            [record["metrics"][name] for record in found] for name in ("val/macro_auc", "val/loss")
        )
        rate = np.mean([record["events_per_cpu_s"] for record in found])
        rows.append(
            f"| {label} | {found[0]['encoder_parameters'] / 1e6:.2f} M | {_spread(auc)} | "
            f"{_spread(loss)} | {rate:.0f} |"
        )
    head = (
        "| local block | encoder | macro AUC | loss | training events per CPU s |\n"
        "|---|---:|---:|---:|---:|"
    )
    return (
        "# Edge layers of the event network\n\nMade by `python -m benchmarks.edge_layers`. From scratch, "
        f"classification, {settings['max_updates']} updates of {settings['batch_size']} events, validation "
        "split; mean of two seeds, ± half their difference.\n\n" + "\n".join([head, *rows]) + "\n"
    )


def _spread(values: list[float]) -> str:
    """Return the mean and half the range."""
    return f"{np.mean(values):.4f} ± {0.5 * (max(values) - min(values)):.4f}"


def main() -> None:
    """Run the list."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", default="corpora/pretrain-large")
    parser.add_argument("--updates", type=int, default=300)
    parser.add_argument("--out", type=Path, default=REPORT)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    updates = arguments.updates
    recipe = (
        *("compute.threads=1", "compute.device=cpu", "compute.precision=fp32"),
        *("pretrain.event.variant=cls", f"pretrain.event.set={arguments.corpus}"),
        *("pretrain.event.batch_size=512", f"pretrain.event.max_updates={updates}"),
        f"pretrain.event.validate_every={max(1, updates // 2)}",
        "pretrain.event.checkpoint_every=50",
    )
    run_list(load_params(PROJECT, (), recipe), arguments.out)


if __name__ == "__main__":
    main()
