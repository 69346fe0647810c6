"""Where a run comes from."""

from __future__ import annotations

import subprocess
from pathlib import Path

from colliderfm.tracking.provenance import git_commit, provenance, source_sha256


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def test_commit_is_marked_when_tracked_files_differ(tmp_path: Path) -> None:
    assert git_commit(tmp_path) == ""
    git(tmp_path, "init", "-q")
    (tmp_path / "a.txt").write_text("1")
    git(tmp_path, "add", "a.txt")
    git(tmp_path, "commit", "-q", "-m", "first")
    commit = git(tmp_path, "rev-parse", "HEAD")
    (tmp_path / "untracked.txt").write_text("x")
    assert git_commit(tmp_path) == commit
    (tmp_path / "a.txt").write_text("2")
    assert git_commit(tmp_path) == f"{commit}-dirty"


def test_digest_follows_content_and_names_of_the_code(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
    (tmp_path / "one" / "a.py").write_text("x = 1\n")
    (tmp_path / "two" / "a.py").write_text("x = 2\n")
    (tmp_path / "three" / "b.py").write_text("x = 1\n")
    (tmp_path / "three" / "notes.txt").write_text("no code")
    digests = {source_sha256(tmp_path / name) for name in ("one", "two", "three")}
    assert len(digests) == 3


def test_every_run_says_stage_parameters_data_and_code(tmp_path: Path) -> None:
    tags = provenance("finetune", {"seed": 0}, data_md5="0" * 32, root=tmp_path)
    assert tags["stage"] == "finetune"
    assert tags["data.md5"] == "0" * 32
    assert len(tags["params.sha256"]) == 64
    assert len(tags["code.sha256"]) == 64
    # Outside git there is no commit, and no empty tag.
    assert "git.commit" not in tags
