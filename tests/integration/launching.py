"""Programs under ``torchrun``, or alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SHARED = Path(__file__).parents[1] / "unit" / "train"
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(SHARED)}


def launch(script: Path, n_processes: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program on one or several processes of this machine; it must end well."""
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={n_processes}"]
    done = subprocess.run(
        [sys.executable, *(launcher if n_processes > 1 else []), str(script), *arguments],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done
