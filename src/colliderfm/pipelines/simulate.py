"""``simulate``: shards of (process, seed) on worker processes or a Dask cluster, resumable.

Everything that can be refused is refused before the first event: names, folders, missing packages.
A shard whose receipt matches the request is not made again, so the same command resumes after any
interruption.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass
from pathlib import Path

from colliderfm.config.project import project_root
from colliderfm.config.schema import Params
from colliderfm.data.manifest import write_manifest
from colliderfm.errors import ColliderFMError, ConfigError, DataError
from colliderfm.pipelines.executor import open_executor
from colliderfm.pipelines.folders import writable_folder
from colliderfm.simulation.jets import import_fastjet
from colliderfm.simulation.plan import SimulationRequest, plan_jobs
from colliderfm.simulation.pythia import import_pythia
from colliderfm.simulation.shard import ShardJob, read_receipt, read_receipts, simulate_shard
from colliderfm.simulation.summary import summarize

log = logging.getLogger(__name__)

_PROGRESS_EVERY_S = 30.0


@dataclass(frozen=True)
class SimulationSummary:
    """What a simulation left behind.

    Parameters
    ----------
    folders : tuple of Path
        Set folders, each with a manifest.
    kept : dict of str to int
        Selected events per process.
    generated : int
        Events generated now.
    n_made, n_skipped : int
        Shards made now, and found finished.
    seconds : float
        Wall time.
    """

    folders: tuple[Path, ...]
    kept: dict[str, int]
    generated: int
    n_made: int
    n_skipped: int
    seconds: float

    def __str__(self) -> str:
        rate = self.generated / max(self.seconds, 1e-9)
        lines = [f"{process:12} {kept:9d} events kept" for process, kept in self.kept.items()]
        return "\n".join(
            [
                *lines,
                f"{self.n_made} shards made ({self.generated} events, {rate:.0f} events/s), "
                f"{self.n_skipped} found finished",
                *(f"manifest: {folder / 'manifest.json'}" for folder in self.folders),
            ]
        )


def simulate(params: Params, request: SimulationRequest) -> SimulationSummary:
    """Simulate what is asked and still missing, then write the manifests.

    Parameters
    ----------
    params : Params
        Detector acceptance, shard size, defaults.
    request : SimulationRequest
        What to make.

    Returns
    -------
    SimulationSummary
        Counts and folders.

    Raises
    ------
    ConfigError
        For unknown names, impossible numbers, or a folder below ``paths.data``.
    DataError
        If the folder cannot be written, or an LHE file is missing or too short.
    PhysicsError
        If a card fails.
    Interrupted
        On SIGTERM; finished shards stay.
    """
    started = time.monotonic()
    plan = plan_jobs(params, request, project_root())
    import_pythia()
    import_fastjet()
    for folder, part in plan.items():
        _prepare_folder(folder, part[0])
    jobs = [job for part in plan.values() for job in part]
    missing = [job for job in jobs if read_receipt(job) is None]
    n_skipped = len(jobs) - len(missing)
    if missing:
        log.info("simulate: %d shards to make, %d found finished", len(missing), n_skipped)
        with open_executor(request.workers or params.compute.workers, request.scheduler) as pool:
            _run(pool, missing)
    kept = {}
    for folder in plan:
        manifest = write_manifest(folder, summarize(read_receipts(folder), request.command))
        kept |= {name: record.kept for name, record in manifest.processes.items()}
    generated = sum(job.n_events for job in missing)
    seconds = time.monotonic() - started
    return SimulationSummary(tuple(plan), kept, generated, len(missing), n_skipped, seconds)


def _prepare_folder(folder: Path, job: ShardJob) -> None:
    """Make the folder; refuse one that cannot be written or holds events of other settings."""
    try:
        writable_folder(folder)
    except OSError as err:
        raise DataError(f"cannot write to {folder}: {err.strerror}") from err
    request = job.request()
    for receipt in read_receipts(folder):
        for key in ("mpi", "detector", "collision_energy_gev", "versions"):
            if receipt["request"][key] != request[key]:
                raise ConfigError(
                    f"{folder} holds events made with another {key}",
                    got=request[key],
                    need=receipt["request"][key],
                    fix="choose another folder with --out, or delete this one",
                )


def _run(pool: Executor, jobs: Sequence[ShardJob]) -> None:
    """Run all jobs; log events/s and the time left."""
    started = last = time.monotonic()
    total, done = sum(job.n_events for job in jobs), 0
    futures = {pool.submit(simulate_shard, job): job for job in jobs}
    for n_shards, future in enumerate(as_completed(futures), start=1):
        try:
            future.result()
        except ColliderFMError:
            for other in futures:
                other.cancel()
            raise
        done += futures[future].n_events
        now = time.monotonic()
        if now - last > _PROGRESS_EVERY_S or n_shards == len(jobs):
            rate, last = done / (now - started), now
            log.info(
                *("simulate: %d/%d shards   %d/%d events   %.0f events/s   %.0f s left", n_shards),
                *(len(jobs), done, total, rate, (total - done) / rate),
            )
