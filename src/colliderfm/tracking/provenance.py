"""Where a run comes from: commit, version and digest of the code."""

from __future__ import annotations

import functools
import hashlib
import subprocess
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from colliderfm.config.flatten import params_sha256
from colliderfm.tracking.store import project_root

PACKAGE = "colliderfm"


def provenance(
    stage: str, tree: Mapping[str, Any], data_md5: str = "", root: Path | None = None
) -> dict[str, str]:
    """Collect the tags every run carries.

    Parameters
    ----------
    stage : str
        Verb, e.g. ``"finetune"``.
    tree : mapping
        Resolved parameters as plain values.
    data_md5 : str
        Digest of the set the run read; empty when it read none.
    root : Path, optional
        Project folder, for the commit; the current project by default.

    Returns
    -------
    dict of str to str
        ``stage, git.commit`` (with ``-dirty`` if tracked files differ), ``params.sha256,
        code.version, code.sha256, data.md5`` and ``mlflow.source.git.commit``, which MLflow shows
        as Version. What cannot be found is left out.
    """
    commit = git_commit(root)
    tags = {
        "stage": stage,
        "git.commit": commit,
        "params.sha256": params_sha256(tree),
        "code.version": code_version(),
        "code.sha256": source_sha256(),
        "data.md5": data_md5,
        "mlflow.source.git.commit": commit.partition("-")[0],
    }
    return {key: value for key, value in tags.items() if value}


def git_commit(root: Path | None = None) -> str:
    """Return the commit, with ``-dirty`` if tracked files differ from it; "" outside git."""
    folder = root or project_root()
    commit = _git(folder, "rev-parse", "HEAD")
    if not commit:
        return ""
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return f"{commit}-dirty" if changed else commit


def code_version() -> str:
    """Return the version of the installed package."""
    try:
        return version(PACKAGE)
    except PackageNotFoundError:
        return ""


@functools.lru_cache(maxsize=4)
def source_sha256(package: Path | None = None) -> str:
    """Return one sha256 over a package's Python files and their names.

    Parameters
    ----------
    package : Path, optional
        Package folder; this package by default.
    """
    folder = package or Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return digest.hexdigest()


def _git(folder: Path, *arguments: str) -> str:
    """Run one git command and return its output, "" if git or the repository is missing."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
