"""Figures are written whole, with their numbers, and equal input gives equal bytes."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

from colliderfm.errors import DataError
from colliderfm.plots.style import (
    add_caption,
    arm_style,
    hep_style,
    mark_change,
    new_figure,
    plain,
    save_figure,
)


def draw(path: Path) -> list[Path]:
    with hep_style():
        figure, axes = new_figure(2)
        axes[0].plot([0, 1], [1, 2], **arm_style("pretrained"))
        axes[0].set_xlabel("$m_a$ [GeV]")
        add_caption(axes[0], "two\nlines", where="lower right")
        return save_figure(figure, path, {"x": np.array([0.0, 1.0]), "rejection": np.inf})


def test_figure_and_numbers_stand_side_by_side(tmp_path: Path) -> None:
    png, beside = draw(tmp_path / "new" / "curve.png")
    assert png.read_bytes().startswith(b"\x89PNG")
    assert json.loads(beside.read_text(encoding="utf-8")) == {"x": [0.0, 1.0], "rejection": None}
    assert sorted(path.name for path in png.parent.iterdir()) == ["curve.json", "curve.png"]


def test_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    first, second = draw(tmp_path / "a.png"), draw(tmp_path / "b.png")
    assert first[0].read_bytes() == second[0].read_bytes()
    assert first[1].read_bytes() == second[1].read_bytes()


def test_a_change_is_marked_by_a_line_between_two_words() -> None:
    with hep_style():
        figure, (axes,) = new_figure()
        axes.plot([0.0, 10.0], [1.0, 2.0])
        top = axes.get_ylim()[1]
        mark_change(axes, 4.0, "before", "after")
        figure.canvas.draw()
    assert list(axes.lines[-1].get_xdata()) == [4.0, 4.0]
    assert axes.get_ylim()[1] > top
    left, right = (text.get_window_extent() for text in axes.texts)
    at = axes.transData.transform((4.0, 1.0))[0]
    assert left.x1 < at < right.x0


def test_the_style_does_not_leak() -> None:
    before = mpl.rcParams["font.size"]
    with hep_style():
        assert mpl.rcParams["xtick.direction"] == "in"
        assert mpl.rcParams["font.size"] != before
    assert mpl.rcParams["font.size"] == before


def test_a_folder_that_cannot_be_made_is_a_data_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(DataError, match="cannot write"):
        draw(tmp_path / "file" / "curve.png")


def test_plain_keeps_six_digits_and_drops_what_json_cannot_hold() -> None:
    value = {"a": np.float32(1.23456789), "b": (np.int64(3), np.nan, True), "c": None, 4: "text"}
    assert plain(value) == {"a": 1.23457, "b": [3, None, True], "c": None, "4": "text"}


def test_unknown_arms_get_a_style_too() -> None:
    assert arm_style("spanet")["label"] == "spanet"
