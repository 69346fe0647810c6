"""Study smeft: the text of ``report.md``, section by section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from colliderfm.config.schema import Params
from colliderfm.physics.identifiability import identifiable_directions
from colliderfm.studies.report_tables import convergence_table, provenance_table, run_table
from colliderfm.studies.smeft import findings, interpretation_tables, tables, task_tables
from colliderfm.studies.smeft.arm_styles import arm_label
from colliderfm.studies.smeft.figure_captions import FIGURE_CAPTIONS
from colliderfm.studies.smeft.figure_input import FigureInput

RUN_METRICS = {
    "test/universe_accuracy": ("accuracy", 4),
    "test/ood_auroc": ("AUROC", 4),
    "test/retrieval_recall": ("recall", 4),
}


@dataclass(frozen=True)
class Content:
    """What the text is written from.

    Parameters
    ----------
    given : FigureInput
        Cells, corpus, predictions.
    figures : tuple of str
        Names of the figures drawn.
    n_experiments : int
        Pseudo-experiments of a coverage test.
    """

    given: FigureInput
    figures: tuple[str, ...]
    n_experiments: int


def write(content: Content, params: Params, extras: Mapping[str, Any]) -> str:
    """Put the whole report together in Markdown.

    Parameters
    ----------
    content : Content
        What was computed.
    params : Params
        The parameters of the comparison.
    extras : mapping
        ``scale`` and ``not_run``.

    Returns
    -------
    str
        Text of ``report.md``.
    """
    comparison = content.given.comparison
    sections = [
        ["# Drell-Yan universes in the SMEFT: what does a learned latent bring?"],
        [*_introduction(content, params), "", _scale(content, extras)],
        _headline(content),
        _honesty(content),
        _theory(content),
        _latent(content),
        _uncertainty(content),
        _anomalies(content),
        _retrieval(content),
        _interpretation(content),
        _section(
            "Updates to the best validation",
            convergence_table(comparison, "labeled replicas", arm_label),
        ),
        _figure("loss_curves", content.figures),
        _section(
            "What each row stands on", provenance_table(comparison, "labeled replicas", arm_label)
        ),
        _not_run(extras.get("not_run", [])),
        _runs(content),
    ]
    return "\n".join("\n".join([*section, ""]) for section in sections if section)


def _introduction(content: Content, params: Params) -> list[str]:
    """Say what is compared."""
    settings, data = params.studies.smeft, content.given.data
    noise = {
        "hard": "independent noise, one covariance for all universes",
        "study": "correlated noise, a covariance per universe",
    }
    lines = [
        "Which set of Wilson coefficients (a *universe*) made a noisy Drell-Yan spectrum, how sure is "
        f"the answer, and is the spectrum from any of them? Task `{settings.task}`: "
        f"{noise[settings.task]}. The encoder is frozen; a Dirichlet head is trained on labeled "
        "replicas. Mean ± standard deviation over "
        f"{content.given.comparison.cells['seed'].nunique()} seeds; each seed draws its own labeled "
        "replicas and initial weights, and all arms of a seed see the same replicas."
    ]
    if data is not None:
        seen = data.corpus.seen
        lines[0] += (
            f" {len(seen)} seen and {len(data.corpus.unseen)} unseen universes, order "
            f"`{seen.order}`; {seen.n_with_negative_bins} seen universes have a negative bin."
        )
    return lines


def _scale(content: Content, extras: Mapping[str, Any]) -> str:
    """State scale and cost of what is shown."""
    cells = content.given.comparison.cells
    text = f"**Scale: {extras.get('scale', 'not stated')}; {len(cells)} runs"
    if "seconds" in cells.columns:
        hours = float(cells["seconds"].astype(float).sum()) / 3600.0
        return f"{text}, {hours:.2f} hours of training in all (one process per run).**"
    return f"{text}.**"


def _headline(content: Content) -> list[str]:
    """Headline table, paired gains and learning curves."""
    comparison = content.given.comparison
    note = (
        "Gains are pretrained minus scratch, paired by seed, with 95% Student-t intervals; below two "
        "sigma (two-sided p of the t-test as Gaussian sigma) the words are *no difference seen*."
    )
    best = (
        "The Bayes optimum is that of telling universes apart. Its anomaly score is the distance to the "
        "nearest universe in all bins, which other scores may beat."
    )
    gains = tables.gains_table(comparison) or ["not tested: no seed has both arms"]
    return [
        *["## All arms", "", *tables.headline_table(comparison), "", best, ""],
        *_figure("learning_curves", content.figures),
        *["", "## What pretraining brings", "", *gains, "", note],
    ]


def _honesty(content: Content) -> list[str]:
    """Optimum, linear methods and controls in sentences."""
    comparison = content.given.comparison
    rows = findings.coverage_rows(comparison, content.n_experiments)
    blocks = {
        "Against the Bayes optimum": findings.bayes_sentences(comparison),
        "Against the best linear method": findings.linear_sentences(comparison),
        "Null-operator control": findings.null_sentences(comparison),
        "Coverage": findings.coverage_sentence(rows),
    }
    lines = ["## How far from the best possible"]
    for title, sentences in blocks.items():
        lines += ["", f"**{title}**", "", *(sentences or ["not measured in these cells"])]
    return lines


def _theory(content: Content) -> list[str]:
    """Spectra and what they can tell at all."""
    data = content.given.data
    if data is None:
        return []
    values, directions, rank = identifiable_directions(data.table, data.sigma)
    n_measured = int((values > 1.0).sum())
    sentence = (
        f"The spectra see {rank} of the {len(data.table.operators)} contributing coefficients' "
        f"directions at linear order; {n_measured} of them shift the spectra by more than the noise "
        "of this task at C = 1. At this order the others stay below the noise, whatever the method."
    )
    table = task_tables.direction_table(data.table, values[:rank], directions[:rank])
    return [
        *["## What spectra can tell", "", sentence, ""],
        *_figures(("operator_spectra", "universes"), content.figures),
        *[*table, "", *_figure("singular_values", content.figures)],
    ]


def _latent(content: Content) -> list[str]:
    """Show maps of the latent."""
    shown = _figures(("latent_map", "clusters"), content.figures)
    if not shown:
        return []
    arm = content.given.map_arm
    label = arm_label(arm) if arm else ""
    note = f"Maps show the first seed of the arm *{label}* with the most labeled replicas."
    return ["## The latent", "", note, "", *shown]


def _uncertainty(content: Content) -> list[str]:
    """Calibration and entropies."""
    comparison = content.given.comparison
    names = ("calibration", "log_loss", "top5_accuracy", "test/temperature", "test/reach")
    lines = ["## How sure", "", findings.CALIBRATION_NOTE, ""]
    for events in comparison.events:
        found = tables.metric_table(comparison, names, events)
        lines += [f"{events:,} labeled replicas:", "", *found, ""] if found else []
    return [
        *lines,
        *_figures(("reliability", "entropy_curves", "uncertainty_map"), content.figures),
    ]


def _anomalies(content: Content) -> list[str]:
    """Four anomalies and operators outside the training set."""
    rows = task_tables.anomaly_rows(content.given.comparison, content.given.largest)
    lines = ["## Spectra from no universe", ""]
    if content.given.data is not None:
        lines += [*task_tables.anomaly_size_table(content.given.anomalies), ""]
    lines += _figures(("anomaly_spectra", "anomaly_map", "anomalies"), content.figures)
    return [*lines, *task_tables.anomaly_table(rows)] if rows or len(lines) > 2 else []


def _retrieval(content: Content) -> list[str]:
    """Contours, captured universes, coverage."""
    comparison, found = content.given.comparison, content.given.capture
    lines = ["## Which universes are compatible", ""]
    if found is not None:
        n_universes = len(found.latent_distance)
        lines += [
            f"Query: universe #{found.query}, the one nearest to the Standard Model.",
            *["", *task_tables.capture_table(found, n_universes), ""],
        ]
    lines += _figures(("contours", "violins", "radial"), content.figures)
    rows = findings.coverage_rows(comparison, content.n_experiments)
    lines += [*task_tables.coverage_table(rows), ""]
    lines += tables.metric_table(comparison, ("retrieval", "captured", "width_over_prior"))
    return lines


def _interpretation(content: Content) -> list[str]:
    """Say whether directions of the latent mean something."""
    names = ("alignment", "trajector", "straight", "angle", "cosine", "rank_correlation", "null_op")
    table = tables.metric_table(content.given.comparison, names)
    shown = _figures(("trajectories",), content.figures)
    init = interpretation_tables.shown_arm(content.given)
    if not table and not shown:
        return []
    lines = ["## What the directions mean", "", *table, "", *shown]
    return [*lines, *_per_operator(content, init)] if init else lines


def _per_operator(content: Content, init: str) -> list[str]:
    """Classes and operators of one arm, with the control of every operator."""
    given, shown = content.given, interpretation_tables
    angles = shown.class_angles(given, init)
    return [
        f"Arm *{arm_label(init)}*, most labeled replicas, mean ± standard deviation over {angles['seeds']}"
        " seeds. A frozen encoder is the same for all seeds, and so are the universes that test it: its "
        "numbers have no spread.",
        *["", *_figure("class_angles", content.figures), ""],
        *[*shown.class_angle_table(angles), "", *shown.axis_angle_table(angles), ""],
        *["**One coefficient at a time**", ""],
        *[*shown.path_table(shown.path_rows(given), init), ""],
        *["**Null-operator control, by operator**", "", findings.NULL_NOTE, ""],
        *shown.null_table(shown.null_rows(given), init),
    ]


def _runs(content: Content) -> list[str]:
    """Every run in a fold."""
    opening = "<details><summary>every run, with the command that repeats it</summary>"
    rows = run_table(content.given.comparison, "replicas", RUN_METRICS)
    return ["## Runs", "", opening, "", *rows, "", "</details>"]


def _not_run(cells: Sequence[str]) -> list[str]:
    """Cells of the grid that have no result."""
    listed = [f"- {cell}" for cell in cells] or ["none: the grid is complete"]
    return ["## Cells not run", "", *listed]


def _section(title: str, lines: Sequence[str]) -> list[str]:
    """Make a section, or nothing if there is nothing to show."""
    return [f"## {title}", "", *lines] if lines else []


def _figures(names: Sequence[str], figures: Sequence[str]) -> list[str]:
    """Link several figures, each followed by an empty line."""
    lines: list[str] = []
    for name in names:
        found = _figure(name, figures)
        lines += [*found, ""] if found else []
    return lines


def _figure(name: str, figures: Sequence[str]) -> list[str]:
    """Link a figure with its caption and its numbers, if it was drawn."""
    if name not in figures:
        return []
    return [
        f"![{name}](figures/{name}.png)",
        "",
        f"*{FIGURE_CAPTIONS[name]}* [numbers](figures/{name}.json)",
    ]
