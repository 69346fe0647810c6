"""From what a user asks for to shards, with everything refused that cannot work.

Read next: ``shard`` (what becomes of one job), ``pipelines.simulate`` (how jobs are run).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from colliderfm.config.load import unknown_choice
from colliderfm.config.schema import Params
from colliderfm.errors import ConfigError, DataError
from colliderfm.simulation.cards import MPI_LEVELS, RECIPE_OF_PROCESS, RECIPES
from colliderfm.simulation.detector import DetectorSettings
from colliderfm.simulation.pythia import MAX_SEED
from colliderfm.simulation.sets import SEEDS_PER_BLOCK, SETS, SetPart
from colliderfm.simulation.shard import ShardJob

_DEFAULT_FOLDER = "simulated"


@dataclass(frozen=True)
class SimulationRequest:
    """What the command line asks for; empty and zero mean the default.

    Parameters
    ----------
    processes : tuple of str
        Processes of the data format; give these or ``set``. Processes of one recipe (``qcd_4b``,
        ``qcd_bbbj``, ``qcd_bbjj``) are always made together.
    set : str
        Named set (``simulation.sets``), or one part of it as ``set/part``.
    scale : float
        Multiplies the events of a set.
    events : int
        Generated events of each process in ``processes``.
    seed : int
        First seed of ``processes``; for a set, 1 is its own seeds and 2, 3, … are independent
        replicas.
    mpi : str
        Multiparton interactions: off, light or full.
    lhe : str
        Les Houches event file that replaces the hard process of the one process named.
    workers : int
        Worker processes.
    scheduler : str
        Address of a Dask scheduler; the folder must then be visible to its workers.
    out : str
        Folder of the set.
    """

    processes: tuple[str, ...] = ()
    set: str = ""
    scale: float = 1.0
    events: int = 2000
    seed: int = 1
    mpi: str = ""
    lhe: str = ""
    workers: int = 0
    scheduler: str = ""
    out: str = ""

    @property
    def command(self) -> str:
        """The command that makes the same events."""
        if self.set:
            words = [f"--set {self.set} --scale {self.scale:g}"]
        else:
            words = [f"--process {process}" for process in self.processes]
            words.append(f"--events {self.events}")
        words.append(f"--seed {self.seed}")
        words += [f"--mpi {self.mpi}"] if self.mpi else []
        words += [f"--lhe {self.lhe}"] if self.lhe else []
        return " ".join(["colliderfm simulate", *words])


def plan_jobs(params: Params, request: SimulationRequest, root: Path) -> dict[Path, list[ShardJob]]:
    """Translate a request into shards.

    Parameters
    ----------
    params : Params
        Acceptance, shard size, defaults.
    request : SimulationRequest
        What to make.
    root : Path
        Folder that relative paths start from.

    Returns
    -------
    dict of Path to list of ShardJob
        Jobs of each set folder.

    Raises
    ------
    ConfigError
        For unknown names, impossible numbers, or a folder below ``paths.data``.
    DataError
        If an LHE file is missing or too short.
    """
    mpi = request.mpi or params.simulation.mpi
    if mpi not in MPI_LEVELS:
        raise unknown_choice("level of multiparton interactions", mpi, MPI_LEVELS)
    if bool(request.processes) == bool(request.set):
        raise ConfigError(
            "what to simulate is not clear",
            got="both --process and --set" if request.set else "neither --process nor --set",
            need="one of them",
            fix="colliderfm simulate --process tt --events 2000",
        )
    if request.events < 1 or request.scale <= 0 or request.seed < 0:
        raise ConfigError(
            "number of events, scale or seed",
            got=f"--events {request.events} --scale {request.scale} --seed {request.seed}",
            need="positive events and scale, a seed that is not negative",
        )
    folder = _output_folder(params, request, root)
    settings = params.simulation
    template = ShardJob(
        recipe="",
        seed=request.seed,
        n_events=request.events,
        mpi=mpi,
        folder=str(folder),
        detector=DetectorSettings(
            settings.jet_pt_min_gev, settings.lepton_pt_min_gev, settings.eta_max
        ),
        collision_energy_gev=settings.collision_energy_gev,
        batch_events=settings.batch_events,
        lhe=str((root / request.lhe).resolve()) if request.lhe else None,
    )
    if request.set:
        return _plan_set(template, request, folder)
    _check_processes(request, template)
    recipes = dict.fromkeys(RECIPE_OF_PROCESS[process].name for process in request.processes)
    jobs = [replace(template, recipe=recipe) for recipe in recipes]
    return {folder: [job for whole in jobs for job in _shards(whole, settings.events_per_shard)]}


def _output_folder(params: Params, request: SimulationRequest, root: Path) -> Path:
    """Where the events go; never below the imported data."""
    default = Path(params.paths.corpora) / (request.set or _DEFAULT_FOLDER)
    folder = (root / (request.out or default)).resolve()
    data = (root / params.paths.data).resolve()
    if folder == data or data in folder.parents:
        raise ConfigError(
            f"{folder} is in {params.paths.data}/, which only `dvc repro data.dvc` may write",
            need=f"a folder elsewhere, e.g. {default}",
            fix=f"--out {default}",
        )
    return folder


def _plan_set(
    template: ShardJob, request: SimulationRequest, folder: Path
) -> dict[Path, list[ShardJob]]:
    """Jobs of a named set, or of one part of it."""
    choices: dict[str, list[tuple[SetPart, Path]]] = {}
    for name, parts in SETS.items():
        choices[name] = [(part, folder / part.name) for part in parts]
        choices |= {f"{name}/{part.name}": [(part, folder)] for part in parts}
    if request.set not in choices:
        raise unknown_choice("set", request.set, choices)
    if request.lhe:
        raise ConfigError("--lhe goes with one --process", got=f"--set {request.set}")
    plan: dict[Path, list[ShardJob]] = {}
    for part, part_folder in choices[request.set]:
        first_seed = (part.seed_block + max(request.seed, 1) - 1) * SEEDS_PER_BLOCK
        start = replace(template, folder=str(part_folder), seed=first_seed)
        plan[part_folder] = [
            job
            for recipe, n_events in part.scaled(request.scale).events.items()
            for job in _shards(
                replace(start, recipe=recipe, n_events=n_events), part.events_per_shard
            )
        ]
    return plan


def _shards(whole: ShardJob, events_per_shard: int) -> Iterator[ShardJob]:
    """Cut one recipe's events into shards with consecutive seeds."""
    last_seed = whole.seed + (whole.n_events - 1) // events_per_shard
    if last_seed >= MAX_SEED:
        raise ConfigError(
            f"seeds of {whole.recipe}", got=f"up to {last_seed}", need=f"below {MAX_SEED}"
        )
    for number, first_event in enumerate(range(0, whole.n_events, events_per_shard)):
        yield replace(
            whole,
            seed=whole.seed + number,
            n_events=min(events_per_shard, whole.n_events - first_event),
            lhe_skip=first_event if whole.lhe else 0,
        )


def _check_processes(request: SimulationRequest, template: ShardJob) -> None:
    """Refuse unknown processes, and an LHE file that does not go with the request."""
    for process in request.processes:
        if process not in RECIPE_OF_PROCESS:
            raise unknown_choice("process", process, RECIPE_OF_PROCESS)
    if template.lhe is None:
        return
    recipes = {RECIPE_OF_PROCESS[process].name for process in request.processes}
    if len(recipes) > 1 or len(RECIPES[next(iter(recipes))].components) > 1:
        raise ConfigError(
            "--lhe goes with one --process that has a single component",
            got=", ".join(request.processes),
            fix="name the process whose label the events get, e.g. --process tth",
        )
    n_events = _count_lhe_events(Path(template.lhe))
    if n_events < request.events:
        raise DataError(
            f"{request.lhe} is too short",
            got=f"{n_events} events",
            need=f"{request.events}",
            fix=f"--events {n_events}" if n_events else "give an uncompressed Les Houches file",
        )


def _count_lhe_events(path: Path) -> int:
    """Count the events of a Les Houches file."""
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            return sum(line.lstrip().startswith("<event") for line in stream)
    except OSError as err:
        raise DataError(f"cannot read {path}: {err.strerror}") from err
