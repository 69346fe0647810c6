"""Where the project is: the nearest folder above the working directory that holds params.yaml."""

from __future__ import annotations

from pathlib import Path

from colliderfm.config.load import PARAMS_FILE
from colliderfm.errors import ConfigError


def project_root(start: Path | None = None) -> Path:
    """Return the project folder.

    Parameters
    ----------
    start : Path, optional
        Where to begin; default is the working directory.

    Raises
    ------
    ConfigError
        If no folder from ``start`` upwards holds params.yaml.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / PARAMS_FILE).is_file():
            return folder
    raise ConfigError(
        f"no {PARAMS_FILE} in {here} or above",
        need="the folder of a colliderfm project",
        fix="change into the project folder and run the command again",
    )
