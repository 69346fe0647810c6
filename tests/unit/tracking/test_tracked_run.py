"""One run: what is written, when, and with which status it ends."""

from __future__ import annotations

import logging
import math
from pathlib import Path

import pytest

from colliderfm.errors import Interrupted, TrackingError
from colliderfm.tracking.process import PID_TAG, START_TAG, process_start
from colliderfm.tracking.run import download_model, open_run
from colliderfm.tracking.store import client
from colliderfm.tracking.tracked_run import INFINITY_CLIP


def points(run_id: str, key: str) -> list[tuple[int, float]]:
    history = client().get_metric_history(run_id, key)
    return sorted((point.step, point.value) for point in history)


def test_metrics_wait_for_the_flush(store: Path) -> None:
    with open_run("haa", "scratch f=1.00 s0") as run:
        run.log_metrics({"train/loss": 0.5}, step=1)
        assert points(run.run_id, "train/loss") == []
        run.flush()
        assert points(run.run_id, "train/loss") == [(1, 0.5)]
        run.log_metrics({"train/loss": 0.25}, step=2)
    assert points(run.run_id, "train/loss") == [(1, 0.5), (2, 0.25)]


def test_more_metrics_than_one_batch_are_all_written(store: Path) -> None:
    with open_run("haa", "many") as run:
        for step in range(1, 1202):
            run.log_metrics({"train/loss": 1.0 / step}, step)
    assert len(points(run.run_id, "train/loss")) == 1201


def test_infinity_is_clipped_and_flagged(store: Path) -> None:
    with open_run("haa", "limit") as run:
        run.log_metrics({"test/rejection_at_25": math.inf, "test/low": -math.inf, "test/auc": 1.0})
    data = client().get_run(run.run_id).data
    assert data.metrics["test/rejection_at_25"] == INFINITY_CLIP
    assert data.metrics["test/low"] == -INFINITY_CLIP
    assert data.tags["clipped.test/rejection_at_25"] == "infinite"
    assert "clipped.test/auc" not in data.tags


def test_final_results_are_stored_at_step_0_so_that_mlflow_draws_bars(store: Path) -> None:
    with open_run("haa", "final") as run:
        run.log_metrics({"test/auc": 0.9, "val/auc": 0.8}, step=500)
    assert points(run.run_id, "test/auc") == [(0, 0.9)]
    assert points(run.run_id, "val/auc") == [(500, 0.8)]


def run_that_ends_with(error: BaseException, losses: dict[int, float]) -> str:
    """Write losses into a run with the parameter seed = 0, then fail; return its id."""
    opened = open_run("haa", "a", {"seed": 0})

    def work() -> None:
        with opened as run:
            for step, loss in losses.items():
                run.log_metrics({"train/loss": loss}, step)
            raise error

    with pytest.raises(type(error)):
        work()
    return opened.run_id


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ValueError("bad"), "FAILED"),
        (Interrupted("stop"), "KILLED"),
        (KeyboardInterrupt(), "KILLED"),
    ],
)
def test_status_tells_how_the_run_ended(store: Path, error: BaseException, status: str) -> None:
    run_id = run_that_ends_with(error, {3: 0.5})
    found = client().get_run(run_id)
    assert found.info.status == status
    assert found.data.tags["error"].startswith(type(error).__name__)
    assert points(run_id, "train/loss") == [(3, 0.5)]


def test_resumed_run_reads_as_one_curve(store: Path) -> None:
    run_id = run_that_ends_with(Interrupted("preempted"), {10: 0.5, 20: 0.4})
    with open_run("haa", "a", {"seed": 0}, run_id=run_id) as again:
        assert again.is_resumed
        # The last checkpoint was at update 10: update 20 comes again.
        again.log_metrics({"train/loss": 0.4}, step=20)
        again.log_metrics({"train/loss": 0.3}, step=30)
    assert again.run_id == run_id
    assert points(run_id, "train/loss") == [(10, 0.5), (20, 0.4), (30, 0.3)]
    found = client().get_run(run_id)
    assert found.info.status == "FINISHED"
    assert "error" not in found.data.tags
    assert found.data.tags["colliderfm.resumed"] == "1"


