"""Study smeft: tables of anomalies, directions, coverage and captured universes in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from colliderfm.physics.spectrum_table import SpectrumTable
from colliderfm.studies.report_tables import markdown, spread
from colliderfm.studies.smeft.anomalies import Anomaly
from colliderfm.studies.smeft.arm_styles import arm_label
from colliderfm.studies.smeft.captured import Capture
from colliderfm.studies.smeft.figures_anomalies import (
    CASE_LABELS,
    SCORE_LABELS,
    anomaly_metrics,
    arms_of_score,
)
from colliderfm.studies.smeft.findings import CoverageRow
from colliderfm.studies.smeft.summary import Comparison

N_LEADING = 5


def anomaly_rows(comparison: Comparison, events: int) -> list[dict[str, Any]]:
    """Collect the AUROC of every arm, case and score.

    Parameters
    ----------
    comparison : Comparison
        The cells.
    events : int
        Labeled replicas.

    Returns
    -------
    list of dict
        ``init, score``, and mean and spread by case.
    """
    rows = []
    for score, metrics in anomaly_metrics(comparison).items():
        for init in arms_of_score(comparison, metrics):
            means = {case: comparison.mean(init, events, name) for case, name in metrics.items()}
            known = {case: (mean.mean, mean.sd) for case, mean in means.items() if mean is not None}
            if known:
                rows.append({"init": init, "score": score, "auroc": known})
    return rows


def anomaly_table(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Write the AUROC of the anomalies.

    Parameters
    ----------
    rows : sequence of dict
        From `anomaly_rows`.

    Returns
    -------
    list of str
        Lines of Markdown.
    """
    cases = [case for case in CASE_LABELS if any(case in row["auroc"] for row in rows)]
    lines = []
    for row in rows:
        cells = [spread(*row["auroc"][case]) if case in row["auroc"] else "–" for case in cases]
        score = SCORE_LABELS.get(row["score"], row["score"].replace("_", " "))
        arm = "any" if row["score"] == "mahalanobis" else arm_label(row["init"])
        lines.append([arm, score, *cells])
    titles = [CASE_LABELS[case].replace("\n", " ") for case in cases]
    return markdown(["arm", "score", *titles], lines)


def anomaly_size_table(cases: Sequence[Anomaly]) -> list[str]:
    """Write the physical size of the anomalies.

    Parameters
    ----------
    cases : sequence of Anomaly
        From `studies.smeft.anomalies.anomalies`.

    Returns
    -------
    list of str
        Lines of Markdown.
    """
    titles = [CASE_LABELS[case.name].replace("\n", " ") for case in cases]
    rows = [
        [title, f"{case.size:.3g} {case.unit}"] for title, case in zip(titles, cases, strict=True)
    ]
    return markdown(["anomaly", "size at equal significance"], rows)


def direction_table(table: SpectrumTable, values: np.ndarray, directions: np.ndarray) -> list[str]:
    """Write the identifiable directions with their singular values in noise units.

    Parameters
    ----------
    table : SpectrumTable
        Names the operators.
    values : ndarray, shape (R,)
        Singular values per unit coefficient.
    directions : ndarray, shape (R, 17)
        Weights of the coefficients.

    Returns
    -------
    list of str
        Lines of Markdown.
    """
    rows = []
    for index, (value, weights) in enumerate(zip(values, directions, strict=True), start=1):
        leading = np.argsort(-np.abs(weights), kind="stable")[:N_LEADING]
        terms = ", ".join(f"{weights[k]:+.2f} {table.operators[k]}" for k in leading)
        rows.append([str(index), f"{value:.3g}", terms])
    return markdown(["direction", "singular value [noise per unit C]", "largest weights"], rows)


def coverage_table(rows: Sequence[CoverageRow]) -> list[str]:
    """Write the coverage of contours and intervals with binomial errors.

    Parameters
    ----------
    rows : sequence of CoverageRow
        From `findings.coverage_rows`.

    Returns
    -------
    list of str
        Lines of Markdown.
    """
    lines = [
        [
            *(arm_label(row.init), row.title, f"{row.sigma}σ"),
            *(f"{row.nominal:.5f}", f"{row.covered:.5f}", f"{row.error:.5f}"),
            *(f"{row.n_experiments:,}", "yes" if row.is_within else "**no**"),
        ]
        for row in rows
    ]
    titles = [
        "nominal",
        "found",
        "binomial error",
        "pseudo-experiments",
        "within 3 errors in every seed",
    ]
    return markdown(["arm", "of", "level", *titles], lines)


def capture_table(found: Capture, n_universes: int) -> list[str]:
    """Write how many universes each contour captures.

    Parameters
    ----------
    found : Capture
        Distances from the query.
    n_universes : int
        Universes in all.

    Returns
    -------
    list of str
        Lines of Markdown.
    """
    rows = [
        [
            *(f"{row['sigma']:g}σ", f"{row['radius']:.2f}", str(row["latent"])),
            *(str(row["spectrum"]), str(row["both"])),
        ]
        for row in found.counts()
    ]
    titles = ["radius [noise]", "captured in the latent", "captured by the spectra", "by both"]
    return markdown([f"contour (of {n_universes - 1} other universes)", *titles], rows)
