"""A toy set of the study, made once per session."""

from __future__ import annotations

from pathlib import Path

import pytest

from colliderfm.config.load import load_params
from colliderfm.config.schema import HaaStudy, Params
from colliderfm.data.toys import write_toy_set
from colliderfm.studies.haa.data import HaaData, load_haa_data


@pytest.fixture(scope="session")
def params(project: Path) -> Params:
    return load_params(project)


@pytest.fixture(scope="session")
def settings(params: Params) -> HaaStudy:
    metrics = params.studies.haa.metrics.model_copy(update={"bootstrap_replicas": 20})
    return params.studies.haa.model_copy(update={"metrics": metrics})


@pytest.fixture(scope="session")
def toy_folder(tmp_path_factory: pytest.TempPathFactory, settings: HaaStudy) -> Path:
    folder = tmp_path_factory.mktemp("haa")
    write_toy_set(folder, 4200, 0, (*settings.signals, *settings.backgrounds))
    return folder


@pytest.fixture(scope="session")
def data(toy_folder: Path, settings: HaaStudy) -> HaaData:
    return load_haa_data(toy_folder, settings)
