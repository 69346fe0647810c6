"""Spectrum pretraining that is killed for real ends with the bits of one that was not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("spectrum_resume_program.py")
SHARED = [Path(__file__).parents[1] / "unit" / name for name in ("data", "physics")]
ENVIRONMENT = {
    **os.environ,
    "OMP_NUM_THREADS": "1",
    "PYTHONPATH": os.pathsep.join(str(folder) for folder in SHARED),
}


def run(folder: Path, variant: str, *update: str) -> tuple[int, str]:
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(folder), variant, *update],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    "variant", ["distance", pytest.param("contrastive", marks=pytest.mark.slow)]
)
def test_a_killed_pretraining_ends_with_the_same_bits(tmp_path: Path, variant: str) -> None:
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    code, message = run(straight, variant)
    assert code == 0, message
    for update in ("6", "14"):
        assert run(broken, variant, update)[0] == -signal.SIGKILL
        assert not (broken / "final.safetensors").exists()
    assert run(broken, variant)[0] == 0
    for name in ("final.safetensors", "result.txt"):
        assert (broken / name).read_bytes() == (straight / name).read_bytes()
