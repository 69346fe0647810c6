"""Where runs go: the tracking store, its experiments, and errors a user can read.

Everything goes through ``MLFLOW_TRACKING_URI``; without it the store is ``mlflow.db`` in the
project root. A server needs no other code. Read next: ``run``.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from colliderfm.config.project import project_root as find_project_root
from colliderfm.errors import ConfigError, TrackingError

if TYPE_CHECKING:
    from filelock import BaseFileLock
    from mlflow import MlflowClient

LOGGER = logging.getLogger(__name__)
SQLITE_PREFIX = "sqlite:///"
SQLITE_HEADER = b"SQLite format 3\x00"

# Ours unless the user set them: no telemetry, no lines of MLflow between our progress lines, and a
# server that is away is reported after seconds (MLflow's own default waits minutes).
PROCESS_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "GIT_PYTHON_REFRESH": "quiet",
}

_clients: dict[str, MlflowClient] = {}


def project_root(start: Path | None = None) -> Path:
    """Return the project folder, or the given (by default the current) one outside any project.

    Unlike ``config.project.project_root`` it never refuses: a notebook may look at a server's runs
    from anywhere.
    """
    try:
        return find_project_root(start)
    except ConfigError:
        return (start or Path.cwd()).resolve()


def tracking_uri() -> str:
    """Return the store's address: ``MLFLOW_TRACKING_URI``, or ``mlflow.db`` in the project root."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"{SQLITE_PREFIX}{project_root() / 'mlflow.db'}"


def sqlite_path(uri: str) -> Path | None:
    """Return the database file of a sqlite address, or None for a server.

    >>> sqlite_path("sqlite:////tmp/mlflow.db").as_posix()
    '/tmp/mlflow.db'
    >>> sqlite_path("http://127.0.0.1:5000") is None
    True
    """
    if not uri.startswith(SQLITE_PREFIX):
        return None
    return Path(unquote(uri[len(SQLITE_PREFIX) :])).resolve()


def client() -> MlflowClient:
    """Connect to the store, creating a sqlite store on first use.

    Returns
    -------
    MlflowClient
        One client per address and process.

    Raises
    ------
    TrackingError
        If the database cannot be written, is no database, or the server does not answer.
    """
    uri = tracking_uri()
    # MLflow follows its global address in places where it is given a client, so both must agree.
    os.environ["MLFLOW_TRACKING_URI"] = uri
    if uri not in _clients:
        for name, value in PROCESS_SETTINGS.items():
            os.environ.setdefault(name, value)
        _check_database(uri)
        # Two processes that make the tables of one database at once leave it half-made.
        lock = store_lock("connect") if sqlite_path(uri) else nullcontext()
        with guard("connect to"), lock:
            _clients[uri] = _connect()
    return _clients[uri]


@contextmanager
def guard(action: str) -> Iterator[None]:
    """Turn MLflow's and the database's exceptions into a ``TrackingError`` of four lines.

    Parameters
    ----------
    action : str
        What was attempted, e.g. ``"write metrics to"``; the store's address is added.
    """
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as error:
        lines = [line for line in str(error).splitlines() if line.strip()]
        raise TrackingError(
            f"could not {action} the tracking store {_without_password(tracking_uri())}",
            got=lines[0][:300] if lines else type(error).__name__,
            fix="check MLFLOW_TRACKING_URI, the server, free disk space and write permission",
        ) from error


def experiment_id(name: str) -> str:
    """Return the id of an experiment, creating or restoring it.

    Parameters
    ----------
    name : str
        Experiment, one word shared by the study, its parameters and its reports.

    Returns
    -------
    str
        MLflow's id. Artifacts of a sqlite store lie beside the database, wherever the command runs.
    """
    from mlflow.exceptions import MlflowException

    store = client()
    with guard(f"open experiment {name} in"):
        found = store.get_experiment_by_name(name)
        if found is None:
            database = sqlite_path(tracking_uri())
            place = (database.parent / "mlruns" / name).as_uri() if database else None
            try:
                return store.create_experiment(
                    name,
                    artifact_location=place,
                    tags={"mlflow.experimentKind": "custom_model_development"},
                )
            except MlflowException:
                # Another process may have created it since the look-up.
                found = store.get_experiment_by_name(name)
                if found is None:
                    raise
        if found.lifecycle_stage == "deleted":
            store.restore_experiment(found.experiment_id)
        return found.experiment_id


def store_lock(name: str, timeout_s: float = 60.0) -> BaseFileLock:
    """Make a lock that processes of this machine share for one store.

    Parameters
    ----------
    name : str
        What is protected, e.g. the name of a registered model.
    timeout_s : float
        Longest wait, in seconds.

    Returns
    -------
    BaseFileLock
        Use it in a ``with`` statement. It lies beside a sqlite database, else in the temporary
        folder: processes on other machines that share a server are caught by the checks of
        ``promotion``.
    """
    from filelock import FileLock

    uri = tracking_uri()
    database = sqlite_path(uri)
    if database is not None:
        return FileLock(f"{database}.{name}.lock", timeout=timeout_s)
    digest = hashlib.sha256(uri.encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"colliderfm-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return FileLock(folder / f"{digest}.{name}.lock", timeout=timeout_s)


def _connect() -> MlflowClient:
    """Import MLflow, quiet it, and make it open the store once."""
    import mlflow
    from sqlalchemy.exc import SADeprecationWarning

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    if mlflow.get_tracking_uri() != tracking_uri():
        # A notebook may have called set_tracking_uri, which outranks the environment variable.
        mlflow.set_tracking_uri(tracking_uri())
    with warnings.catch_warnings():
        # MLflow 3.17 maps its tables with an option that SQLAlchemy 2.1 deprecates; users can do
        # nothing.
        warnings.filterwarnings("ignore", message="The ``noload``", category=SADeprecationWarning)
        new = mlflow.MlflowClient()
        new.search_experiments(max_results=1)
        new.search_registered_models(max_results=1)
    return new


def _check_database(uri: str) -> None:
    """Refuse a database file that MLflow would retry for minutes."""
    path = sqlite_path(uri)
    if path is None:
        return
    folder_fix = "choose another place with MLFLOW_TRACKING_URI=sqlite:////path/mlflow.db"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab"):
            pass
        with path.open("rb") as file:
            head = file.read(len(SQLITE_HEADER))
    except OSError as error:
        raise TrackingError(
            f"cannot write the tracking store {path}", got=error.strerror or error, fix=folder_fix
        ) from error
    if head and head != SQLITE_HEADER:
        raise TrackingError(
            f"{path} is no sqlite database",
            got=repr(head),
            need="a file made by MLflow",
            fix=folder_fix,
        )


def _without_password(uri: str) -> str:
    """Drop ``user:password@`` from an address before it is shown."""
    scheme, separator, rest = uri.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}" if separator else uri
