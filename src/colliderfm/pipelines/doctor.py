"""``doctor``: one line per thing that a command needs, with the fix where it is missing."""

from __future__ import annotations

import importlib.util
import json
import platform
from importlib import metadata
from pathlib import Path

from colliderfm.config.project import project_root
from colliderfm.errors import ColliderFMError, DataError


def doctor(*, missing_runs: bool = False, link: bool = False, foreign_files: bool = False) -> str:
    """Check the installation, the data, the store and the environment slot.

    Parameters
    ----------
    missing_runs : bool
        Only name the DVC stages whose recorded MLflow runs the store lacks.
    link : bool
        Link mlflow's environment slot to this environment.
    foreign_files : bool
        Only refuse files in data/ that the import would delete.

    Raises
    ------
    DataError
        With ``foreign_files``, if data/ holds a file that did not come from starter/.
    """
    if missing_runs:
        return " ".join(stages_without_runs())
    if foreign_files:
        return _check_foreign_files()
    if link:
        from colliderfm.tracking.environment import link_environment_slot

        slot = link_environment_slot()
        return f"mlflow environment slot: {slot.state} ({slot.path})"
    return "\n".join([_versions(), _generator(), _device(), _data(), _store(), _slot()])


def stages_without_runs() -> list[str]:
    """Return the DVC stages that are recorded as done although the store lacks their runs."""
    from colliderfm.tracking.runs import list_runs

    outputs = project_root() / "outputs"
    records = sorted(outputs.glob("*/*-run.json")) if outputs.is_dir() else []
    if not records:
        return []
    known = {run.run_id for run in list_runs()}
    stale = []
    for record in records:
        ids = json.loads(record.read_text(encoding="utf-8"))["run_ids"]
        if not set(ids) <= known:
            stale.append(f"{record.parent.name}@{record.name.removesuffix('-run.json')}")
    order = ("pretrain", "promote", "compare", "report")
    return sorted(stale, key=lambda stage: order.index(stage.partition("@")[0]))


def _check_foreign_files() -> str:
    root = project_root()
    starter, data = root / "starter", root / "data"
    if not data.is_dir():
        return "data/ is not imported yet"
    foreign = [
        path.relative_to(root)
        for path in sorted(data.rglob("*"))
        if path.is_file() and not (starter / path.relative_to(data)).is_file()
    ]
    if foreign:
        raise DataError(
            f"{foreign[0]} is not part of the imported set",
            got=f"{len(foreign)} foreign files below data/, which the import deletes",
            fix="move them below corpora/ and name that folder with --data",
        )
    return "data/ holds what starter/ holds"


def _versions() -> str:
    import torch

    return (
        f"ok    Python {platform.python_version()}, torch {torch.__version__}, "
        f"mlflow {metadata.version('mlflow')}, {torch.get_num_threads()} threads"
    )


def _generator() -> str:
    missing = [name for name in ("pythia8mc", "fastjet") if importlib.util.find_spec(name) is None]
    if missing:
        fix = "pip install -c constraints.txt -e '.[generate]'"
        return f"note  no {', '.join(missing)}: `simulate` needs them ({fix})"
    return "ok    Pythia and FastJet are installed"


def _device() -> str:
    import torch

    if torch.cuda.is_available():
        return f"ok    GPU {torch.cuda.get_device_name()}"
    return "ok    no GPU: everything runs on the CPU"


def _data() -> str:
    data = project_root() / "data"
    if not data.is_dir():
        return "fix   data/ is missing: run `dvc repro data.dvc`"
    sets = sorted(path.parent.name for path in data.glob("*/manifest.json"))
    return f"ok    data/ holds {', '.join(sets)}"


def _store() -> str:
    from colliderfm.tracking.runs import list_runs
    from colliderfm.tracking.store import tracking_uri

    try:
        return f"ok    {len(list_runs())} runs in {tracking_uri()}"
    except ColliderFMError as error:
        return f"fix   {error}"


def _slot() -> str:
    from colliderfm.tracking.environment import environment_slot

    slot = environment_slot()
    if slot.state in ("linked", "built"):
        return f"ok    `mlflow run .` uses {Path(slot.path).resolve()}"
    return f"fix   `mlflow run .` would build its own environment ({slot.state}): run `make setup`"
