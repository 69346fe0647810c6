"""Study smeft: what interpretation measured per class and per operator, as tables of a report.

All are for the most labeled replicas. A frozen encoder is the same for every seed and so are the fresh
universes of the control: its numbers have no spread, those of an arm that fits its latent have one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from colliderfm.studies.report_tables import markdown, spread
from colliderfm.studies.smeft.arm_styles import arm_label
from colliderfm.studies.smeft.figure_input import MAP_ARMS, FigureInput
from colliderfm.studies.smeft.inference import SIGNIFICANCE_LEVEL

ANGLES = ("axis_angles_deg", "class_angles_deg", "true_class_angles_deg")
PATH_NUMBERS = ("length", "true_length", "straightness", "turning_deg", "is_monotonic")


def shown_arm(given: FigureInput) -> str | None:
    """Return the arm whose details are shown: the first of ``MAP_ARMS`` that has any."""
    return next((init for init in MAP_ARMS if given.details_of(init, "alignment")), None)


def class_angles(given: FigureInput, init: str) -> dict[str, Any]:
    """Average the angles between classes of operators over seeds.

    Parameters
    ----------
    given : FigureInput
        Details of all cells.
    init : str
        Arm.

    Returns
    -------
    dict
        ``init, seeds, classes``, and per kind of angle the ``mean`` and ``sd`` matrices in degrees:
        principal axes of the latent against classes (D, C), classes against classes (C, C) in the
        latent and in the spectra.
    """
    runs = given.details_of(init, "alignment")
    found: dict[str, Any] = {"init": init, "seeds": len(runs), "classes": runs[0]["classes"]}
    for name in ANGLES:
        mean, sd = _over_seeds([run[name] for run in runs])
        found[name] = {"mean": mean, "sd": sd}
    return found


def class_angle_table(angles: Mapping[str, Any]) -> list[str]:
    """Write the angles of every pair of classes, in the latent and in the spectra.

    Parameters
    ----------
    angles : mapping
        From `class_angles`.

    Returns
    -------
    list of str
        Lines of Markdown.
    """
    classes = angles["classes"]
    rows = []
    for first, second in zip(*np.triu_indices(len(classes), 1), strict=True):
        cells = [
            spread(angles[name]["mean"][first, second], angles[name]["sd"][first, second], 1)
            for name in ANGLES[1:]
        ]
        rows.append([classes[first], classes[second], *cells])
    return markdown(["class", "class", "in the latent [deg]", "in the spectra [deg]"], rows)


def axis_angle_table(angles: Mapping[str, Any]) -> list[str]:
    """Write the angles between the principal axes of the latent and the classes.

    Parameters
    ----------
    angles : mapping
        From `class_angles`.

    Returns
    -------
    list of str
        Lines of Markdown.
    """
    mean, sd = (angles[ANGLES[0]][key] for key in ("mean", "sd"))
    rows = [
        [f"{axis}", *(spread(*numbers, 1) for numbers in zip(*row, strict=True))]
        for axis, row in enumerate(zip(mean, sd, strict=True), start=1)
    ]
    return markdown(["axis of the latent", *(f"{name} [deg]" for name in angles["classes"])], rows)


def null_rows(given: FigureInput) -> list[dict[str, Any]]:
    """Collect the null-operator control of every operator and arm.

    Parameters
    ----------
    given : FigureInput
        Details of all cells.

    Returns
    -------
    list of dict
        ``init, operator, is_inert, explained, explained_by_chance`` (means over seeds), ``p_value``
        (one per seed) and ``is_flagged``: inert, but below the level in more than half of the seeds.
    """
    rows = []
    for init in given.comparison.inits:
        runs = given.details_of(init, "null_operators")
        for index, operator in enumerate(runs[0]["operators"] if runs else ()):
            is_inert = bool(runs[0]["is_inert"][index])
            p_value = [run["p_value"][index] for run in runs]
            means = {
                name: float(np.mean([run[name][index] for run in runs]))
                for name in ("explained", "explained_by_chance")
            }
            is_flagged = is_inert and float(np.median(p_value)) < SIGNIFICANCE_LEVEL
            row = {"init": init, "operator": operator, "is_inert": is_inert, "p_value": p_value}
            rows.append(row | means | {"is_flagged": is_flagged})
    return rows


def null_table(rows: Sequence[Mapping[str, Any]], init: str) -> list[str]:
    """Write the null-operator control per operator, one arm in full and the others beside it.

    Parameters
    ----------
    rows : sequence of mapping
        From `null_rows`.
    init : str
        Arm shown in full.

    Returns
    -------
    list of str
        Lines of Markdown; a p-value is the median over seeds, bold where an inert operator is below
        the level.
    """
    by_arm = {name: [row for row in rows if row["init"] == name] for name in _arms(rows)}
    others = [name for name in by_arm if name != init]
    lines = []
    for index, row in enumerate(by_arm[init]):
        beside = [_p_text(by_arm[name][index]) for name in others]
        numbers = (f"{row['explained']:.4f}", f"{row['explained_by_chance']:.4f}")
        kind = "inert" if row["is_inert"] else ""
        flag = "**flagged**" if row["is_flagged"] else ("passed" if row["is_inert"] else "")
        lines.append([row["operator"], kind, *numbers, _p_text(row), flag, *beside])
    titles = ["explained", "by chance", f"p, {arm_label(init)}", "control"]
    return markdown(["operator", "", *titles, *(f"p, {arm_label(name)}" for name in others)], lines)


def path_rows(given: FigureInput) -> list[dict[str, Any]]:
    """Collect length and shape of the path of every operator and arm.

    Parameters
    ----------
    given : FigureInput
        Details of all cells.

    Returns
    -------
    list of dict
        ``init, operator``, and mean and spread over seeds of each of ``PATH_NUMBERS``.
    """
    rows = []
    for init in given.comparison.inits:
        for paths in zip(*given.details_of(init, "trajectories"), strict=True):
            row: dict[str, Any] = {"init": init, "operator": paths[0]["operator"]}
            for name in PATH_NUMBERS:
                row[name] = [float(part) for part in _over_seeds([path[name] for path in paths])]
            rows.append(row)
    return rows


def path_table(rows: Sequence[Mapping[str, Any]], init: str) -> list[str]:
    """Write the paths of single operators in the latent of an arm.

    Parameters
    ----------
    rows : sequence of mapping
        From `path_rows`.
    init : str
        Arm.

    Returns
    -------
    list of str
        Lines of Markdown.
    """
    lines = []
    for row in rows:
        if row["init"] == init:
            numbers = [spread(*row[name], 2) for name in PATH_NUMBERS[:4]]
            lines.append([row["operator"], *numbers, f"{row['is_monotonic'][0]:.0%}"])
    titles = [
        "length [noise]",
        "in the spectra",
        "straightness",
        "turning [deg]",
        "monotonic seeds",
    ]
    return markdown(["operator, C = 0 to 2", *titles], lines)


def rows(given: FigureInput) -> dict[str, Any]:
    """Return all of it for JSON; empty without details.

    Parameters
    ----------
    given : FigureInput
        Details of all cells.

    Returns
    -------
    dict
        ``class_angles`` by arm, ``null_operators`` and ``trajectories``.
    """
    inits = [init for init in given.comparison.inits if given.details_of(init, "alignment")]
    if not inits:
        return {}
    return {
        "class_angles": [class_angles(given, init) for init in inits],
        "null_operators": null_rows(given),
        "trajectories": path_rows(given),
    }


def _arms(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(row["init"] for row in rows))


def _p_text(row: Mapping[str, Any]) -> str:
    text = f"{float(np.median(row['p_value'])):.3f}"
    return f"**{text}**" if row["is_flagged"] else text


def _over_seeds(values: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation over seeds; NaN for one seed."""
    stacked = np.array(values, dtype=float)
    sd = stacked.std(axis=0, ddof=1) if len(stacked) > 1 else np.full(stacked.shape[1:], np.nan)
    return np.asarray(stacked.mean(axis=0)), np.asarray(sd)
