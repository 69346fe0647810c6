"""Study haa, the whole of it: H -> aa -> 4b against multijets, from the event set to the report.

A cell trains a classifier (signal against background) with assignment of the four b jets as auxiliary
task, from scratch or from a pretrained encoder, or fits boosted trees on an analyst's variables. All
arms of a seed see the same training events. Training stops on the validation AUC; the test split is
looked at once. Read next: ``data.py``, ``training.py``, ``metrics.py``, ``report.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from colliderfm.baselines.boosted_trees import (
    LabelledVariables,
    TreeSettings,
    fit_boosted_trees,
)
from colliderfm.baselines.high_level import high_level_variables
from colliderfm.config.schema import HaaStudy as HaaSettings
from colliderfm.config.schema import Params
from colliderfm.data.event_table import EventTable
from colliderfm.errors import CheckpointError
from colliderfm.evaluate.inference import infer
from colliderfm.models.event_model import EventModel
from colliderfm.models.weights import load_model, save_model
from colliderfm.studies.haa.data import HaaData, load_haa_data, training_table
from colliderfm.studies.haa.metrics import haa_metrics, predictions_frame
from colliderfm.studies.haa.pairs import as_signal
from colliderfm.studies.haa.subsets import events_of_fraction, is_signal, training_subset
from colliderfm.studies.haa.training import (
    check_encoder,
    check_inputs,
    train_network,
    validation_table,
)
from colliderfm.studies.protocol import Cell, CellResult
from colliderfm.train.protocols import Tracker
from colliderfm.train.settings import FitResult


class HaaStudy:
    """H -> aa -> 4b (see ``studies.protocol.Study``)."""

    name = "haa"
    family = "event"
    arms: tuple[str, ...] = ("scratch", "pretrained", "xgboost")
    modules_of_a_cell: tuple[str, ...] = tuple(
        f"studies.haa.{module}"
        for module in ("data", "metrics", "pairs", "study", "subsets", "training")
    )
    view_columns: tuple[str, ...] = (
        "params.init",
        "params.events",
        "params.seed",
        "metrics.test/auc",
        "metrics.test/rejection_at_50",
        "metrics.test/rejection_at_25",
        "metrics.test/max_sic",
    )

    def settings(self, params: Params) -> HaaSettings:
        """Return ``studies.haa``."""
        return params.studies.haa

    def load(self, params: Params, folder: Path) -> HaaData:
        """Read and check the three splits."""
        data = load_haa_data(folder, params.studies.haa)
        check_inputs(data, params.studies.haa)
        return data

    def cell(
        self,
        params: Params,
        data: HaaData,
        init: str,
        events: int,
        fraction: float,
        seed: int,
    ) -> Cell:
        """Return the cell with its number of training events resolved."""
        settings = params.studies.haa
        n_events = events or events_of_fraction(fraction, data.n_available)
        training_subset(data.pool, settings, n_events, seed)  # refuses an impossible size now
        return Cell(self.name, init, n_events, n_events / data.n_available, seed)

    def check_encoder(self, params: Params, encoder: Path) -> None:
        """Refuse an encoder of another size (``CheckpointError`` with the shapes that differ)."""
        check_encoder(params, encoder)

    def run(
        self,
        params: Params,
        data: HaaData,
        cell: Cell,
        encoder: Path | None,
        folder: Path,
        tracker: Tracker,
    ) -> CellResult:
        """Train a cell, resumable in ``folder``, and test it once."""
        settings = params.studies.haa
        train = training_table(data, settings, cell.events, cell.seed)
        if cell.init == "xgboost":
            return _run_boosted_trees(params, data, train, cell, folder)
        model, result = train_network(params, data, train, cell, encoder, folder, tracker)
        save_model(folder / "model", model, _card(cell, result))
        tested = _test_network(model, data.test, settings)
        training = result.as_dict() | {
            "updates_to_best": result.best_update,
            "history": result.history,
        }
        return replace(tested, training=training)

    def validate(
        self,
        params: Params,
        data: HaaData,
        cell: Cell,
        encoder: Path | None,
        folder: Path,
        tracker: Tracker,
    ) -> float:
        """Train a cell and return its best validation AUC."""
        train = training_table(data, params.studies.haa, cell.events, cell.seed)
        _, result = train_network(params, data, train, cell, encoder, folder, tracker)
        return result.best_metric

    def test(self, params: Params, data: HaaData, model: Path) -> CellResult:
        """Test a saved network on the test split of any compatible data.

        Raises
        ------
        CheckpointError
            If the model does not tell two classes apart.
        """
        torch.set_num_threads(params.compute.threads)
        network = load_model(model)
        n_classes = getattr(network.heads["classify"], "n_classes", 0) if network.heads else 0
        if n_classes != 2:
            raise CheckpointError(
                f"{model} is not a model of study {self.name}",
                got=f"{n_classes} classes",
                need="2 classes, as finetune --study haa makes",
            )
        return _test_network(network, data.test, params.studies.haa)

    def report(
        self, params: Params, cells: pd.DataFrame, folder: Path, extras: Mapping[str, Any]
    ) -> Sequence[Path]:
        """Write tables and figures."""
        from colliderfm.studies.haa.report import write_report

        return write_report(params, cells, folder, extras)

    def headline(self, folder: Path) -> str:
        """Return the headline table of a written report."""
        from colliderfm.studies.report_files import read_headline

        return read_headline(folder, self.name)


def _test_network(model: EventModel, test: EventTable, settings: HaaSettings) -> CellResult:
    result = infer(model, test, hypothesis=as_signal)
    score = result.probability[:, 1]
    metrics = haa_metrics(score, test, result.slots, settings)
    predictions = predictions_frame(score, test, result.slots)
    return CellResult(metrics, {name: predictions[name] for name in predictions})


def _run_boosted_trees(
    params: Params,
    data: HaaData,
    train: EventTable,
    cell: Cell,
    folder: Path,
) -> CellResult:
    settings = params.studies.haa
    validation = validation_table(data.validation, settings)
    labeled, names = _labeled(train, settings)
    fitted = fit_boosted_trees(
        labeled,
        _labeled(validation, settings)[0],
        names,
        TreeSettings(**settings.xgboost.model_dump()),
        cell.seed,
    )
    (folder / "model").mkdir(parents=True, exist_ok=True)
    fitted.save(folder / "model" / "trees.json")
    score = fitted.score(_labeled(data.test, settings)[0].values)
    metrics = haa_metrics(score, data.test, None, settings)
    predictions = predictions_frame(score, data.test, None)
    training = {
        "updates": fitted.rounds,
        "updates_to_best": fitted.rounds,
        "stopped": fitted.stopped,
        "seconds": fitted.seconds,
    }
    return CellResult(metrics, {name: predictions[name] for name in predictions}, training)


def _labeled(table: EventTable, settings: HaaSettings) -> tuple[LabelledVariables, tuple[str, ...]]:
    batch = table.batch(np.arange(len(table)))
    values, names = high_level_variables(
        batch.objects.numpy(), batch.mask.numpy(), batch.globals.numpy()
    )
    target = is_signal(table.process, settings)
    return LabelledVariables(values, target, table.weight), names


def _card(cell: Cell, result: FitResult) -> str:
    facts = asdict(cell) | result.as_dict()
    rows = "\n".join(f"| {key} | {value} |" for key, value in facts.items())
    return (
        f"# Study {cell.study}: {cell.name}\n\n"
        "Classifier of H -> aa -> 4b against multijets with assignment of the b jets.\n\n"
        f"| fact | value |\n|---|---|\n{rows}\n"
    )


STUDY = HaaStudy()
