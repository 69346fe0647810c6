"""``python -m benchmarks``: all benchmarks one after another, into reports/benchmarks/.

Each runs in a process of its own. ``event_gpu`` (needs a GPU), ``edge_layers`` (a corpus) and
``neutrino_steps`` (a trained network and a corpus) are run by themselves. The time and peak memory of
``make run`` are measured when ``--make-run`` is given, in a fresh clone, since they take minutes.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
REPORTS = PROJECT / "reports" / "benchmarks"


def run_one(name: str, *options: str) -> None:
    """Run one benchmark and let it write its JSON."""
    command = [sys.executable, str(PROJECT / "benchmarks" / f"{name}.py"), *options]
    print(f"== {name}", flush=True)
    subprocess.run(command, check=True, cwd=PROJECT)


def measure_make_run() -> None:
    """Time ``make run`` in a fresh clone, install excluded, with its peak memory."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "colliderfm"
        subprocess.run(["git", "clone", "-q", str(PROJECT), str(clone)], check=True)
        subprocess.run(["make", "setup"], check=True, cwd=clone)
        started = time.monotonic()
        subprocess.run(["make", "run"], check=True, cwd=clone)
        seconds = time.monotonic() - started
    # Kilobytes on Linux; the largest process of all.
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024.0**2
    content = {"seconds": round(seconds, 1), "peak_memory_gib": round(peak, 2)}
    path = REPORTS / "make_run.json"
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(f"make run: {seconds:.0f} s, largest process {peak:.2f} GiB")


def main() -> None:
    """Run the benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--make-run", action="store_true", help="also time make run")
    arguments = parser.parse_args()
    REPORTS.mkdir(parents=True, exist_ok=True)
    run_one("reader", "--out", str(REPORTS / "reader.json"))
    run_one("event_model", "--out", str(REPORTS / "event_model.json"))
    run_one("event_heads", "--out", str(REPORTS / "event_heads.json"))
    run_one("profile_event", "--out", str(REPORTS / "event_profile.json"))
    run_one("spectra", "--out", str(REPORTS / "spectra.json"))
    run_one("pairing_limit", "--out", str(REPORTS / "pairing_limit.json"))
    run_one("simulation", "--out", str(REPORTS / "simulation.json"))
    if arguments.make_run:
        measure_make_run()


if __name__ == "__main__":
    main()
