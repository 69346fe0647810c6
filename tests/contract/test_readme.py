"""The README's first screen shows committed results, word for word."""

from __future__ import annotations

import re
from pathlib import Path

BEGIN, END = "<!-- headline:begin -->", "<!-- headline:end -->"


def shown(project: Path) -> str:
    """Return what stands between the markers."""
    text = (project / "README.md").read_text(encoding="utf-8")
    return text.split(BEGIN)[1].split(END)[0]


def test_the_headline_table_is_that_of_the_report(project: Path) -> None:
    headline = (project / "reports" / "haa" / "headline.txt").read_text(encoding="utf-8").strip()
    assert headline in shown(project)


def test_every_number_beside_the_table_is_in_a_report(project: Path) -> None:
    headline = (project / "reports" / "haa" / "headline.txt").read_text(encoding="utf-8").strip()
    report = (project / "reports" / "haa" / "report.md").read_text(encoding="utf-8")
    beside = shown(project).replace(headline, "")
    beside = re.sub(r"\(.*?\)", "", beside)
    for number in re.findall(r"\d+\.\d+", beside):
        assert number in report


def test_the_table_of_spectra_is_that_of_the_report(project: Path) -> None:
    headline = (project / "reports" / "smeft" / "headline.txt").read_text(encoding="utf-8")
    report = (project / "reports" / "smeft" / "report.md").read_text(encoding="utf-8")
    text = (project / "README.md").read_text(encoding="utf-8")
    text = text.split("<!-- smeft:begin -->")[1].split("<!-- smeft:end -->")[0]
    table = headline.split("\n\n")[0].strip()
    assert table in text
    for number in re.findall(r"\d+\.\d+", text.replace(table, "")):
        assert number in report


def test_figures_of_the_first_screen_exist(project: Path) -> None:
    figures = re.findall(r"\]\((reports/[^)]+\.png)\)", shown(project))
    assert figures
    for figure in figures:
        assert (project / figure).is_file()
        assert (project / figure).with_suffix(".json").is_file()
