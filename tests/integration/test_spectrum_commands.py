"""The life of the spectrum family by its commands: corpus, pretrain, promote, compare, report, retrieve."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from colliderfm.data.replica_corpus import read_corpus
from colliderfm.data.spectrum_files import write_spectrum
from colliderfm.pipelines.encoder import load_encoder, resolve_encoder
from colliderfm.tracking.results import results

Command = Callable[..., subprocess.CompletedProcess[str]]
pytestmark = pytest.mark.xdist_group("toy-project")
ARMS = {"scratch", "pretrained", "untrained", "lda", "pca", "bayes"}


@pytest.fixture(scope="module")
def pretrained(toy_project: Path, run_command: Command) -> Path:
    """A project with a corpus and one spectrum encoder that became champion."""
    done = run_command("replicas")
    assert "8 universes and 8 unseen ones, 64 stored replicas" in done.stdout
    done = run_command("pretrain", "--model", "spectrum")
    assert "spectrum-encoder version 1 (candidate)" in done.stdout
    done = run_command(
        "promote", "--model", "spectrum-encoder", "--out", "encoders/spectrum-encoder"
    )
    assert "version 1 promoted to champion" in done.stdout
    return toy_project


@pytest.fixture
def inside(pretrained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project as working directory of this process, with its own store."""
    monkeypatch.chdir(pretrained)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{pretrained / 'mlflow.db'}")
    resolve_encoder.cache_clear()
    return pretrained


def test_the_corpus_is_the_same_when_made_again(pretrained: Path, run_command: Command) -> None:
    folder = pretrained / "corpora" / "smeft"
    before = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    run_command("replicas")
    assert {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_an_equal_candidate_is_refused_by_the_gate(inside: Path, run_command: Command) -> None:
    run_command("pretrain", "--model", "spectrum")
    done = run_command("promote", "--model", "spectrum-encoder")
    assert "version 2 not promoted" in done.stdout
    listed = run_command("registry", "list").stdout
    assert "spectrum-encoder" in listed


def test_the_encoder_is_a_module_of_its_own(inside: Path) -> None:
    encoder = load_encoder("models:/spectrum-encoder@champion")
    corpus = read_corpus(inside / "corpora" / "smeft")
    values = torch.tensor(corpus.seen.mean_pb_per_gev, dtype=torch.float32)
    with torch.no_grad():
        assert encoder(values).shape == (8, 4)


def test_compare_and_report_cover_every_arm(inside: Path, run_command: Command) -> None:
    run_command("compare", "--study", "smeft", "--encoder", "encoders/spectrum-encoder")
    cells = json.loads((inside / "outputs/compare/smeft/cells.json").read_text())
    assert {cell["init"] for cell in cells} == ARMS
    assert len(cells) == len(ARMS) * 2
    assert all(0.0 <= cell["test/universe_accuracy"] <= 1.0 for cell in cells)
    again = run_command("compare", "--study", "smeft", "--encoder", "encoders/spectrum-encoder")
    assert " 0 run now" in again.stdout
    done = run_command("report", "--study", "smeft", "--out", "reports/starter/smeft")
    assert "universe" in done.stdout
    folder = inside / "reports" / "starter" / "smeft"
    assert (folder / "report.md").is_file()
    figures = sorted((folder / "figures").glob("*.png"))
    assert figures
    assert all(figure.with_suffix(".json").is_file() for figure in figures)
    table = results("smeft")
    assert set(table["init"]) >= ARMS


def test_finetune_and_retrieve_take_the_champion(inside: Path, run_command: Command) -> None:
    done = run_command("finetune", "--study", "smeft", "--events", "80")
    assert "test/universe_accuracy" in done.stdout
    corpus = read_corpus(inside / "corpora" / "smeft")
    noise = corpus.noise("hard")
    mean = corpus.seen.mean_pb_per_gev[3]
    write_spectrum(inside / "mine.csv", corpus.table, mean, noise.covariance(3))
    done = run_command("smeft", "retrieve", "mine.csv", "--neighbors", "2")
    assert "seen 3" in done.stdout


def test_tables_are_computed_by_command(pretrained: Path, run_command: Command) -> None:
    pytest.importorskip("pythia8mc")
    words = ("--mll-edges", "50,80,100", "--pt-edges", "none", "--out", "mine.json")
    run_command("smeft", "table", *words, "--fitter-out", "fitter.json")
    table = json.loads((pretrained / "mine.json").read_text())
    assert [row["observable"] for row in table["bins"]] == ["mll", "mll"]
    assert table["bins"][0]["linear_pb"].keys() == table["bins"][1]["linear_pb"].keys()
    assert (pretrained / "fitter.json").is_file()


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("--set", "theory.lambda_tev=0"), 7, "lambda_tev"),
        (("--mll-edges", "80,50"), 3, "rise"),
        (("--mll-edges", "a,b"), 2, "--mll-edges"),
        (("--mu-f", "mlll"), 2, "closest: mll"),
    ],
)
def test_wrong_requests_are_refused(
    pretrained: Path, run_command: Command, words: tuple[str, ...], code: int, text: str
) -> None:
    done = run_command("smeft", "table", *words, code=code)
    assert text in done.stderr
    assert "Traceback" not in done.stderr
