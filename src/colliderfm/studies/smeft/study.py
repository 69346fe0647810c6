"""Study smeft, the whole of it: from a corpus of replicas to the report.

A cell puts a Dirichlet head on a latent (pretrained, untrained, trained from scratch, or linear) with
n labeled replicas of the seen universes, and tests it on classification with uncertainty, anomalies,
retrieval of unseen universes, inference and interpretation. Training stops on the validation log
loss; test samples are the same for all cells. Read next: ``data.py``, ``heads.py``, ``testing.py``.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from colliderfm.config.schema import Params
from colliderfm.config.schema import SmeftStudy as SmeftSettings
from colliderfm.errors import CheckpointError, PhysicsError
from colliderfm.models.spectrum_files import load_spectrum_encoder
from colliderfm.models.spectrum_model import SpectrumEncoder, SpectrumEncoderSettings
from colliderfm.studies.protocol import Cell, CellResult
from colliderfm.studies.smeft.arms import load_arm
from colliderfm.studies.smeft.data import SmeftData, load_smeft_data
from colliderfm.studies.smeft.testing import judge_arm
from colliderfm.studies.smeft.training import check_bins, train_arm
from colliderfm.train.protocols import Tracker
from colliderfm.train.settings import FitResult


class SmeftStudy:
    """Universes of Drell-Yan spectra (see ``studies.protocol.Study``)."""

    name = "smeft"
    family = "spectrum"
    arms: tuple[str, ...] = ("scratch", "pretrained", "untrained", "lda", "pca", "bayes")
    modules_of_a_cell: tuple[str, ...] = tuple(
        f"studies.smeft.{module}"
        for module in (
            *("anomalies", "arms", "calibration", "coverage", "data", "fitting", "heads"),
            *("inference", "insight", "interpretation", "metrics", "neighbors", "retrieval"),
            *("samples", "study", "testing", "training"),
        )
    )
    view_columns: tuple[str, ...] = (
        "params.init",
        "params.events",
        "params.seed",
        "metrics.test/universe_accuracy",
        "metrics.test/ood_auroc",
        "metrics.test/retrieval_recall",
        "metrics.test/interval_coverage",
        "metrics.test/fisher_rank_correlation",
    )

    def settings(self, params: Params) -> SmeftSettings:
        """Return ``studies.smeft``."""
        return params.studies.smeft

    def load(self, params: Params, folder: Path) -> SmeftData:
        """Read and check the corpus; draw validation and test."""
        return load_smeft_data(folder, params.studies.smeft)

    def cell(
        self, params: Params, data: SmeftData, init: str, events: int, fraction: float, seed: int
    ) -> Cell:
        """Return the cell with its number of labeled replicas resolved."""
        n_all = data.n_universes * params.studies.smeft.replicas_per_universe
        n_replicas = events or max(1, round(fraction * n_all))
        needed = 2 * data.n_universes if init == "lda" else data.n_universes
        if n_replicas < needed:
            raise PhysicsError(
                f"labeled replicas of arm {init}",
                got=n_replicas,
                need=f"at least {needed}: {needed // data.n_universes} of each universe",
                fix="raise --events or --fraction",
            )
        return Cell(self.name, init, n_replicas, n_replicas / n_all, seed)

    def check_encoder(self, params: Params, encoder: Path) -> None:
        """Refuse an encoder of another shape than ``model.spectrum``, which ``scratch`` trains."""
        wanted = asdict(SpectrumEncoderSettings(**params.model.spectrum.model_dump()))
        found = asdict(load_spectrum_encoder(encoder).settings)
        differing = [key for key in wanted if found[key] != wanted[key]]
        if differing:
            raise CheckpointError(
                f"{encoder} is not the network of model.spectrum",
                got=", ".join(f"{key}={found[key]}" for key in differing),
                need=", ".join(f"{key}={wanted[key]}" for key in differing),
                fix="set model.spectrum as in the encoder's config.json, or take another encoder",
            )

    def run(
        self,
        params: Params,
        data: SmeftData,
        cell: Cell,
        encoder: Path | None,
        folder: Path,
        tracker: Tracker,
    ) -> CellResult:
        """Train a cell, resumable in ``folder``, and test it once."""
        start = time.monotonic()
        arm, result = train_arm(params, data, cell, encoder, folder, tracker)
        trained = time.monotonic() - start
        arm.save(folder / "model", _card(cell, result))
        tested = judge_arm(data, arm, params.studies.smeft.metrics)
        training: dict[str, Any] = {
            "updates": 0,
            "updates_to_best": 0,
            "stopped": "",
            "history": [],
        }
        if result is not None:
            history = {"updates_to_best": result.best_update, "history": result.history}
            training = result.as_dict() | history
        times = {"seconds": trained, "test_seconds": time.monotonic() - start - trained}
        return replace(tested, training=training | times | dict(tested.training))

    def validate(
        self,
        params: Params,
        data: SmeftData,
        cell: Cell,
        encoder: Path | None,
        folder: Path,
        tracker: Tracker,
    ) -> float:
        """Train a cell and return its best validation accuracy."""
        _, result = train_arm(params, data, cell, encoder, folder, tracker)
        if result is None:
            raise PhysicsError(f"arm {cell.init} trains nothing", need="another arm to tune")
        return max(entry["val/universe_accuracy"] for entry in result.history)

    def test(self, params: Params, data: SmeftData, model: Path) -> CellResult:
        """Test a saved arm on any compatible corpus.

        Raises
        ------
        CheckpointError
            If the model knows another number of universes or other bins.
        """
        torch.set_num_threads(params.compute.threads)
        arm = load_arm(model)
        if arm.head is not None and arm.head.n_universes != data.n_universes:
            raise CheckpointError(
                f"{model} does not fit the corpus",
                got=f"{arm.head.n_universes} universes",
                need=f"{data.n_universes} universes",
            )
        if isinstance(arm.embedding, SpectrumEncoder):
            check_bins(arm.embedding, data, model)
        return judge_arm(data, arm, params.studies.smeft.metrics)

    def look_up(self, data: SmeftData, encoder: Path, file: Path, neighbors: int) -> Any:
        """Return the universes that a user's spectrum is compatible with (``lookup.Lookup``)."""
        from colliderfm.studies.smeft.lookup import look_up

        return look_up(data, encoder, file, neighbors)

    def report(
        self, params: Params, cells: pd.DataFrame, folder: Path, extras: Mapping[str, Any]
    ) -> Sequence[Path]:
        """Write tables and figures."""
        from colliderfm.studies.smeft.report import write_report

        return write_report(params, cells, folder, extras)

    def headline(self, folder: Path) -> str:
        """Return the headline table of a written report."""
        from colliderfm.studies.report_files import read_headline

        return read_headline(folder, self.name)


def _card(cell: Cell, result: FitResult | None) -> str:
    facts = asdict(cell) | (result.as_dict() if result else {})
    rows = "\n".join(f"| {key} | {value} |" for key, value in facts.items())
    return (
        f"# Study {cell.study}: {cell.name}\n\n"
        "Dirichlet over the seen universes of a replica corpus, on the latent of a spectrum.\n\n"
        f"| fact | value |\n|---|---|\n{rows}\n"
    )


STUDY = SmeftStudy()
