"""What every command does first: logging, environment variables, and the check of the clone."""

from __future__ import annotations

import logging
import os
import sys
import warnings

from rich.logging import RichHandler

from colliderfm.config.project import project_root
from colliderfm.errors import ConfigError


def start(debug: bool = False) -> None:
    """Prepare this process; worker processes call it too.

    Raises
    ------
    ConfigError
        If the installed package belongs to another clone of the project.
    """
    # Both tools would otherwise send usage data to their makers.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DVC_NO_ANALYTICS", "1")
    _configure_logging(debug)
    _check_clone()


def _check_clone() -> None:
    from colliderfm.tracking.environment import check_environment_slot

    try:
        root = project_root()
    except ConfigError:
        return  # outside a project there is nothing to confuse; commands that need one say so
    check_environment_slot(root)


def _configure_logging(debug: bool) -> None:
    level = logging.DEBUG if debug else logging.INFO
    handler: logging.Handler
    if sys.stderr.isatty():
        handler = RichHandler(show_path=False, show_time=True, log_time_format="%H:%M:%S")
        layout = "%(message)s"
    else:
        handler = logging.StreamHandler(sys.stderr)
        layout = "%(asctime)s %(message)s"
    logging.basicConfig(
        level=logging.WARNING, format=layout, datefmt="%H:%M:%S", handlers=[handler], force=True
    )
    logging.getLogger("colliderfm").setLevel(level)
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    if not debug:
        warnings.filterwarnings("ignore", category=FutureWarning, module="mlflow")
