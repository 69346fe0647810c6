"""Study haa: all figures of a comparison, each as PNG with its numbers as JSON beside it.

Curves and histograms are averages over all seeds, with a band; no seed is picked.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from colliderfm.plots.curves import (
    draw_bars,
    draw_inverse_roc,
    draw_learning_curves,
    draw_loss_curves,
    set_log_with_plain_ticks,
)
from colliderfm.plots.style import add_caption, hep_style, new_figure, save_figure
from colliderfm.studies.haa.bands import history_band, metric_bands, rejection_band
from colliderfm.studies.haa.figure_input import FigureInput
from colliderfm.studies.haa.histograms import reconstructed_mass, scores
from colliderfm.studies.haa.labels import signal_label
from colliderfm.studies.haa.pairs import mass_name

PROCESS = "$H \\to aa \\to 4b$"
RULE_NAMES = {"closest_dr": "closest $\\Delta R$", "equal_mass": "equal mass"}
RULE_COLORS = {"closest $\\Delta R$": "#ffa90e", "equal mass": "#b9ac70"}


def draw_figures(given: FigureInput, folder: Path) -> list[Path]:
    """Draw every figure that the input allows.

    Parameters
    ----------
    given : FigureInput
        Cells, predictions and histories.
    folder : Path
        Gets the files.

    Returns
    -------
    list of Path
        PNG and JSON files.
    """
    largest = given.comparison.events[-1]
    files: list[Path] = []
    with hep_style():
        files += learning_curves(given, folder)
        if any(given.frames(init, largest) for init in given.comparison.inits):
            files += inverse_roc(given, folder)
            files += scores(given, folder, largest)
            files += reconstructed_mass(given, folder, largest)
        files += assignment_bars(given, folder, largest)
        files += loss_curves(given, folder, largest)
    return files


def learning_curves(given: FigureInput, folder: Path) -> list[Path]:
    """Draw AUC and both rejections against the number of training events."""
    panels = {
        "test/auc": "Test AUC",
        "test/rejection_at_50": "Rejection at 50% signal efficiency",
        "test/rejection_at_25": "Rejection at 25% signal efficiency",
    }
    figure, axes = new_figure(len(panels))
    numbers = {}
    for panel, (metric, label) in zip(axes, panels.items(), strict=True):
        bands = metric_bands(given.comparison, metric)
        draw_learning_curves(panel, bands, label)
        if "rejection" in metric:
            set_log_with_plain_ticks(panel)
        numbers[metric] = {arm: band.numbers() for arm, band in bands.items()}
    add_caption(axes[0], f"{PROCESS}\nband: sd over seeds")
    return save_figure(figure, folder / "learning_curves.png", numbers)


def inverse_roc(given: FigureInput, folder: Path) -> list[Path]:
    """Draw rejection against signal efficiency for the smallest and the largest training size."""
    sizes = [
        n
        for n in dict.fromkeys((given.comparison.events[0], given.comparison.events[-1]))
        if any(given.frames(init, n) for init in given.comparison.inits)
    ]
    figure, axes = new_figure(len(sizes), sharey=True)
    numbers = {}
    for panel, events in zip(axes, sizes, strict=True):
        bands = {}
        for init in given.comparison.inits:
            frames = given.frames(init, events)
            if frames:
                bands[init] = rejection_band(frames, given.settings)
        draw_inverse_roc(panel, bands, given.settings.metrics.signal_efficiencies)
        add_caption(panel, f"{PROCESS}, all masses\n{events:,} training events", where="lower left")
        numbers[f"n{events}"] = {arm: band.numbers() for arm, band in bands.items()}
    return save_figure(figure, folder / "inverse_roc.png", numbers)


def assignment_bars(given: FigureInput, folder: Path, events: int) -> list[Path]:
    """Draw assignment efficiencies per mass beside both rules."""
    panels = {
        "assignment_efficiency_matchable_pct": "Both pairs right / all four b found [%]",
        "assignment_efficiency_all_pct": "Both pairs right / all signal [%]",
    }
    groups = [signal_label(name) for name in given.settings.signals]
    figure, axes = new_figure(len(panels))
    numbers: dict[str, Any] = {"training_events": events, "signals": groups}
    for panel, (stem, label) in zip(axes, panels.items(), strict=True):
        bars = _bars(given, stem, events)
        if not bars:
            return []
        draw_bars(panel, groups, bars, label, RULE_COLORS)
        panel.set_ylim(0, 1.45 * max(max(values) for values, _ in bars.values()))
        panel.set_xlabel("Signal")
        numbers[stem] = {name: {"pct": v, "error": e} for name, (v, e) in bars.items()}
    return save_figure(figure, folder / "assignment.png", numbers)


def loss_curves(given: FigureInput, folder: Path, events: int) -> list[Path]:
    """Draw training loss and validation AUC against updates."""
    panels = {"train/loss": "Training loss", "val/auc": "Validation AUC"}
    figure, axes = new_figure(len(panels))
    numbers: dict[str, Any] = {"training_events": events}
    for panel, (name, label) in zip(axes, panels.items(), strict=True):
        bands = {}
        for init in given.comparison.inits:
            band = history_band(given.histories, init, events, name)
            if band is not None:
                bands[init] = band
        if not bands:
            return []
        draw_loss_curves(panel, bands, label)
        numbers[name] = {arm: band.numbers() for arm, band in bands.items()}
    add_caption(axes[0], f"{events:,} training events\nband: sd over seeds", where="lower left")
    axes[1].legend(loc="lower right")
    return save_figure(figure, folder / "loss_curves.png", numbers)


def _bars(given: FigureInput, stem: str, events: int) -> dict[str, tuple[list[float], list[float]]]:
    """Efficiency and error per mass: sd over seeds for networks, binomial for the rules."""
    masses = [mass_name(name) for name in given.settings.signals]
    comparison, bars = given.comparison, {}
    for init in comparison.inits:
        means = [comparison.mean(init, events, f"test/{stem}_{mass}") for mass in masses]
        if all(item is not None for item in means):
            errors = [0.0 if np.isnan(item.sd) else item.sd for item in means if item]
            bars[init] = ([item.mean for item in means if item], errors)
    for rule, label in RULE_NAMES.items():
        values = []
        for suffix in ("", "_error"):
            names = [f"test/{stem}_{mass}_{rule}{suffix}" for mass in masses]
            cells = comparison.cells
            values.append([float(cells[n].dropna().mean()) for n in names if n in cells.columns])
        if len(values[0]) == len(values[1]) == len(masses):
            bars[label] = (values[0], values[1])
    return bars
