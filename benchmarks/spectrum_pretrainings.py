"""Pretrain the spectrum encoder in many ways and write reports/pretrain-spectrum/.

    python -m benchmarks.spectrum_pretrainings

The list is spectrum_pretrainings.yaml beside this file. What is done is skipped, as long as its settings
and the corpus are the same; a pretraining that was stopped goes on from its checkpoint. Nothing is
tracked or registered. All numbers come from the pretraining's own judge, on validation replicas. Read next:
``spectrum_pretrainings_page``, which writes the page.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.spectrum_pretraining_list import (
    LIST,
    PROJECT,
    Entry,
    Place,
    find_place,
    read_list,
)
from benchmarks.spectrum_pretrainings_page import write_page
from colliderfm.config.load import closest
from colliderfm.config.schema import Params
from colliderfm.errors import ColliderFMError, ConfigError
from colliderfm.pipelines.pretrain_spectrum import steps
from colliderfm.train.protocols import SilentTracker

REPORT = PROJECT / "reports" / "pretrain-spectrum"
WORK = PROJECT / "outputs" / "spectrum-pretrainings"
_LOG = logging.getLogger("spectrum_pretrainings")


def run_entry(entry: Entry, place: Place, *, again: bool = False) -> dict[str, Any]:
    """Return the record of a pretraining: read, or made now.

    Parameters
    ----------
    entry : Entry
        What to run.
    place : Place
        Its parameters and its record.
    again : bool
        Judge again even if there is a record; a finished training is not repeated.

    Returns
    -------
    dict
        Key, command, updates, CPU time per update, metrics and history.
    """
    if place.is_done and not again:
        return place.write(_with_words(place.read(), entry))
    params, folder = place.params, WORK / f"{entry.name}-{place.key}"
    folder.mkdir(parents=True, exist_ok=True)
    tables = steps.load_tables(params, place.corpus)
    start = time.process_time()
    trained = steps.train_encoder(params, tables, entry.seed, folder, SilentTracker())
    result = trained.result
    seconds = _cpu_seconds(
        folder, time.process_time() - start, result.updates - result.resumed_from
    )
    metrics = steps.judge(params, trained.model, tables, entry.seed)
    record = {
        "key": place.key,
        "kind": params.model.spectrum.kind,
        "task": params.pretrain.spectrum.task,
        "latent": params.model.spectrum.latent,
        "updates": result.updates,
        "best_update": result.best_update,
        "cpu_s_per_update": seconds,
        "metrics": {name: float(f"{value:.6g}") for name, value in sorted(metrics.items())},
        "history": [_rounded(point) for point in result.history],
    }
    return place.write(_with_words(record, entry))


def _with_words(record: Mapping[str, Any], entry: Entry) -> dict[str, Any]:
    words = {name: value for name, value in asdict(entry).items() if name != "set"}
    return {
        **words,
        "command": entry.command(),
        **{k: v for k, v in record.items() if k not in words},
    }


def _rounded(point: Mapping[str, float]) -> dict[str, float]:
    names = ("update", "train/loss", "val/loss", "val/unseen_loss")
    return {name: float(f"{point[name]:.6g}") for name in names if name in point}


def _cpu_seconds(folder: Path, seconds: float, updates: int) -> float:
    """Return the CPU seconds per update over all sittings, this one added."""
    path = folder / "timing.json"
    done = {"updates": 0, "cpu_s": 0.0}
    if path.is_file():
        done = json.loads(path.read_text(encoding="utf-8"))
    if updates:
        done = {"updates": done["updates"] + updates, "cpu_s": done["cpu_s"] + seconds}
        path.write_text(json.dumps(done) + "\n", encoding="utf-8")
    return float(f"{done['cpu_s'] / max(done['updates'], 1):.3g}")


def time_left(params: Sequence[Params], rates: Mapping[str, float]) -> str:
    """Return the time that pretrainings will take, by the seconds per update of their kind."""
    known = list(rates.values())
    if not known:
        return "time left unknown"
    seconds = sum(
        one.pretrain.spectrum.max_updates * rates.get(one.model.spectrum.kind, max(known))
        for one in params
    )
    return f"about {seconds / 60.0:.0f} CPU minutes left"


def run_list(path: Path, report: Path, *, only: Sequence[str] = (), again: bool = False) -> Path:
    """Run what is missing and write the page.

    Parameters
    ----------
    path : Path
        The list.
    report : Path
        Folder of the page.
    only : sequence of str
        Names; all by default. The page has all that are done.
    again : bool
        Judge again what is done.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    ConfigError
        If a name is not in the list.
    """
    shared, shipped, entries = read_list(path)
    names = [entry.name for entry in entries]
    for name in only:
        if name not in names:
            near = closest(name, names)
            raise ConfigError("pretraining", got=name, need=near or ", ".join(names))
    chosen = [entry for entry in entries if not only or entry.name in only]
    places = {entry.name: find_place(entry, shared, report) for entry in chosen}
    # What is done first: its rates tell the time left.
    chosen.sort(key=lambda entry: not places[entry.name].is_done)
    rates: dict[str, float] = {}
    for number, entry in enumerate(chosen):
        waiting = [places[other.name] for other in chosen[number:]]
        left = time_left([place.params for place in waiting if not place.is_done], rates)
        _LOG.info("%d of %d, %s: %s", number + 1, len(chosen), entry.name, left)
        record = run_entry(entry, places[entry.name], again=again)
        rates[record["kind"]] = record["cpu_s_per_update"]
    return write_page(report, [entry.name for entry in entries], PROJECT / shipped, PROJECT)


def main() -> None:
    """Run the list."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("only", nargs="*", help="names of the list; all by default")
    parser.add_argument("--list", type=Path, default=LIST)
    parser.add_argument("--out", type=Path, default=REPORT)
    parser.add_argument("--again", action="store_true", help="judge again what is done")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    try:
        page = run_list(arguments.list, arguments.out, only=arguments.only, again=arguments.again)
    except ColliderFMError as err:
        raise SystemExit(str(err)) from None
    _LOG.info("wrote %s", page)


if __name__ == "__main__":
    main()
