"""Study haa: all figures of a comparison, each as PNG with its numbers as JSON beside it.

Curves are averages over all seeds with a band of one standard deviation; no seed is picked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from colliderfm.config.schema import HaaStudy
from colliderfm.plots.curves import (
    Band,
    draw_bars,
    draw_inverse_roc,
    draw_learning_curves,
    draw_loss_curves,
    set_log_with_plain_ticks,
)
from colliderfm.plots.histograms import Sample, draw_densities
from colliderfm.plots.style import (
    ARM_LABELS,
    SAMPLE_COLORS,
    add_caption,
    hep_style,
    new_figure,
    save_figure,
)
from colliderfm.studies.haa.bands import (
    EFFICIENCY_GRID,
    Key,
    history_band,
    metric_bands,
    rejections,
)
from colliderfm.studies.haa.pairs import mass_name
from colliderfm.studies.haa.summary import Comparison

PROCESS = "$H \\to aa \\to 4b$"
SCORE_EDGES = np.linspace(0.0, 1.0, 31)
MASS_EDGES_GEV = np.linspace(0.0, 120.0, 41)
MASS_COLORS = ("#3f90da", "#832db6", "#bd1f01")
RULE_NAMES = {"closest_dr": "closest $\\Delta R$", "equal_mass": "equal mass"}
RULE_COLORS = {"closest $\\Delta R$": "#ffa90e", "equal mass": "#b9ac70"}


@dataclass(frozen=True)
class FigureInput:
    """What the figures are made from.

    Parameters
    ----------
    comparison : Comparison
        Metrics of all cells.
    predictions : mapping of (init, events, seed) to DataFrame
        From `studies.haa.metrics.predictions_frame`.
    histories : mapping of (init, events, seed) to list of dict
        Monitored numbers with their ``update``.
    settings : HaaStudy
        The study.
    """

    comparison: Comparison
    predictions: Mapping[Key, pd.DataFrame]
    histories: Mapping[Key, Sequence[Mapping[str, float]]]
    settings: HaaStudy

    def frames(self, init: str, events: int) -> list[pd.DataFrame]:
        """Predictions of all seeds of an arm, by seed."""
        keys = sorted(key for key in self.predictions if key[:2] == (init, events))
        return [self.predictions[key] for key in keys]


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
            curves = [rejections(frame, given.settings) for frame in given.frames(init, events)]
            if curves:
                bands[init] = Band.of_seeds(EFFICIENCY_GRID, np.array(curves), geometric=True)
        draw_inverse_roc(panel, bands, given.settings.metrics.signal_efficiencies)
        add_caption(panel, f"{PROCESS}, all masses\n{events:,} training events", where="lower left")
        numbers[f"n{events}"] = {arm: band.numbers() for arm, band in bands.items()}
    return save_figure(figure, folder / "inverse_roc.png", numbers)


def scores(given: FigureInput, folder: Path, events: int) -> list[Path]:
    """Draw score distributions of signal and of each background, all seeds together."""
    arms = [init for init in given.comparison.inits if given.frames(init, events)]
    figure, axes = new_figure(len(arms), sharey=True)
    numbers: dict[str, Any] = {"edges": SCORE_EDGES}
    groups = {"signal, all masses": given.settings.signals}
    groups |= {_process_label(name): (name,) for name in given.settings.backgrounds}
    for panel, init in zip(axes, arms, strict=True):
        frame = pd.concat(given.frames(init, events), ignore_index=True)
        samples = {}
        for index, (name, processes) in enumerate(groups.items()):
            color = "#bd1f01" if index == 0 else SAMPLE_COLORS[index - 1]
            samples[name] = _sample(frame, processes, frame["score"], color)
        numbers[init] = draw_densities(panel, samples, SCORE_EDGES, "Classifier score")
        panel.set_yscale("log")
        highest = max(float(values.max()) for values in numbers[init].values())
        panel.set_ylim(5e-3, 15.0 * max(highest, 1.0))
        panel.legend(loc="upper right")
        add_caption(panel, f"{ARM_LABELS.get(init, init)}\n{events:,} events")
    return save_figure(figure, folder / "scores.png", numbers)


def reconstructed_mass(given: FigureInput, folder: Path, events: int) -> list[Path]:
    """Draw the mean mass of the two chosen jet pairs per true mass and for the background."""
    arms = [init for init in given.comparison.inits if given.frames(init, events)]
    figure, axes = new_figure(len(arms), sharey=True)
    numbers: dict[str, Any] = {"edges_gev": MASS_EDGES_GEV}
    for panel, init in zip(axes, arms, strict=True):
        frame = pd.concat(given.frames(init, events), ignore_index=True)
        mass = 0.5 * (frame["mass_heavy_gev"] + frame["mass_light_gev"])
        samples = {
            "background": _sample(frame, given.settings.backgrounds, mass, "0.6", is_filled=True)
        }
        for index, name in enumerate(given.settings.signals):
            label = f"$m_a$ = {_mass_text(name)}"
            samples[label] = _sample(
                frame, (name,), mass, ("#3f90da", "#832db6", "#bd1f01")[index % 3]
            )
        numbers[init] = draw_densities(
            panel, samples, MASS_EDGES_GEV, "Mean mass of the two pairs", unit="GeV"
        )
        metric = f"test/assignment_efficiency_matchable_pct_{mass_name(given.settings.signals[0])}"
        is_learned = len(given.comparison.values(init, events, metric)) > 0
        how = f"pairs: {ARM_LABELS.get(init, init)}" if is_learned else "pairs: equal-mass rule"
        panel.legend(loc="upper right")
        add_caption(panel, how, where="upper left")
        panel.set_ylim(top=panel.get_ylim()[1] * 1.15)
    return save_figure(figure, folder / "reconstructed_mass.png", numbers)


def assignment_bars(given: FigureInput, folder: Path, events: int) -> list[Path]:
    """Draw assignment efficiencies per mass beside both rules."""
    panels = {
        "assignment_efficiency_matchable_pct": "Both pairs right / all four b found [%]",
        "assignment_efficiency_all_pct": "Both pairs right / all signal [%]",
    }
    groups = [_mass_text(name) for name in given.settings.signals]
    figure, axes = new_figure(len(panels))
    numbers: dict[str, Any] = {"training_events": events, "masses": groups}
    for panel, (stem, label) in zip(axes, panels.items(), strict=True):
        bars = _bars(given, stem, events)
        if not bars:
            return []
        draw_bars(panel, groups, bars, label, RULE_COLORS)
        panel.set_ylim(0, 1.45 * max(max(values) for values, _ in bars.values()))
        panel.set_xlabel("$m_a$")
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


def _sample(
    frame: pd.DataFrame,
    processes: Sequence[str],
    values: pd.Series,
    color: str,
    *,
    is_filled: bool = False,
) -> Sample:
    """Values of some processes as a histogram sample."""
    rows = frame["process"].isin(processes).to_numpy()
    return Sample(
        values.to_numpy()[rows], frame["weight"].to_numpy(dtype=float)[rows], color, is_filled
    )


def _process_label(name: str) -> str:
    """Readable name of a background component."""
    return name.replace("qcd_", "QCD ").replace("_", " ")


def _mass_text(process: str) -> str:
    """``haa_ma30`` as ``30 GeV``."""
    return f"{mass_name(process).removeprefix('ma')} GeV"
