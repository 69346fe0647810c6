"""One shard: a (recipe, seed) pair from Pythia to event files, reproducible byte by byte.

A shard is the unit of work, of resumption and of parallelism. Its files appear whole or not at all;
the receipt under ``.shards/`` is written last and says what was asked, so that a later run with the
same request skips the shard and one with another request makes it again.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from colliderfm.data.ragged import Ragged
from colliderfm.data.writing import write_bytes_atomic, write_shard
from colliderfm.simulation.cards import RECIPES, Recipe
from colliderfm.simulation.columns import (
    Columns,
    concatenate_columns,
    selected_columns,
    take_columns,
)
from colliderfm.simulation.detector import DetectorSettings, reconstruct
from colliderfm.simulation.pythia import Generator, detector_rng

RECEIPTS = ".shards"


@dataclass(frozen=True)
class ShardJob:
    """Everything that determines a shard.

    Parameters
    ----------
    recipe : str
        Name in ``cards.RECIPES``.
    seed : int
        Seed of the shard.
    n_events : int
        Events to generate.
    mpi : str
        Multiparton interactions: off, light or full.
    folder : str
        Set folder; files go to ``<folder>/<process>/part-<seed>.parquet``.
    detector : DetectorSettings
        Acceptance.
    collision_energy_gev : float
        Centre-of-mass energy.
    batch_events : int
        Events per call of the generator.
    lhe : str, optional
        Les Houches event file that replaces the hard process.
    lhe_skip : int
        Events to leave out at its beginning.
    """

    recipe: str
    seed: int
    n_events: int
    mpi: str
    folder: str
    detector: DetectorSettings = DetectorSettings()
    collision_energy_gev: float = 13000.0
    batch_events: int = 500
    lhe: str | None = None
    lhe_skip: int = 0

    def path(self, process: str) -> Path:
        """Event file of one process."""
        return Path(self.folder) / process / f"part-{self.seed:07d}.parquet"

    @property
    def receipt_path(self) -> Path:
        """Where the receipt lies."""
        return Path(self.folder) / RECEIPTS / f"{self.recipe}-{self.seed:07d}.json"

    def request(self) -> dict[str, Any]:
        """Describe what was asked, as JSON would give it back, apart from where to put it."""
        request = asdict(self)
        del request["folder"]
        request["card"] = asdict(RECIPES[self.recipe])
        del request["card"]["note"]
        request["processes"] = RECIPES[self.recipe].processes
        request["versions"] = generator_versions()
        plain: dict[str, Any] = json.loads(json.dumps(request))
        return plain


def generator_versions() -> dict[str, str]:
    """Return the versions that decide the bytes of an event file."""
    return {name: version(name) for name in ("pythia8mc", "fastjet", "numpy")}


def read_receipt(job: ShardJob) -> dict[str, Any] | None:
    """Return the receipt of a finished shard.

    Parameters
    ----------
    job : ShardJob
        The shard.

    Returns
    -------
    dict or None
        None if the shard is missing, incomplete, or was made with another request.
    """
    receipt = _load_receipt(job.receipt_path)
    return receipt if receipt and receipt["request"] == job.request() else None


def read_receipts(folder: Path) -> list[dict[str, Any]]:
    """Return the receipts of all complete shards of a set folder, by recipe and seed."""
    paths = sorted((folder / RECEIPTS).glob("*.json"))
    return [receipt for path in paths if (receipt := _load_receipt(path))]


def _load_receipt(path: Path) -> dict[str, Any] | None:
    """Receipt at a path, if it is readable and its event files are there."""
    try:
        receipt: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        files = [entry["file"] for entry in receipt["processes"].values() if entry["file"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    set_folder = path.parent.parent
    return receipt if all((set_folder / name).is_file() for name in files) else None


def simulate_shard(job: ShardJob) -> dict[str, Any]:
    """Generate, detect, select and write one shard.

    Parameters
    ----------
    job : ShardJob
        What to make.

    Returns
    -------
    dict
        The receipt, also written to ``job.receipt_path``.

    Raises
    ------
    PhysicsError, DataError
        From the generator or the writer; nothing is left that a resumed run would trust.
    """
    recipe = RECIPES[job.recipe]
    started = time.process_time()
    parts: list[Columns] = []
    components = []
    first_index = 0
    for number, n_events in enumerate(component_events(recipe, job.n_events)):
        generator = Generator(
            recipe,
            number,
            job.seed,
            job.mpi,
            job.collision_energy_gev,
            Path(job.lhe) if job.lhe else None,
            job.lhe_skip + first_index,
        )
        rng = detector_rng(recipe, number, job.seed)
        for record in generator.batches(n_events, job.batch_events):
            detected = reconstruct(record, job.detector, rng)
            parts.append(selected_columns(recipe, record, detected, first_index, number))
            first_index += record.n_events
        xsec_pb, error_pb = generator.cross_section_pb()
        components.append(
            {
                "name": recipe.components[number].name,
                "generated": n_events,
                "lost": generator.n_lost,
                "xsec_pb": xsec_pb,
                "xsec_error_pb": error_pb,
            }
        )
    receipt = {
        "request": job.request(),
        "components": components,
        "processes": write_columns(job, recipe, concatenate_columns(parts)),
        "cpu_s": round(time.process_time() - started, 3),
    }
    content = json.dumps(receipt, indent=1, sort_keys=True)
    write_bytes_atomic(job.receipt_path, content.encode())
    return receipt


def component_events(recipe: Recipe, n_events: int) -> list[int]:
    """Split events over the components by their shares; the last takes the rounding."""
    counts = [round(component.share * n_events) for component in recipe.components[:-1]]
    return [*counts, n_events - sum(counts)]


def write_columns(job: ShardJob, recipe: Recipe, columns: Columns) -> dict[str, dict[str, Any]]:
    """Sort selected events into processes and write one file for each.

    Parameters
    ----------
    job : ShardJob
        Says where.
    recipe : Recipe
        Its labels say which event goes where.
    columns : dict of ndarray or Ragged
        From ``columns.selected_columns``, all batches joined.

    Returns
    -------
    dict
        Per process: kept events, sums of weights, file below the set folder and its sha256.
    """
    n_true, component = columns["n_bjet_true"], columns["component"]
    entries = {}
    for label in recipe.labels:
        low, high = label.b_jets or (0, np.iinfo(np.int8).max)
        chosen = np.flatnonzero((n_true >= low) & (n_true <= high))
        weight = columns["weight"][chosen]
        entries[label.process] = {
            "kept": len(chosen),
            "kept_by_component": np.bincount(
                component[chosen], minlength=len(recipe.components)
            ).tolist(),
            "sum_weights": float(weight.sum()),
            "sum_squared_weights": float((weight**2).sum()),
            **_write_process(job, recipe, label.process, take_columns(columns, chosen)),
        }
    return entries


def _write_process(
    job: ShardJob, recipe: Recipe, process: str, columns: Columns
) -> dict[str, str | None]:
    """Write the events of one process; a shard without any leaves no file."""
    columns = dict(columns)
    del columns["component"]
    index = columns.pop("index")
    if not recipe.stores_b_multiplicity:
        del columns["n_bjet_true"]
    path = job.path(process)
    if len(index) == 0:
        path.unlink(missing_ok=True)
        return {"file": None, "sha256": None}
    columns["process"] = np.full(len(index), process)
    columns["event_id"] = np.array([f"{process}/{job.seed}/{i}" for i in index.tolist()])
    for name, value in recipe.extras.items():
        columns[name] = np.full(len(index), value)
    write_shard(
        path,
        {
            name: (values.offsets, values.values) if isinstance(values, Ragged) else values
            for name, values in columns.items()
        },
    )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"file": f"{process}/{path.name}", "sha256": digest}
