"""dvc.yaml on toys: everything runs once, nothing twice, and only what changed runs again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from colliderfm.config.load import load_params
from colliderfm.data.event_table import EventTable
from colliderfm.data.normalize import Normalizer
from colliderfm.data.replica_corpus import CorpusSettings, read_corpus, write_corpus
from colliderfm.models.build import build_event_model
from colliderfm.models.settings import ClassifySettings
from colliderfm.models.spectrum_files import save_spectrum_encoder
from colliderfm.models.spectrum_model import SpectrumEncoderSettings, build_spectrum_encoder
from colliderfm.models.spectrum_normalization import corpus_normalization
from colliderfm.models.weights import save_model

PROJECT = Path(__file__).resolve().parents[2]
STAGES = {
    *("replicas@smeft", "pretrain@event", "pretrain@spectrum", "promote@event", "promote@spectrum"),
    *("compare@haa", "compare@smeft", "report@haa", "report@smeft"),
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(shutil.which("git") is None, reason="dvc repro needs a git repository"),
]


def call(folder: Path, *words: str) -> str:
    """Run a program of this environment in a folder; it must succeed."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(folder / "src"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "OMP_NUM_THREADS": "1",
        "DVC_NO_ANALYTICS": "1",
    }
    environment.pop("MLFLOW_TRACKING_URI", None)
    done = subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def changed_stages(folder: Path) -> set[str]:
    """Return the stages that the next `dvc repro` would run."""
    status = json.loads(call(folder, "dvc", "status", "--json"))
    return set(status) & STAGES


@pytest.fixture(scope="module")
def project(toy_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git and DVC project with the real stages, the real source and toy events."""
    folder = tmp_path_factory.mktemp("dvc") / "project"
    folder.mkdir()
    for name in ("dvc.yaml", "MLproject", "python_env.yaml", "constraints.txt", ".gitignore"):
        shutil.copy(PROJECT / name, folder)
    shutil.copy(toy_project / "params.yaml", folder)
    shutil.copytree(
        PROJECT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
    )
    shutil.copytree(toy_project / "data", folder / "data")
    encoder = folder / "starter" / "encoders" / "event-encoder"
    model = build_event_model(
        "tiny",
        heads=[ClassifySettings(classes=(("qcd", ("qcd",)), ("tt", ("tt",))))],
        normalizer=Normalizer.fit(EventTable.read(folder / "data" / "pretrain")),
    )
    save_model(encoder, model, "# Toy encoder\n")
    (encoder / "pretraining.json").write_text('{"variant": "cls-assign"}\n')
    toy_spectrum_encoder(folder)
    call(folder, "git", "init", "-q")
    call(folder, "dvc", "init", "-q")
    return folder


def toy_spectrum_encoder(folder: Path) -> None:
    """Ship a spectrum encoder of fresh weights in the shape of params.yaml."""
    params = load_params(folder)
    fields = set(CorpusSettings.__dataclass_fields__)
    wanted = {key: value for key, value in params.replicas.model_dump().items() if key in fields}
    corpus = folder.parent / "corpus"
    write_corpus(corpus, folder / "data" / params.replicas.table, CorpusSettings(**wanted))
    network = build_spectrum_encoder(
        SpectrumEncoderSettings(**params.model.spectrum.model_dump()),
        corpus_normalization(read_corpus(corpus), "hard"),
    )
    target = folder / "starter" / "encoders" / "spectrum-encoder"
    save_spectrum_encoder(target, network, "# Toy encoder\n")
    (target / "pretraining.json").write_text('{"variant": "distance"}\n')


@pytest.fixture(scope="module")
def reproduced(project: Path) -> Path:
    """The project after its first repro; tests come in any order."""
    assert changed_stages(project) == STAGES
    call(project, "dvc", "repro")
    return project


def test_a_second_repro_does_nothing_and_changes_rerun_what_depends_on_them(
    reproduced: Path,
) -> None:
    project = reproduced
    assert changed_stages(project) == set()
    assert "didn't change" in call(project, "dvc", "repro")
    report = project / "reports" / "starter" / "haa" / "report.md"
    assert report.is_file()

    params = yaml.safe_load((project / "params.yaml").read_text())
    before = (project / "params.yaml").read_text()
    params["studies"]["haa"]["patience"] = 3
    (project / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    assert changed_stages(project) == {"compare@haa", "report@haa"}
    (project / "params.yaml").write_text(before)
    assert changed_stages(project) == set()

    source = project / "src" / "colliderfm" / "nn" / "attention.py"
    text = source.read_text()
    source.write_text(text + "\nCHANGED = True\n")
    assert {"pretrain@event", "compare@haa"} <= changed_stages(project)
    source.write_text(text)

    weights = project / "encoders" / "event-encoder" / "model.safetensors"
    weights.chmod(0o644)
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.unlink()
    weights.write_bytes(bytes(content))
    assert {"promote@event", "compare@haa"} <= changed_stages(project)


def test_metrics_and_plots_are_readable_by_dvc(reproduced: Path) -> None:
    project = reproduced
    shown = json.loads(call(project, "dvc", "metrics", "show", "--json"))
    assert "val/macro_auc" in json.dumps(shown)
    call(project, "dvc", "plots", "show", "-o", str(project / "plots"))
    assert (project / "plots" / "index.html").is_file()
