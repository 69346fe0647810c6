"""Study smeft, figure of training: losses and validation metrics against updates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from colliderfm.plots.curves import Band
from colliderfm.plots.style import new_figure, save_figure
from colliderfm.studies.smeft.arm_styles import styles_of


def loss_curves(
    histories: Mapping[tuple[str, int, int], Sequence[Mapping[str, float]]],
    events: int,
    folder: Path,
) -> list[Path]:
    """Draw training loss and validation metrics against updates, averaged over seeds.

    Parameters
    ----------
    histories : mapping of (init, events, seed) to list of dict
        Monitored numbers with their ``update``.
    events : int
        Labeled replicas.
    folder : Path
        Gets the files.

    Returns
    -------
    list of Path
        PNG and JSON; empty without histories.
    """
    shown = [("train/loss", "Training loss"), ("val/universe_accuracy", "Validation accuracy")]
    found = monitored(histories, events)
    shown = [(name, label) for name, label in shown if name in found]
    if not shown:
        return []
    figure, axes = new_figure(len(shown))
    numbers: dict[str, Any] = {"labeled_replicas": events}
    for panel, (name, label) in zip(axes, shown, strict=True):
        for init, runs in found[name].items():
            band = history_band(runs)
            style = styles_of([init])[init]
            panel.plot(band.x, band.center, **(style.options() | {"marker": ""}))
            panel.fill_between(band.x, band.low, band.high, color=style.color, alpha=0.15)
            numbers.setdefault(name, {})[init] = band.numbers()
        panel.set_xlabel("Updates")
        panel.set_ylabel(label)
        panel.legend(loc="best")
    return save_figure(figure, folder / "loss_curves.png", numbers)


def monitored(
    histories: Mapping[tuple[str, int, int], Sequence[Mapping[str, float]]], events: int
) -> dict[str, dict[str, list[list[tuple[float, float]]]]]:
    """Collect the monitored numbers of all runs of a size.

    Parameters
    ----------
    histories : mapping of (init, events, seed) to list of dict
        Monitored numbers with their ``update``.
    events : int
        Labeled replicas.

    Returns
    -------
    dict
        ``{quantity: {init: [[(update, value), ...] per seed]}}``.
    """
    found: dict[str, dict[str, list[list[tuple[float, float]]]]] = {}
    for (init, n, _), history in sorted(histories.items()):
        if n != events:
            continue
        names = dict.fromkeys(name for row in history for name in row if name != "update")
        for name in names:
            run = [(float(r["update"]), float(r[name])) for r in history if r.get(name) is not None]
            if run:
                found.setdefault(name, {}).setdefault(init, []).append(run)
    return found


def history_band(runs: Sequence[Sequence[tuple[float, float]]]) -> Band:
    """Average a monitored number over seeds where at least half of them still train.

    Parameters
    ----------
    runs : sequence of sequence of (update, value)
        One per seed.

    Returns
    -------
    Band
        Updates against the number.
    """
    tables = [dict(run) for run in runs]
    updates = sorted({update for table in tables for update in table})
    kept = [u for u in updates if 2 * sum(u in table for table in tables) >= len(tables)]
    values = np.array([[table.get(u, np.nan) for u in kept] for table in tables])
    return Band.of_seeds(np.array(kept), values)
