from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from colliderfm.errors import CheckpointError
from colliderfm.train.checkpoint import (
    Checkpoint,
    checkpoint_path,
    exclusive_folder,
    matched_tensors,
    read_checkpoint,
    write_checkpoint,
)


def checkpoint(update: int = 3) -> Checkpoint:
    tensors = {
        "model/weight": torch.arange(6.0).reshape(2, 3).T,  # not contiguous
        "model/scale": torch.tensor(0.1, dtype=torch.bfloat16),
        "ema/weight": torch.full((3, 2), float(update)),
        "random/torch": torch.arange(7, dtype=torch.uint8),
        "random/empty": torch.zeros(0, dtype=torch.float64),
    }
    return Checkpoint(
        tensors, {"update": update, "metric": 0.1, "history": [{"loss": float("inf")}]}
    )


def test_what_was_written_is_read_back_exactly(tmp_path: Path) -> None:
    written = checkpoint()
    assert write_checkpoint(tmp_path / "new", written) == checkpoint_path(tmp_path / "new")
    found = read_checkpoint(tmp_path / "new")
    assert found is not None
    assert found.record == written.record
    assert found.tensors.keys() == written.tensors.keys()
    for name, value in written.tensors.items():
        assert found.tensors[name].dtype == value.dtype
        assert torch.equal(found.tensors[name], value)
    assert found.tensors_of("model").keys() == {"weight", "scale"}


def test_no_checkpoint_reads_as_none(tmp_path: Path) -> None:
    assert read_checkpoint(tmp_path) is None


def test_tensors_that_share_memory_are_both_kept(tmp_path: Path) -> None:
    weight = torch.ones(4)
    write_checkpoint(tmp_path, Checkpoint({"a": weight, "b": weight, "c": weight[:2]}, {}))
    found = read_checkpoint(tmp_path)
    assert found is not None
    assert [len(found.tensors[name]) for name in "abc"] == [4, 4, 2]


def test_a_new_checkpoint_replaces_the_old_and_leaves_one_file(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, checkpoint(1))
    write_checkpoint(tmp_path, checkpoint(2))
    found = read_checkpoint(tmp_path)
    assert found is not None
    assert found.record["update"] == 2
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.safetensors"]


@pytest.mark.parametrize("damage", ["empty", "truncated", "flipped", "record", "foreign"])
def test_a_damaged_file_is_named(damage: str, tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path, checkpoint())
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        content[-3] ^= 1
    elif damage == "record":
        content = content.replace(b'\\"update\\": 3', b'\\"update\\": 4')
    elif damage == "foreign":
        content = content.replace(b"colliderfm-checkpoint-1", b"something-of-this-size!")
    path.write_bytes({"empty": b"", "truncated": content[:-10]}.get(damage, bytes(content)))
    with pytest.raises(CheckpointError, match="cannot be read as a checkpoint") as caught:
        read_checkpoint(tmp_path)
    assert str(path) in str(caught.value)
    assert "delete it" in str(caught.value)


def test_a_full_disk_is_one_line_and_leaves_the_previous_checkpoint(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, checkpoint(1))
    # Every write to /dev/full fails as on a full disk.
    (tmp_path / "checkpoint.safetensors.partial").symlink_to("/dev/full")
    with pytest.raises(CheckpointError, match="No space left on device") as caught:
        write_checkpoint(tmp_path, checkpoint(2))
    assert "\n" not in str(caught.value)
    assert "the previous checkpoint is intact" in str(caught.value)
    found = read_checkpoint(tmp_path)
    assert found is not None
    assert found.record["update"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.safetensors"]


def test_a_folder_that_cannot_be_written_is_refused_before_training(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(CheckpointError, match="cannot write in .*file/below: Not a directory"),
        exclusive_folder(tmp_path / "file" / "below"),
    ):
        pass


def test_a_folder_another_process_trains_in_is_refused(tmp_path: Path) -> None:
    hold = (
        "import fcntl, sys; file = open(sys.argv[1], 'w'); "
        "fcntl.lockf(file, fcntl.LOCK_EX); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(tmp_path / "checkpoint.lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(CheckpointError, match="is in use"), exclusive_folder(tmp_path):
            pass
        holder.kill()
    with exclusive_folder(tmp_path):
        pass


def test_a_partial_file_of_a_killed_run_is_removed_at_the_end(tmp_path: Path) -> None:
    partial = tmp_path / "checkpoint.safetensors.partial"
    partial.write_bytes(b"half")
    with exclusive_folder(tmp_path):
        pass
    assert not partial.exists()


def test_differing_shapes_are_listed(tmp_path: Path) -> None:
    found = {"weight": torch.zeros(2, 3), "bias": torch.zeros(3), "old": torch.zeros(1)}
    wanted = {"weight": torch.zeros(4, 3), "bias": torch.zeros(3), "new": torch.zeros(())}
    with pytest.raises(CheckpointError) as caught:
        matched_tensors(found, wanted, tmp_path)
    message = str(caught.value)
    assert "weight: (2, 3) in the file, (4, 3) in the model" in message
    assert "old: (1,) in the file, missing in the model" in message
    assert "new: missing in the file, () in the model" in message
    assert "bias" not in message
