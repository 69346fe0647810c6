"""The page of reports/pretrain-spectrum/: tables and figures out of the records, no number by hand."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.ticker import NullFormatter
from scipy.stats import t as student

from benchmarks.shipped_spectrum_encoder import judge_shipped
from colliderfm.plots.curves import Band, draw_loss_curves
from colliderfm.plots.style import hep_style, new_figure, save_figure

Record = Mapping[str, Any]

COMMAND = "python -m benchmarks.spectrum_pretrainings"
_COLUMNS = (
    ("seen: linear head", "val/linear_accuracy", ".3f"),
    ("15 neighbors", "val/knn_accuracy", ".3f"),
    ("unseen: linear head", "val/unseen_linear_accuracy", ".3f"),
    ("15 neighbors", "val/unseen_knn_accuracy", ".3f"),
    ("rank correlation", "val/fisher_rank_correlation", ".4f"),
)
_SECTIONS = {
    "width": (
        "Latent width",
        "Hard task, learning rate 1e-3. Linear methods of equal width stand below.",
    ),
    "length": (
        "Number of updates",
        "Hard task, width 8, learning rate 1e-3 unless said. "
        "The values in params.yaml are from here.",
    ),
    "network": (
        "Transformer over bins",
        "Hard task, width 8. Compare at equal updates, and at equal CPU time.",
    ),
    "variant": (
        "Pair loss of the source study",
        "First on the hard task, with new universes in every update; then on the task "
        "of the source study, where covariances differ between universes.",
    ),
}
_QUALITIES = {
    "decoder_error": "distance of the generated from the noise-free spectrum",
    "masked_bins_error": "the same of hidden bins",
    "directions_r2": "share of the variance of the measured directions explained",
    "truncation_auc": "area under the curve, linear against quadratic order",
    "densities_auc": "area under the curve, other parton densities against new physics",
}
_CURVES = ("width_8", "dense_rate", "dense_equal_time", "transformer")


def write_page(report: Path, names: Sequence[str], shipped: Path, root: Path) -> Path:
    """Write README.md, metrics.json of the shipped encoder, and the figures.

    Parameters
    ----------
    report : Path
        Folder with the records tries/NAME.json.
    names : sequence of str
        Records in the order of the page; those that do not exist are left out.
    shipped : Path
        Encoder that is judged as it is.
    root : Path
        The project.

    Returns
    -------
    Path
        README.md.
    """
    records = {}
    for name in names:
        path = report / "tries" / f"{name}.json"
        if path.is_file():
            records[name] = json.loads(path.read_text(encoding="utf-8"))
    ready = judge_shipped(shipped, root, report)
    _draw_losses(report, records)
    parts = [_introduction(), *_table_sections(records, ready), *_objectives(records, ready)]
    parts += ["![accuracy](accuracy.png)", "![latent](latent.png)", _commands(records)]
    page = report / "README.md"
    page.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return page


def _introduction() -> str:
    return (
        "# Pretraining of the spectrum encoder\n\n"
        f"Written by `{COMMAND}`, which runs benchmarks/spectrum_pretrainings.yaml; what is done is "
        "skipped.\n\n"
        "Accuracy in telling 100 universes apart on validation replicas, by a linear head and by the "
        "vote of 15 neighbors in the latent: for the universes of the corpus (seen) and others "
        "(unseen). Bayes knows means and covariances. Rank correlation: latent with Mahalanobis "
        "distance between unseen universes. An accuracy has a binomial error of 0.006 from the 5000 "
        "replicas, which are the same for all rows. CPU time is that of one core, shared with other "
        "work."
    )


def _table_sections(records: Mapping[str, Record], shipped: Record) -> Iterable[str]:
    default = [record for record in records.values() if record["name"] == "width_8"]
    for section, (title, words) in _SECTIONS.items():
        rows = [record for record in records.values() if record["section"] == section]
        if not rows:
            continue
        if section == "width":
            rows = [*rows, shipped]
        elif section in ("length", "network"):
            rows = [*default, *rows]
        picture = "\n\n![loss](loss.png)" if section == "network" else ""
        yield f"## {title}\n\n{words}\n\n{table(rows)}{picture}"


def table(rows: Sequence[Record]) -> str:
    """Return pretrainings and below them the linear methods of the same tasks and widths.

    Parameters
    ----------
    rows : sequence of mapping
        Records.

    Returns
    -------
    str
        Markdown.
    """
    titles = ["task", "pretraining", "updates", "CPU minutes", *(title for title, _, _ in _COLUMNS)]
    lines = ["| " + " | ".join(titles) + " |", "|---" * 2 + "|---:" * (len(titles) - 2) + "|"]
    for record in rows:
        is_try = record["name"] != "shipped"
        label = f"[{record['label']}](tries/{record['name']}.json)" if is_try else record["label"]
        rate = record.get("cpu_s_per_update")
        minutes = f"{rate * record['updates'] / 60.0:.1f}" if rate else ""
        cells = [format(record["metrics"][key], form) for _, key, form in _COLUMNS]
        lines.append(_row(record["task"], label, record["updates"], minutes, *cells))
    by_shape = {(record["task"], record["latent"]): record for record in rows}
    for (task, width), record in sorted(by_shape.items()):
        for name, stem in (("whitened PCA", "pca_whitened"), ("LDA", "lda")):
            keys = (f"val/{stem}", f"val/unseen_{stem}")
            found = [f"{key}_{head}accuracy" for key in keys for head in ("", "knn_")]
            cells = [format(record["metrics"][key], ".3f") for key in found]
            rank = format(record["metrics"][f"val/fisher_rank_correlation_{stem}"], ".4f")
            lines.append(_row(task, f"{name}, width {width}", "", "", *cells, rank))
    for task, record in sorted({record["task"]: record for record in rows}.items()):
        seen, unseen = (record["metrics"][f"val/{k}bayes_accuracy"] for k in ("", "unseen_"))
        lines.append(_row(task, "Bayes", "", "", f"{seen:.3f}", "", f"{unseen:.3f}", "", ""))
    return "\n".join(lines)


def _objectives(records: Mapping[str, Record], shipped: Record) -> Iterable[str]:
    """Tables of the further objectives: what they do to the latent, and how well they are met."""
    seeds = [r for r in records.values() if r["name"] == "width_8" or r["section"] == "default"]
    rows = [record for record in records.values() if record["section"] == "objective"]
    if len(seeds) < 2 or not rows:
        return
    intervals = [prediction_interval([s["metrics"][key] for s in seeds]) for _, key, _ in _COLUMNS]
    lines = [_row("pretraining", *(title for title, _, _ in _COLUMNS))]
    lines.append("|---" + "|---:" * len(_COLUMNS) + "|")
    spread = [
        f"{center:{form}} ± {half:{form}}"
        for (center, half), (_, _, form) in zip(intervals, _COLUMNS, strict=True)
    ]
    lines.append(_row(f"none, {len(seeds)} seeds", *spread))
    for record in rows:
        cells = []
        for (center, half), (_, key, form) in zip(intervals, _COLUMNS, strict=True):
            value = record["metrics"][key]
            mark = " \\*" if abs(value - center) > half else ""
            cells.append(f"{value:{form}}{mark}")
        lines.append(_row(f"[{record['label']}](tries/{record['name']}.json)", *cells))
    yield (
        "## One further objective at a time\n\n"
        "Hard task, width 8, weight 0.2 each, 1000 updates at learning rate 1e-3. ±: 95% interval in "
        "which a further seed without a further objective falls (Student); \\* outside of it. One seed "
        "per objective; of "
        f"{len(rows) * len(_COLUMNS)} numbers about {0.05 * len(rows) * len(_COLUMNS):.0f} would have "
        "a \\* by chance."
        "\n\n" + "\n".join(lines)
    )
    yield _qualities([*rows, shipped])


def _qualities(rows: Sequence[Record]) -> str:
    lines = [_row("head", "quantity", "head on the latent", "whitened PCA", "all bins, linear")]
    lines.append("|---|---|---:|---:|---:|")
    for record in rows:
        for key, words in _QUALITIES.items():
            values = [record["metrics"].get(f"val/{key}{end}") for end in ("", "_pca", "_linear")]
            if values[0] is not None:
                cells = ["" if value is None else f"{value:.3f}" for value in values]
                name = "shipped" if record["name"] == "shipped" else record["label"]
                lines.append(_row(name, words, *cells))
    return (
        "How well the objectives are met, on replicas of universes that no encoder has seen, beside as "
        "many whitened principal components and all bins, both with linear maps in closed form. "
        "Distances are root mean squares over the bins in units of the noise (1: as far as the replica "
        "itself), median over replicas; the components are told which bins are hidden, the encoder "
        "is not.\n\n" + "\n".join(lines)
    )


def prediction_interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float]:
    """Return mean and half width of the interval in which one further value falls."""
    n = len(values)
    factor = float(student.ppf(0.5 + 0.5 * level, n - 1)) * math.sqrt(1.0 + 1.0 / n)
    return float(np.mean(values)), factor * float(np.std(values, ddof=1))


def _draw_losses(report: Path, records: Mapping[str, Record]) -> None:
    """Draw the validation loss on unseen universes by updates and by CPU time."""
    chosen = [records[name] for name in _CURVES if name in records]
    with hep_style():
        figure, panels = new_figure(2, size=(13.0, 5.2))
        numbers: dict[str, object] = {}
        for axes, label in zip(panels, ("Updates", "CPU time (s)"), strict=True):
            bands = {}
            for record in chosen:
                scale = 1.0 if label == "Updates" else record["cpu_s_per_update"]
                updates = np.array([point["update"] for point in record["history"]])
                losses = np.array([[point["val/unseen_loss"] for point in record["history"]]])
                bands[record["label"].replace("`", "")] = Band.of_seeds(scale * updates, losses)
            draw_loss_curves(axes, bands, "Validation loss, unseen universes", log=True)
            axes.xaxis.set_minor_formatter(NullFormatter())
            axes.set_xlabel(label)
            axes.legend(fontsize=11)
            numbers |= {f"{name}, {label}": band.numbers() for name, band in bands.items()}
        save_figure(figure, report / "loss.png", numbers)


def _commands(records: Mapping[str, Record]) -> str:
    lines = [record["command"] for record in records.values()]
    return (
        "## Commands\n\nThe same, tracked and registered, in the order of the list:\n\n```\n"
        + "\n".join(lines)
        + "\n```"
    )


def _row(*cells: object) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"
