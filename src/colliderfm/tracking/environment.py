"""The environment slot of ``mlflow run``, linked to the environment that is active.

``mlflow run .`` builds an environment of its own under ``$MLFLOW_ENV_ROOT/mlflow-<hash of the
pins>`` unless that folder exists. ``make setup`` therefore links the folder to ``.venv``: no pyenv,
no second installation. The hash does not contain the project's path, so two clones with equal pins
share one slot. Whoever was set up last owns it, and ``check_environment_slot`` refuses to run that
clone's code in another one's folder.
"""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from colliderfm.errors import ConfigError
from colliderfm.tracking.store import project_root

LOGGER = logging.getLogger(__name__)
PINS_FILE = "python_env.yaml"
SlotState = Literal["linked", "missing", "foreign", "built"]


@dataclass(frozen=True)
class EnvironmentSlot:
    """Where ``mlflow run`` looks for this project's environment, and what lies there.

    ``state``: ``linked`` to this environment; ``missing``; ``foreign``, a link to another
    environment; ``built``, a real folder that MLflow made.
    """

    path: Path
    state: SlotState


def environment_slot(root: Path | None = None) -> EnvironmentSlot:
    """Look at the slot of the pins as they are now (imports mlflow).

    Parameters
    ----------
    root : Path, optional
        Project folder with ``python_env.yaml``; the current project by default.
    """
    path = _slot_path(root or project_root())
    if path.is_symlink():
        is_ours = path.resolve() == Path(sys.prefix).resolve()
        # A link whose environment is gone counts as missing for MLflow, too.
        state: SlotState = "linked" if is_ours else "foreign" if path.exists() else "missing"
    else:
        state = "built" if path.exists() else "missing"
    return EnvironmentSlot(path, state)


def link_environment_slot(root: Path | None = None) -> EnvironmentSlot:
    """Link the slot to the active environment, and drop our links for earlier pins.

    Parameters
    ----------
    root : Path, optional
        Project folder; the current project by default.

    Returns
    -------
    EnvironmentSlot
        ``linked``, or ``built`` when a real environment lies there, which is left alone.

    Raises
    ------
    ConfigError
        If no virtual environment is active, or the slot's folder cannot be written.
    """
    if sys.prefix == sys.base_prefix:
        raise ConfigError(
            "the environment slot needs a virtual environment",
            got=f"python of {sys.prefix}",
            fix="run `make setup`, or activate .venv first",
        )
    slot = environment_slot(root)
    try:
        slot.path.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale_links(slot.path)
        if slot.state in ("missing", "foreign"):
            _replace_link(slot.path, Path(sys.prefix))
    except OSError as error:
        raise ConfigError(
            f"cannot write the environment slot {slot.path}",
            got=error.strerror or error,
            fix="set MLFLOW_ENV_ROOT to a folder you can write",
        ) from error
    if slot.state == "built":
        LOGGER.warning("%s is a real environment made by MLflow and stays as it is", slot.path)
        return slot
    return EnvironmentSlot(slot.path, "linked")


def check_environment_slot(root: Path | None = None) -> None:
    """Refuse to run another clone's code in this project (costs two path look-ups).

    Parameters
    ----------
    root : Path, optional
        Project folder; the current project by default. A folder without ``src/colliderfm`` is no
        clone.

    Raises
    ------
    ConfigError
        If the imported package is not the project's own.
    """
    own = (root or project_root()) / "src" / "colliderfm"
    running = Path(__file__).resolve().parents[1]
    if (own / "__init__.py").is_file() and own.resolve() != running:
        raise ConfigError(
            "another clone's code would run",
            got=str(running),
            need=str(own),
            fix=(
                f"run `make setup` in {own.parents[1]} (clones with equal pins share MLflow's "
                "environment; to keep both, give each its own MLFLOW_ENV_ROOT)"
            ),
        )


def _slot_path(root: Path) -> Path:
    """Compute the slot as ``mlflow run`` does, with two of its private functions."""
    from mlflow.utils.environment import _PythonEnv
    from mlflow.utils.virtualenv import _get_mlflow_virtualenv_root, _get_virtualenv_name

    pins = root / PINS_FILE
    if not pins.is_file():
        raise ConfigError(f"{pins} is missing", fix="run in the project folder")
    name = _get_virtualenv_name(_PythonEnv.from_yaml(pins), root)  # type: ignore[no-untyped-call]
    return Path(str(_get_mlflow_virtualenv_root()), name)  # type: ignore[no-untyped-call]


def _remove_stale_links(current: Path) -> None:
    """Delete links to this environment that belong to earlier pins; nothing else."""
    prefix = Path(sys.prefix).resolve()
    for entry in current.parent.glob("mlflow-*"):
        if entry != current and entry.is_symlink() and entry.resolve() == prefix:
            entry.unlink()


def _replace_link(path: Path, target: Path) -> None:
    """Point a link at ``target`` in one step, so that a running ``mlflow run`` never misses it."""
    scratch = path.with_name(f"{path.name}.new")
    scratch.unlink(missing_ok=True)
    scratch.symlink_to(target, target_is_directory=True)
    scratch.replace(path)