def test_final_result_that_changed_replaces_the_old_one(store: Path) -> None:
    with open_run("haa", "a") as run:
        run.log_metrics({"test/auc": 0.8})
    with open_run("haa", "a", run_id=run.run_id) as again:
        again.log_metrics({"test/auc": 0.9})
    assert client().get_run(run.run_id).data.metrics["test/auc"] == 0.9


def test_parameter_is_logged_once_and_never_changes(store: Path) -> None:
    with open_run("haa", "a", {"fraction": 0.1, "seed": 0}) as run:
        run.log_params({"fraction": 0.1, "seed": 1, "size": "small"})
    params = client().get_run(run.run_id).data.params
    assert params == {"fraction": "0.1", "seed": "0", "size": "small"}


def test_more_parameters_than_one_batch_are_all_written(store: Path) -> None:
    with open_run("haa", "a", {f"a.b{index}": index for index in range(230)}) as run:
        pass
    assert len(client().get_run(run.run_id).data.params) == 230


def test_a_resumed_run_keeps_the_parameters_it_began_with(store: Path) -> None:
    run_id = run_that_ends_with(Interrupted("preempted"), {})
    again = {"seed": 1, "size": "small"}
    with open_run("haa", "a", again, run_id=run_id):
        pass
    found = client().get_run(run_id)
    assert found.info.status == "FINISHED"
    assert found.data.params == {"seed": "0", "size": "small"}


def test_run_of_a_living_process_is_not_resumed(store: Path) -> None:
    with open_run("haa", "a") as run:
        # Process 1 always lives.
        client().set_tag(run.run_id, PID_TAG, "1")
        client().set_tag(run.run_id, START_TAG, process_start(1))
        with pytest.raises(TrackingError, match="is being written"):
            open_run("haa", "a", run_id=run.run_id)


def test_unknown_and_deleted_runs_are_refused(store: Path) -> None:
    with pytest.raises(TrackingError, match="find run"):
        open_run("haa", "a", run_id="0" * 32)
    with open_run("haa", "a") as run:
        pass
    client().delete_run(run.run_id)
    with pytest.raises(TrackingError, match="is deleted"):
        open_run("haa", "a", run_id=run.run_id)


def test_flush_survives_a_store_that_refuses_and_writes_later(
    store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with open_run("haa", "a") as run:
        run.log_metrics({"train/loss": 0.5}, step=1)
        client().delete_run(run.run_id)
        with caplog.at_level(logging.WARNING, "colliderfm"):
            run.flush()
        assert "1 metric values wait for the store" in caplog.text
        client().restore_run(run.run_id)
    assert points(run.run_id, "train/loss") == [(1, 0.5)]


def test_metrics_that_cannot_be_written_at_the_end_are_an_error(store: Path) -> None:
    run = open_run("haa", "a")
    run.log_metrics({"train/loss": 0.5}, step=1)
    client().delete_run(run.run_id)
    with pytest.raises(TrackingError, match="could not"):
        run.__exit__(None, None, None)


def test_files_json_and_dataset_are_stored(store: Path, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    folder.mkdir()
    (folder / "figure.json").write_text("{}")
    with open_run("haa", "a") as run:
        run.log_folder(folder, "figures")
        run.log_file(folder / "figure.json")
        run.log_json("params.yaml", {"seed": 0})
        run.log_dataset("haa", "0123456789abcdef" * 2, "data/haa", "train")
    names = {entry.path for entry in client().list_artifacts(run.run_id)}
    assert names == {"figures", "figure.json", "params.yaml"}
    (used,) = client().get_run(run.run_id).inputs.dataset_inputs
    assert (used.dataset.name, used.dataset.digest) == ("haa", "0123456789abcdef" * 2)


def test_model_of_a_run_is_fetched(store: Path, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"1")
    with open_run("haa", "a") as run:
        with pytest.raises(TrackingError, match="holds no model"):
            download_model(run.run_id, tmp_path / "none")
        run.log_folder(folder, "model")
    fetched = download_model(run.run_id, tmp_path / "fetched")
    assert (fetched / "model.safetensors").read_bytes() == b"1"
