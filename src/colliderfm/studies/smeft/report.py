"""Study smeft, last step: ``report.md`` with tables and figures, ``metrics.json``, tables as JSON.

Numbers come from the cells handed in; figures of the theory from the replica corpus. Equal input gives
equal bytes. Read next: ``findings.py``, which decides what may be said.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from colliderfm.config.project import project_root
from colliderfm.config.schema import Params
from colliderfm.data.replica_corpus import read_corpus
from colliderfm.errors import ConfigError, DataError
from colliderfm.physics.identifiability import identifiable_directions
from colliderfm.plots.style import plain
from colliderfm.studies.cell_comparison import summary_table
from colliderfm.studies.report_files import write_texts
from colliderfm.studies.smeft import (
    findings,
    interpretation_tables,
    report_text,
    tables,
    task_tables,
)
from colliderfm.studies.smeft.data import SmeftData, prepare_data
from colliderfm.studies.smeft.figure_input import FigureInput, agrees_with_latents
from colliderfm.studies.smeft.figures import draw_figures
from colliderfm.studies.smeft.retrieval import Embed
from colliderfm.studies.smeft.summary import Comparison, flat_metrics, gain_table

log = logging.getLogger(__name__)


def write_report(
    params: Params, cells: pd.DataFrame, folder: Path, extras: Mapping[str, Any]
) -> list[Path]:
    """Write the report of a comparison.

    Parameters
    ----------
    params : Params
        The parameters the comparison ran with.
    cells : DataFrame
        One row per cell: ``init, events, seed``, ``test/...`` and bookkeeping columns.
    folder : Path
        Gets ``report.md``, ``headline.txt``, ``metrics.json``, ``tables/`` and ``figures/``.
    extras : mapping
        ``predictions``, ``histories`` and ``details`` by (init, events, seed); ``scale`` (text); ``not_run``
        (list of text); ``find_encoder``, which gives the folder of the encoder the comparison started
        from and is called if its latent is drawn; optional ``corpus`` (folder, or in memory) instead of
        that of the parameters, and ``encoder`` (in memory) instead of that folder.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    DataError
        If the cells are incomplete, the folder cannot be written to, or the encoder is not that of
        the comparison.
    ConfigError
        If a page of several encoders is asked for.
    """
    if extras.get("variants"):
        raise ConfigError("--variants", got="--study smeft", need="a study that has such a page")
    comparison = Comparison.of_cells(cells)
    predictions = _frames(extras.get("predictions", {}))
    data = _data(params, extras)
    histories, details = extras.get("histories", {}), extras.get("details", {})
    given = FigureInput(comparison, predictions, histories, details, data)
    given = replace(given, embed=_encoder(given, extras))
    figures = draw_figures(given, folder / "figures")
    n_experiments = params.studies.smeft.metrics.pseudo_experiments
    content = report_text.Content(given, tuple(path.stem for path in figures), n_experiments)
    texts = {
        "report.md": report_text.write(content, params, extras),
        "headline.txt": tables.headline_text(comparison) + "\n",
        "metrics.json": json.dumps(flat_metrics(comparison), indent=1) + "\n",
    }
    texts |= {
        f"tables/{name}.json": json.dumps(plain(rows), indent=1) + "\n"
        for name, rows in _tables(given, n_experiments).items()
    }
    return [*write_texts(folder, texts), *figures]


def _tables(given: FigureInput, n_experiments: int) -> dict[str, Any]:
    """Every table as rows."""
    comparison = given.comparison
    found: dict[str, Any] = {
        "summary": tables.frame_rows(summary_table(comparison)),
        "gains": tables.frame_rows(gain_table(comparison)),
        "anomalies": task_tables.anomaly_rows(comparison, given.largest),
        "coverage": [asdict(row) for row in findings.coverage_rows(comparison, n_experiments)],
    }
    found |= interpretation_tables.rows(given)
    if given.capture is not None:
        found["captured"] = {"query": given.capture.query, "counts": given.capture.counts()}
    if given.data is not None:
        values, directions, rank = identifiable_directions(given.data.table, given.data.sigma)
        found["directions"] = {
            "operators": list(given.data.table.operators),
            "singular_values": values[:rank],
            "directions": directions[:rank],
        }
        found["anomaly_sizes"] = [
            {"name": case.name, "size": case.size, "unit": case.unit} for case in given.anomalies
        ]
    return found


def _data(params: Params, extras: Mapping[str, Any]) -> SmeftData | None:
    """Return the corpus with the noise of the task; None with a warning if there is none."""
    settings = params.studies.smeft
    corpus = extras.get("corpus")
    if corpus is None or isinstance(corpus, str | Path):
        folder = Path(corpus) if corpus else _corpus_folder(params)
        if folder is None:
            return None
        corpus = read_corpus(folder)
    return prepare_data(corpus, settings.task, settings.metrics.test_replicas)


def _corpus_folder(params: Params) -> Path | None:
    """Folder of the study's corpus, if it exists."""
    root, name = project_root(), params.studies.smeft.set
    folders = (root / params.paths.data / name, root / name, root / params.paths.corpora / name)
    found = next((folder for folder in folders if (folder / "table.json").is_file()), None)
    if found is None:
        log.warning("no replica corpus %s: run `colliderfm replicas` or `dvc repro`", name)
    return found


def _encoder(given: FigureInput, extras: Mapping[str, Any]) -> Embed | None:
    """Return the pretrained encoder; None if there is no latent to draw.

    Raises
    ------
    DataError
        If it does not give the latents of the predictions.
    """
    view = given.view("pretrained")
    if view is None or given.data is None:
        return None
    embed: Embed | None = extras.get("encoder")
    name: object = "the encoder handed in"
    if embed is None:
        from colliderfm.models.spectrum_files import load_spectrum_encoder
        from colliderfm.studies.smeft.arms import embed_spectra

        name = extras["find_encoder"]()
        embed = partial(embed_spectra, load_spectrum_encoder(name))
    if not agrees_with_latents(embed, given.data, view):
        raise DataError(
            "report of study smeft: the encoder is not the one of the comparison",
            got=f"other latents of the test replicas from {name}",
            need="the encoder that `compare` started from: the figures show its latent",
            fix="add --encoder with what `compare` was given, or run `compare` with this encoder",
        )
    return embed


def _frames(predictions: Mapping[Any, Any]) -> dict[Any, pd.DataFrame]:
    """Predictions in memory; paths are read."""
    return {
        key: frame if isinstance(frame, pd.DataFrame) else pd.read_parquet(frame)
        for key, frame in predictions.items()
    }
