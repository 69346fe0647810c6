"""Foreign files in data/ are found before an import deletes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from colliderfm.errors import DataError
from colliderfm.pipelines.doctor import doctor, stages_without_runs


def put(root: Path, *names: str) -> None:
    """Make files below a folder."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_a_missing_import_is_no_fault(project_copy: Path) -> None:
    assert doctor(foreign_files=True) == "data/ is not imported yet"
    assert not (project_copy / "data").exists()


def test_an_exact_copy_is_accepted(project_copy: Path) -> None:
    put(project_copy, "starter/haa/a.parquet", "data/haa/a.parquet")
    assert doctor(foreign_files=True) == "data/ holds what starter/ holds"


def test_a_foreign_file_is_named_with_the_way_out(project_copy: Path) -> None:
    put(project_copy, "starter/haa/a.parquet", "data/haa/a.parquet", "data/haa/mine.parquet")
    with pytest.raises(DataError, match=r"data/haa/mine\.parquet") as caught:
        doctor(foreign_files=True)
    assert "--data" in str(caught.value.fix)


def test_no_stage_lacks_runs_before_the_first_one(project_copy: Path) -> None:
    assert stages_without_runs() == []
    assert not (project_copy / "mlflow.db").exists()
