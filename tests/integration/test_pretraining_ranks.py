"""Event pretraining with every head on two processes: stages, noise of its own per rank, resume."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from launching import launch
from safetensors.torch import load_file

pytestmark = pytest.mark.slow
PROGRAM = Path(__file__).with_name("pretraining_ranks_program.py")
Weights = dict[str, torch.Tensor]


def run(folder: Path, n_processes: int, *arguments: str) -> list[Weights]:
    """The final weights of every rank; none if the run was interrupted."""
    folder.mkdir(exist_ok=True)
    launch(PROGRAM, n_processes, str(folder), *arguments)
    return [load_file(path) for path in sorted(folder.glob("final_*.safetensors"))]


def history(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / "history.json").read_text())
    return found


@pytest.fixture(scope="module")
def two_ranks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Weights]]:
    folder = tmp_path_factory.mktemp("ranks")
    return folder, run(folder, 2, "ranks")


def test_both_ranks_end_with_the_same_bits(two_ranks: tuple[Path, list[Weights]]) -> None:
    first, second = two_ranks[1]
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.equal(value, second[name]), name


def test_two_ranks_do_what_one_process_does_with_their_batches_and_noise(
    two_ranks: tuple[Path, list[Weights]], tmp_path: Path
) -> None:
    (expected,) = run(tmp_path, 1, "joint")
    found = two_ranks[1][0]
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, atol=1e-9, rtol=0, msg=name)
    for one, other in zip(history(two_ranks[0]), history(tmp_path), strict=True):
        assert one == pytest.approx(other, rel=1e-6)


def test_both_stages_train_and_the_loss_falls(two_ranks: tuple[Path, list[Weights]]) -> None:
    found = history(two_ranks[0])
    assert [point["update"] for point in found] == [3, 6, 9, 12]
    trained = [{key for key in point if key.startswith("train/loss/")} for point in found]
    assert trained[0] == trained[1] == {"train/loss/cloud"}
    assert {f"train/loss/{name}" for name in ("segment", "invisible", "assign")} < trained[2]
    assert found[-1]["val/loss"] < found[0]["val/loss"]


@pytest.mark.parametrize("update", [5, 8])
def test_a_signal_in_either_stage_stops_both_and_the_run_resumes_bit_equal(
    two_ranks: tuple[Path, list[Weights]], tmp_path: Path, update: int
) -> None:
    assert run(tmp_path, 2, "ranks", str(update)) == []
    for rank in (0, 1):
        assert f"after update {update} of 12" in (tmp_path / f"interrupted_{rank}").read_text()
    for rank, weights in enumerate(run(tmp_path, 2, "ranks")):
        for name, value in two_ranks[1][rank].items():
            assert torch.equal(weights[name], value), name
