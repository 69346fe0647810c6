"""Registered models: versions that hold weights and JSON, checked by sha256 whenever they are used.

A version never holds a pickle: the code rebuilds the network from ``config.json`` and reads the
weights. An alias is followed once, when a command starts; what runs on is a version number and a
sha256. Read next: ``promotion`` (which version is the champion, and why).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from colliderfm.errors import TrackingError
from colliderfm.tracking.history import record
from colliderfm.tracking.model_files import (
    CARD_FILE,
    FILES_TAG,
    SHA256_TAG,
    URI_FORM,
    WEIGHTS_FILE,
    ResolvedModel,
    download_files,
    folder_digests,
    holds,
    resolve_folder,
    write_resolved,
)
from colliderfm.tracking.store import client, experiment_id, guard, project_root, store_lock

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

LOGGER = logging.getLogger(__name__)
CHAMPION = "champion"


@dataclass(frozen=True)
class VersionSummary:
    """One line of ``registry list``."""

    name: str
    version: int
    aliases: tuple[str, ...]
    sha256: str
    run_id: str
    created_s: float
    tags: Mapping[str, str]


def register(
    folder: Path,
    name: str,
    tags: Mapping[str, object] | None = None,
    aliases: Sequence[str] = (),
    run_id: str | None = None,
) -> int:
    """Store a model folder as a new version.

    Parameters
    ----------
    folder : Path
        Holds the four ``MODEL_FILES`` and nothing but safetensors, JSON and Markdown.
    name : str
        Registered model, made if new, e.g. ``"event-encoder"``.
    tags : mapping, optional
        Tags of the version, beside the sha256 of its files.
    aliases : sequence of str
        Aliases to move to it. ``champion`` is moved by ``promotion.promote`` alone.
    run_id : str, optional
        Run that made it.

    Returns
    -------
    int
        Version number.

    Raises
    ------
    TrackingError
        If a file is missing or of another kind, or the store refuses.
    """
    from mlflow.exceptions import MlflowException

    digests = folder_digests(folder)
    # The version shows in its run's experiment; a shipped one in that of its name.
    with guard("register a model in"):
        run = client().get_run(run_id) if run_id else None
        experiment = run.info.experiment_id if run else experiment_id(_home_experiment(name))
        logged = client().create_logged_model(experiment, name=name, source_run_id=run_id)
        client().log_model_artifacts(logged.model_id, str(folder))
        client().finalize_logged_model(logged.model_id, "READY")
        try:
            client().get_registered_model(name)
        except MlflowException:
            _create_registered_model(name)
        written = {key: str(value) for key, value in (tags or {}).items()}
        made = client().create_model_version(
            name,
            source=f"models:/{logged.model_id}",
            run_id=run_id,
            model_id=logged.model_id,
            description=(folder / CARD_FILE).read_text(encoding="utf-8")[:5000],
            tags={**written, SHA256_TAG: digests[WEIGHTS_FILE], FILES_TAG: json.dumps(digests)},
        )
    for alias in aliases:
        set_alias(name, alias, int(made.version))
    return int(made.version)


def resolve(uri: str, folder: Path | None = None) -> ResolvedModel:
    """Follow a model address once and fetch its files.

    Parameters
    ----------
    uri : str
        ``models:/NAME@ALIAS``, ``models:/NAME/VERSION``, or a folder with a model, e.g. one that an
        earlier call wrote.
    folder : Path, optional
        Where the files go, with ``resolved.json`` beside them; by default
        ``encoders/<name>-v<version>-<sha>`` in the project, reused while its bytes are right.

    Returns
    -------
    ResolvedModel
        Version and sha256 to log with whatever uses the model.

    Raises
    ------
    TrackingError
        If the model is unknown, or a file's sha256 is not the registered one.
    """
    if not uri.startswith("models:/"):
        return resolve_folder(uri)
    version = find_version(uri)
    expected = json.loads(version.tags.get(FILES_TAG, "{}"))
    if WEIGHTS_FILE not in expected:
        raise TrackingError(
            f"{uri} was not registered by colliderfm",
            got=f"version {version.version} without the tag {FILES_TAG}",
            need="a version made by a colliderfm command",
        )
    sha256 = expected[WEIGHTS_FILE]
    own_folder = f"{version.name}-v{version.version}-{sha256[:12]}"
    target = folder or project_root() / "encoders" / own_folder
    if not holds(target, expected):
        download_files(version.name, version.version, expected, target)
    resolved = ResolvedModel(version.name, int(version.version), sha256, target)
    write_resolved(resolved, uri)
    return resolved


def find_version(uri: str) -> ModelVersion:
    """Return the version that ``models:/NAME@ALIAS`` or ``models:/NAME/VERSION`` names now."""
    from mlflow.exceptions import MlflowException

    address = uri.removeprefix("models:/")
    name, alias_mark, alias = address.partition("@")
    number = ""
    if not alias_mark:
        name, _, number = address.partition("/")
    if address == uri or not name or not (alias or number.isdigit()):
        raise TrackingError("wrong model address", got=uri, need=URI_FORM)
    try:
        if alias:
            return client().get_model_version_by_alias(name, alias)
        return client().get_model_version(name, number)
    except MlflowException as error:
        known = [
            f"{entry.version}" + "".join(f"@{alias}" for alias in entry.aliases)
            for entry in list_versions(name)
        ]
        raise TrackingError(
            f"the registry has no {uri}",
            got=f"versions {', '.join(known)}" if known else f"no version of {name}",
            need=URI_FORM,
            fix="see `colliderfm registry list`",
        ) from error


def list_versions(name: str | None = None) -> list[VersionSummary]:
    """List the versions of one model or of all, newest first."""
    with guard("read the registry of"):
        models = {entry.name: entry for entry in client().search_registered_models()}
        found = [
            version
            for model in sorted(models)
            if name in (None, model)
            for version in client().search_model_versions(f"name = '{model}'")
        ]
    return [
        VersionSummary(
            name=version.name,
            version=int(version.version),
            aliases=tuple(
                sorted(
                    alias
                    for alias, number in models[version.name].aliases.items()
                    if int(number) == int(version.version)
                )
            ),
            sha256=version.tags.get(SHA256_TAG, ""),
            run_id=version.run_id or "",
            created_s=version.creation_timestamp / 1000.0,
            tags=dict(version.tags),
        )
        for version in sorted(found, key=lambda entry: (entry.name, -int(entry.version)))
    ]


def ensure_shipped(
    folder: Path,
    name: str,
    tags: Mapping[str, object] | None = None,
    aliases: Sequence[str] = (),
) -> int | None:
    """Make the encoder that ships with the project the champion of a registry that has none.

    Parameters
    ----------
    folder : Path
        Shipped model folder.
    name : str
        Registered model.
    tags, aliases : optional
        Further tags and aliases of the version, e.g. its pretraining variant.

    Returns
    -------
    int or None
        The version made; None if there is a champion already.
    """
    if alias_version(name, CHAMPION) is not None:
        return None
    with store_lock(name):
        # Another process may have been faster.
        if alias_version(name, CHAMPION) is not None:
            return None
        version = register(folder, name, {"origin": "shipped", **(tags or {})}, aliases)
        record(name, version, "shipped", to=CHAMPION)
        set_alias(name, CHAMPION, version)
    LOGGER.info("registered the shipped %s as version %d and made it champion", name, version)
    return version


def alias_version(name: str, alias: str) -> int | None:
    """Return the version an alias points to now; None without such an alias or model."""
    from mlflow.exceptions import MlflowException

    try:
        return int(client().get_model_version_by_alias(name, alias).version)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        with guard("read the registry of"):
            raise


def set_alias(name: str, alias: str, version: int) -> None:
    """Point an alias to a version."""
    with guard(f"move the alias {alias} in"):
        client().set_registered_model_alias(name, alias, str(version))


def _home_experiment(name: str) -> str:
    """Name the experiment of a version that no run made.

    >>> _home_experiment("event-encoder")
    'pretrain-event'
    """
    family = name.removesuffix("-encoder")
    return name if family == name else f"pretrain-{family}"


def _create_registered_model(name: str) -> None:
    """Create a registered model unless another process just did."""
    from mlflow.exceptions import MlflowException

    try:
        client().create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
