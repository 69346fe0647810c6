"""``retrieve``: from a file of a user to captured universes, and what bad input gets."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from colliderfm.config.load import load_params
from colliderfm.config.schema import Params
from colliderfm.data.replica_corpus import CorpusSettings, read_corpus, write_corpus
from colliderfm.data.spectrum_files import write_spectrum
from colliderfm.errors import CheckpointError, ConfigError, DataError
from colliderfm.models.spectrum_files import save_spectrum_encoder
from colliderfm.models.spectrum_model import SpectrumEncoderSettings, build_spectrum_encoder
from colliderfm.models.spectrum_normalization import corpus_normalization
from colliderfm.pipelines.retrieve import RetrieveRequest, retrieve
from colliderfm.studies.smeft.data import prepare_data


@pytest.fixture
def workspace(project: Path, project_copy: Path) -> Path:
    """A project with a small corpus, an encoder of fresh weights and the spectrum of a universe."""
    table = project / "starter" / "smeft" / "table.json"
    settings = CorpusSettings(universes=6, unseen_universes=4, stored_replicas=1)
    write_corpus(project_copy / "corpora" / "smeft", table, settings)
    data = prepare_data(read_corpus(project_copy / "corpora" / "smeft"), "hard", 1)
    shape = SpectrumEncoderSettings(hidden=8, layers=1, latent=4, batch_norm=False)
    # In the latent of some fresh weights one of the many drawn universes happens to lie still nearer.
    torch.manual_seed(0)
    network = build_spectrum_encoder(shape, corpus_normalization(data.corpus, data.task))
    save_spectrum_encoder(project_copy / "encoder", network, "# fresh weights")
    write_spectrum(project_copy / "mine.csv", data.table, data.seen.mean[2], data.covariance)
    return project_copy


@pytest.fixture
def params(workspace: Path) -> Params:
    return load_params(workspace)


def test_a_spectrum_gives_contours_and_universes(params: Params, workspace: Path) -> None:
    request = RetrieveRequest(
        "mine.csv", encoder=str(workspace / "encoder"), neighbors=2, out="found.json"
    )
    summary = str(retrieve(params, request))
    for words in ("1 sigma contour", "3 sigma contour", "6 sigma contour", "seen 2"):
        assert words in summary
    found = json.loads((workspace / "found.json").read_text())
    assert len(found["nearest"]) == 2
    assert found["nearest"][0]["mahalanobis"] == pytest.approx(0.0, abs=1e-3)
    assert len(found["captured"]) == found["n_captured"]["6sigma"]
    assert len(found["captured"][0]["wilson"]) == 31


def test_wrong_requests_are_refused(params: Params, workspace: Path) -> None:
    with pytest.raises(ConfigError, match="neighbors"):
        retrieve(
            params, RetrieveRequest("mine.csv", encoder=str(workspace / "encoder"), neighbors=0)
        )
    lines = (workspace / "mine.csv").read_text().splitlines()
    (workspace / "short.csv").write_text("\n".join(lines[:-1]) + "\n")
    with pytest.raises(DataError, match="short.csv"):
        retrieve(params, RetrieveRequest("short.csv", encoder=str(workspace / "encoder")))
    broken = lines[1].split(",")
    broken[lines[0].split(",").index("value")] = "nan"
    (workspace / "nan.csv").write_text("\n".join([lines[0], ",".join(broken), *lines[2:]]) + "\n")
    with pytest.raises(DataError, match="nan.csv"):
        retrieve(params, RetrieveRequest("nan.csv", encoder=str(workspace / "encoder")))


def test_an_encoder_of_other_bins_is_refused(params: Params, workspace: Path) -> None:
    path = workspace / "encoder" / "normalization.json"
    content = json.loads(path.read_text())
    content["high_gev"] = list(np.array(content["high_gev"]) + 1.0)
    path.write_text(json.dumps(content))
    with pytest.raises(CheckpointError, match="bins"):
        retrieve(params, RetrieveRequest("mine.csv", encoder=str(workspace / "encoder")))
