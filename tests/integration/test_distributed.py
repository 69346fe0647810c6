"""Two processes with gloo on a CPU do what one process does on the joint batch."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from launching import launch
from safetensors.torch import load_file

from colliderfm.data.toys import write_toy_set

PROGRAM = Path(__file__).with_name("distributed_program.py")


def run(folder: Path, n_processes: int, *arguments: str) -> dict[str, torch.Tensor]:
    folder.mkdir(exist_ok=True)
    launch(PROGRAM, n_processes, str(folder), *arguments)
    final = folder / "final.safetensors"
    return load_file(final) if final.exists() else {}


@pytest.fixture(scope="module")
def one_process(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, torch.Tensor]]:
    folder = tmp_path_factory.mktemp("one")
    return folder, run(folder, 1, "ddp", "toy")


@pytest.fixture(scope="module", params=["ddp", "fsdp"])
def two_processes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path, dict[str, torch.Tensor]]:
    folder = tmp_path_factory.mktemp(request.param)
    return request.param, folder, run(folder, 2, request.param, "toy")


def read_metrics(folder: Path) -> dict[tuple[str, str], float]:
    lines = (folder / "metrics.txt").read_text().splitlines()
    return {(update, name): float(value) for update, name, value in map(str.split, lines)}


def test_two_processes_equal_one_process_on_the_joint_batch(
    two_processes: tuple[str, Path, dict[str, torch.Tensor]],
    one_process: tuple[Path, dict[str, torch.Tensor]],
) -> None:
    kind, folder, found = two_processes
    expected_folder, expected = one_process
    n_sharded = 6 if kind == "fsdp" else 0
    assert (folder / "result.txt").read_text() == f"2 processes, best 12, {n_sharded} sharded"
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, atol=1e-5, rtol=1e-5)
    # One writer: every metric once, and the training loss is the mean over both ranks.
    n_lines = len((folder / "metrics.txt").read_text().splitlines())
    metrics, expected_metrics = read_metrics(folder), read_metrics(expected_folder)
    assert n_lines == len(metrics) == len(expected_metrics)
    for key, value in expected_metrics.items():
        assert metrics[key] == pytest.approx(value, abs=1e-4)


def test_a_signal_to_one_rank_stops_all_after_the_same_update_and_resumes_bit_equal(
    two_processes: tuple[str, Path, dict[str, torch.Tensor]], tmp_path: Path
) -> None:
    kind, _, expected = two_processes
    assert run(tmp_path, 2, kind, "toy", "7") == {}
    for rank in (0, 1):
        assert "after update 7 of 12" in (tmp_path / f"interrupted_{rank}").read_text()
    found = run(tmp_path, 2, kind, "toy")
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, atol=0, rtol=0)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux's")
def test_no_thread_of_gloo_outlives_the_program(
    two_processes: tuple[str, Path, dict[str, torch.Tensor]],
) -> None:
    # One that does may abort the process while the interpreter ends.
    for rank in (0, 1):
        names = (two_processes[1] / f"threads_{rank}").read_text().split()
        assert names
        assert not [name for name in names if "gloo" in name]


@pytest.mark.parametrize("kind", ["ddp", "fsdp"])
def test_passes_of_two_processes_add_up_to_one_process_at_once(
    kind: str, one_process: tuple[Path, dict[str, torch.Tensor]], tmp_path: Path
) -> None:
    found = run(tmp_path, 2, kind, "parts")
    for name, value in one_process[1].items():
        torch.testing.assert_close(found[name], value, atol=1e-5, rtol=1e-5)


def test_two_processes_train_an_event_model_like_one(tmp_path: Path) -> None:
    expected = run(tmp_path / "one", 1, "ddp", "events")
    for kind in ("ddp", "fsdp"):
        found = run(tmp_path / kind, 2, kind, "events")
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            if name.endswith("to_qkv.bias"):
                # A constant added to every key cancels in the softmax, so the bias of the keys has no
                # gradient but rounding, which AdamW blows up: the other two thirds are compared.
                width = len(value) // 3
                others = [*range(width), *range(2 * width, 3 * width)]
                torch.testing.assert_close(found[name][others], value[others], atol=1e-5, rtol=0)
                continue
            torch.testing.assert_close(found[name], value, atol=1e-5, rtol=0)
        metrics, expected_metrics = read_metrics(tmp_path / kind), read_metrics(tmp_path / "one")
        assert metrics.keys() == expected_metrics.keys()
        for key, number in expected_metrics.items():
            assert metrics[key] == pytest.approx(number, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("n_processes", [1, 2])
def test_the_script_in_the_scaling_page_runs(n_processes: int, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "scaling.md").read_text()
    script = tmp_path / "train_encoder.py"
    script.write_text(page.split("```python\n")[1].split("```")[0])
    write_toy_set(tmp_path / "data", 300, processes=("qcd", "tt"))
    (tmp_path / "out").mkdir()
    done = launch(script, n_processes, str(tmp_path / "data"), str(tmp_path / "out"))
    assert f"{n_processes} processes, best 0." in done.stdout
    assert (tmp_path / "out" / "weights.safetensors").exists()
