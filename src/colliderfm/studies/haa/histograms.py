"""Study haa: histograms of test events, as densities averaged over the seeds.

The band is the standard deviation over seeds and the statistical error of the test events in quadrature.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from colliderfm.plots.histograms import Sample, draw_densities
from colliderfm.plots.style import (
    ARM_LABELS,
    SAMPLE_COLORS,
    add_caption,
    new_figure,
    save_figure,
)
from colliderfm.studies.haa.figure_input import FigureInput
from colliderfm.studies.haa.labels import boson_mass_gev, process_label, signal_label
from colliderfm.studies.haa.pairs import mass_name
from colliderfm.studies.haa.summary import Comparison

SCORE_EDGES = np.linspace(0.0, 1.0, 31)
MASS_EDGES_GEV = np.linspace(0.0, 120.0, 41)
MASS_COLORS = ("#3f90da", "#832db6", "#bd1f01")
ERROR_CAPTION = "band: seeds and test events"


def scores(given: FigureInput, folder: Path, events: int) -> list[Path]:
    """Draw score distributions of signal and of each background, averaged over the seeds."""
    arms = [init for init in given.comparison.inits if given.frames(init, events)]
    figure, axes = new_figure(len(arms), sharey=True)
    numbers: dict[str, Any] = {"edges": SCORE_EDGES}
    groups = {"signal, all masses": given.settings.signals}
    groups |= {process_label(name): (name,) for name in given.settings.backgrounds}
    for panel, init in zip(axes, arms, strict=True):
        frames = given.frames(init, events)
        samples = {}
        for index, (name, processes) in enumerate(groups.items()):
            color = "#bd1f01" if index == 0 else SAMPLE_COLORS[index - 1]
            samples[name] = _sample(frames, processes, lambda frame: frame["score"], color)
        drawn = draw_densities(panel, samples, SCORE_EDGES, "Classifier score")
        numbers[init] = {name: asdict(one) for name, one in drawn.items()}
        panel.set_yscale("log")
        highest = max(float(one.mean.max()) for one in drawn.values())
        panel.set_ylim(5e-3, 15.0 * max(highest, 1.0))
        panel.legend(loc="upper right")
        add_caption(panel, f"{ARM_LABELS.get(init, init)}\n{events:,} events\n{ERROR_CAPTION}")
    return save_figure(figure, folder / "scores.png", numbers)


def reconstructed_mass(given: FigureInput, folder: Path, events: int) -> list[Path]:
    """Draw the mean mass of the two chosen jet pairs per true mass and for the background."""
    arms = [init for init in given.comparison.inits if given.frames(init, events)]
    figure, axes = new_figure(len(arms), sharey=True)
    numbers: dict[str, Any] = {"edges_gev": MASS_EDGES_GEV}
    for panel, init in zip(axes, arms, strict=True):
        frames = given.frames(init, events)
        background = _sample(frames, given.settings.backgrounds, _mean_mass, "0.6", is_filled=True)
        samples = {"background": background}
        right_pct = _pairs_right_pct(given.comparison, init, events, given.settings.signals)
        for index, name in enumerate(given.settings.signals):
            color = MASS_COLORS[index % len(MASS_COLORS)]
            label = signal_label(name)
            if name in right_pct:
                label += f", {right_pct[name]:.0f}% right"
            samples[label] = _sample(frames, (name,), _mean_mass, color)
            mass_gev = boson_mass_gev(name)
            if mass_gev is not None:
                panel.axvline(mass_gev, ymax=0.72, color=color, linestyle=":", linewidth=1.2)
        drawn = draw_densities(
            panel, samples, MASS_EDGES_GEV, "Mean mass of the two pairs", unit="GeV"
        )
        numbers[init] = {name: asdict(one) for name, one in drawn.items()}
        is_learned = _has_learned_pairs(given.comparison, init, events, given.settings.signals)
        how = ARM_LABELS.get(init, init) if is_learned else "equal-mass rule"
        panel.legend(loc="upper right")
        add_caption(panel, f"pairs: {how}\n{ERROR_CAPTION}", where="upper left")
    axes[0].set_ylim(top=axes[0].get_ylim()[1] * 1.35)
    return save_figure(figure, folder / "reconstructed_mass.png", numbers)


def _pairs_right_pct(
    comparison: Comparison, init: str, events: int, signals: Sequence[str]
) -> dict[str, float]:
    """How often both pairs are right, of events with all four b quarks found, per signal."""
    rule = "" if _has_learned_pairs(comparison, init, events, signals) else "_equal_mass"
    found = {}
    for name in signals:
        metric = f"test/assignment_efficiency_matchable_pct_{mass_name(name)}{rule}"
        mean = comparison.mean(init, events, metric)
        if mean is not None:
            found[name] = mean.mean
    return found


def _has_learned_pairs(
    comparison: Comparison, init: str, events: int, signals: Sequence[str]
) -> bool:
    metric = f"test/assignment_efficiency_matchable_pct_{mass_name(signals[0])}"
    return len(comparison.values(init, events, metric)) > 0


def _mean_mass(frame: pd.DataFrame) -> pd.Series:
    return 0.5 * (frame["mass_heavy_gev"] + frame["mass_light_gev"])


def _sample(
    frames: Sequence[pd.DataFrame],
    processes: Sequence[str],
    values: Callable[[pd.DataFrame], pd.Series],
    color: str,
    *,
    is_filled: bool = False,
) -> Sample:
    """Values of some processes, seed by seed, as a histogram sample."""
    kept = [frame[frame["process"].isin(processes)] for frame in frames]
    return Sample(
        [values(frame).to_numpy() for frame in kept],
        [frame["weight"].to_numpy(dtype=float) for frame in kept],
        color,
        is_filled,
    )
