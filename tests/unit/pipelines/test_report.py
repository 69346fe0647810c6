"""Requests that a report refuses before it writes anything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from colliderfm.config.load import load_params
from colliderfm.errors import ConfigError, DataError
from colliderfm.pipelines.report import ReportRequest, report


def test_a_page_of_variants_is_of_one_study(project: Path) -> None:
    with pytest.raises(ConfigError, match="one study"):
        report(load_params(project), ReportRequest(variants=True))


@pytest.mark.parametrize("name", ["histories.json", "details.json", "not_run.json"])
def test_an_incomplete_comparison_leaves_no_report(
    project: Path, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "comparison"
    folder.mkdir()
    cells = [{"init": "scratch", "events": 100, "seed": 0}]
    contents = {"cells.json": cells, "histories.json": {}, "details.json": {}, "not_run.json": []}
    for present in contents.keys() - {name}:
        (folder / present).write_text(json.dumps(contents[present]), encoding="utf-8")
    request = ReportRequest("haa", source=str(folder), out=str(tmp_path / "report"))
    with pytest.raises(DataError, match=f"no {name}"):
        report(load_params(project), request)
    assert not (tmp_path / "report").exists()
