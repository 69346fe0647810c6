"""The look of all figures, and the one way to write them: PNG with its numbers as JSON beside it.

The base is mplhep's plain style, reduced to what reads well in a report: no experiment label, one
color per arm throughout the project, units on every axis.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import mplhep
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from colliderfm.errors import DataError

ARM_COLORS = {"scratch": "#3f90da", "pretrained": "#bd1f01", "xgboost": "#717581"}
ARM_LABELS = {"scratch": "from scratch", "pretrained": "pretrained", "xgboost": "XGBoost"}
ARM_LINES = {"scratch": "--", "pretrained": "-", "xgboost": ":"}
ARM_MARKERS = {"scratch": "s", "pretrained": "o", "xgboost": "^"}
# Petroff's ten-color cycle without the colors of the arms, for samples and classes.
SAMPLE_COLORS = ("#ffa90e", "#832db6", "#b9ac70", "#94a4a2", "#a96b59", "#e76300", "#92dadd")

_CHANGES: dict[str, Any] = {
    "figure.figsize": (7.0, 5.6),
    "figure.dpi": 100,
    "savefig.dpi": 110,
    "font.size": 15,
    "axes.labelsize": 16,
    "axes.titlesize": 14,
    "xtick.labelsize": 14,
    "ytick.labelsize": 14,
    "legend.fontsize": 13,
    "legend.frameon": False,
    "lines.linewidth": 2.0,
    "lines.markersize": 7,
    "axes.linewidth": 1.3,
    "mathtext.default": "regular",
    "figure.constrained_layout.use": True,
}


@contextmanager
def hep_style() -> Iterator[None]:
    """Apply the project's style while figures are made.

    Yields
    ------
    None
        The style holds inside the ``with`` block.
    """
    known = set(mpl.rcParams)
    base = {key: value for key, value in mplhep.style.ROOT.items() if key in known}
    with mpl.rc_context({**base, **_CHANGES}):
        yield


def new_figure(
    n_columns: int = 1, *, n_rows: int = 1, size: tuple[float, float] | None = None, **options: Any
) -> tuple[Figure, np.ndarray]:
    """Make a figure without the global state of pyplot.

    Parameters
    ----------
    n_columns, n_rows : int
        Panels.
    size : tuple of float, optional
        Width and height in inches; by default 6.4 by 5.2 per panel.
    **options
        Passed to ``Figure.subplots``.

    Returns
    -------
    figure : Figure
        The figure.
    axes : ndarray of Axes, shape (n_rows * n_columns,)
        Its panels, row by row.
    """
    figure = Figure(figsize=size or (6.4 * n_columns, 5.2 * n_rows), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(n_rows, n_columns, squeeze=False, **options)
    return figure, axes.ravel()


def arm_style(arm: str) -> dict[str, Any]:
    """Color, line and marker of an arm.

    Parameters
    ----------
    arm : str
        ``scratch``, ``pretrained``, ``xgboost`` or another name.

    Returns
    -------
    dict
        Keyword arguments of ``Axes.plot``.
    """
    return {
        "color": ARM_COLORS.get(arm, "black"),
        "linestyle": ARM_LINES.get(arm, "-."),
        "marker": ARM_MARKERS.get(arm, "D"),
        "label": ARM_LABELS.get(arm, arm),
    }


def add_caption(axes: Axes, lines: str, *, where: str = "upper left") -> Axes:
    """Write what is shown into a corner of the panel.

    Parameters
    ----------
    axes : Axes
        Panel.
    lines : str
        Text, lines separated by line feeds.
    where : {"upper left", "upper right", "lower left", "lower right"}
        Corner.

    Returns
    -------
    Axes
        The same panel.
    """
    vertical, horizontal = where.split()
    axes.text(
        0.04 if horizontal == "left" else 0.96,
        0.96 if vertical == "upper" else 0.04,
        lines,
        transform=axes.transAxes,
        ha=horizontal,
        va="top" if vertical == "upper" else "bottom",
        fontsize=13,
        linespacing=1.35,
    )
    return axes


def mark_change(axes: Axes, at: float, before: str, after: str) -> Axes:
    """Mark where something changed along the abscissa, with a word on either side.

    Parameters
    ----------
    axes : Axes
        Panel with its curves drawn; the ordinate grows to make room for the words.
    at : float
        Abscissa of the line.
    before, after : str
        What was left and right of it.

    Returns
    -------
    Axes
        The same panel.
    """
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.12 * (high - low))
    axes.axvline(at, color="0.35", linestyle="--", linewidth=1.3, zorder=0)
    for words, side, gap in ((before, "right", -6), (after, "left", 6)):
        axes.annotate(
            words,
            (at, 0.97),
            xycoords=axes.get_xaxis_transform(),
            xytext=(gap, 0),
            textcoords="offset points",
            ha=side,
            va="top",
            fontsize=13,
        )
    return axes


def save_figure(figure: Figure, path: Path | str, numbers: Mapping[str, Any]) -> list[Path]:
    """Write a figure as PNG and the numbers it shows as JSON beside it.

    Parameters
    ----------
    figure : Figure
        What to write.
    path : path
        PNG file; the JSON file has the same stem.
    numbers : mapping
        Numbers, arrays, texts, lists and mappings of these; what is not finite becomes null.

    Returns
    -------
    list of Path
        Both files. Equal input gives equal bytes: no time stamp, no version.

    Raises
    ------
    DataError
        If the folder cannot be written to.
    """
    png = Path(path).with_suffix(".png")
    beside = png.with_suffix(".json")
    text = json.dumps(plain(numbers), indent=1, allow_nan=False) + "\n"
    try:
        png.parent.mkdir(parents=True, exist_ok=True)
        temporary = png.with_name(f".{png.name}.tmp")
        figure.savefig(temporary, format="png", metadata={"Software": None})
        temporary.replace(png)
        beside.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(f"cannot write {png}", got=error.strerror or error) from error
    return [png, beside]


def plain(value: Any) -> Any:
    """Turn numbers and arrays into what JSON can hold.

    Parameters
    ----------
    value : object
        Number, array, text, list or mapping.

    Returns
    -------
    object
        Built-in types; floats with six significant digits, None for one that is not finite.
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value if value is None else str(value)
