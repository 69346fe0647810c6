"""One set of pins, no trace of the machine that made it."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from source_tree import PROJECT

BINARY = {".parquet", ".safetensors", ".png", ".pdf", ".gz", ".npz", ".ico", ".zst"}
# Written so that this file does not contain what it forbids.
FOLDERS_OF_ONE_MACHINE = re.compile(r"(?<![\w.~-])/(?:work|root|home|Users|mnt|scratch)/" + r"\w")
PACKAGE_INDEX = re.compile(
    "|".join(("index" + "-url", "trusted" + "-host", r"/simple" + r"/?$")), re.M
)


def pins() -> dict[str, str]:
    """Version of every package in constraints.txt."""
    lines = (PROJECT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line.strip() and not line.startswith("#")]
    return {canonicalize_name(name): version.split(";")[0].strip() for name, version in pairs}


def requirements() -> list[Requirement]:
    """Everything that pyproject.toml names, extras included."""
    content = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = content["optional-dependencies"].values()
    return [Requirement(line) for part in (content["dependencies"], *extras) for line in part]


def text_files() -> list[Path]:
    """Files that git tracks or would track, without binary ones."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=PROJECT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("a source archive without git: what is tracked cannot be listed")
    paths = [PROJECT / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file() and path.suffix not in BINARY]


def places_of(pattern: re.Pattern[str]) -> list[str]:
    """File and line of every match in the tracked files."""
    found = []
    for path in text_files():
        text = path.read_text(encoding="utf-8", errors="replace")
        for match in pattern.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(f"{path.relative_to(PROJECT)}:{line} {match.group()}")
    return found


@pytest.mark.parametrize("requirement", requirements(), ids=lambda one: one.name)
def test_every_requirement_is_pinned_to_an_allowed_version(requirement: Requirement) -> None:
    version = pins().get(canonicalize_name(requirement.name))
    assert version is not None, f"constraints.txt lacks {requirement.name}"
    assert requirement.specifier.contains(version, prereleases=True)


def test_constraints_are_exact_and_sorted_without_repetition() -> None:
    lines = (PROJECT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    named = [line for line in lines if line.strip() and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[^=\s]+( ?;.*)?", line) for line in named)
    assert len(pins()) == len(named)


def test_mlflow_environment_takes_the_same_pins() -> None:
    environment = yaml.safe_load((PROJECT / "python_env.yaml").read_text(encoding="utf-8"))
    installed = environment["dependencies"]
    assert "-c constraints.txt" in installed
    for line in installed:
        if not line.startswith("-"):
            requirement = Requirement(line)
            assert str(requirement.specifier) == f"=={pins()[canonicalize_name(requirement.name)]}"
    assert any(re.match(r"-e\s+\.", line) for line in installed)


def test_no_file_names_a_folder_of_one_machine() -> None:
    assert not places_of(FOLDERS_OF_ONE_MACHINE)


def test_no_file_names_a_package_index() -> None:
    assert not places_of(PACKAGE_INDEX)
