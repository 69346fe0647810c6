"""What happened to each version: promoted, refused, replaced, rolled back.

Every event is written to the tags of the versions it concerns; the history is read from there and
needs no other file.
"""

from __future__ import annotations

import getpass
import json
from datetime import UTC, datetime
from typing import Any

from colliderfm.tracking.store import client, guard

HISTORY_TAG = "history"
VERDICT_TAG = "gate"


def history(name: str) -> list[dict[str, Any]]:
    """Return every promotion, refusal and rollback of a model, oldest first.

    Returns
    -------
    list of dict
        ``at`` (UTC, ISO 8601), ``version``, ``event``, ``by``, ``to``, and where they apply
        ``replaced``, ``replaced_by``, ``reason``.
    """
    with guard("read the history in"):
        versions = client().search_model_versions(f"name = '{name}'")
    events = [
        {**event, "version": int(version.version)}
        for version in versions
        for event in json.loads(version.tags.get(HISTORY_TAG, "[]"))
    ]
    return sorted(events, key=lambda event: str(event["at"]))


def record(name: str, version: int, event: str, **details: Any) -> None:
    """Append one event to a version's history tag, and the readable tags the version page shows."""
    at = datetime.now(UTC).isoformat(timespec="microseconds")
    entry = {"at": at, "event": event, "by": getpass.getuser()}
    entry.update({key: value for key, value in details.items() if value is not None})
    with guard("write the history to"):
        found = client().get_model_version(name, str(version))
    events = [*json.loads(found.tags.get(HISTORY_TAG, "[]")), entry]
    set_version_tag(name, version, HISTORY_TAG, json.dumps(events))
    if event == "promoted":
        set_version_tag(name, version, "promoted_at", at)
    for key in ("replaced", "replaced_by"):
        if details.get(key) is not None:
            set_version_tag(name, version, key, str(details[key]))


def set_version_tag(name: str, version: int, key: str, value: str) -> None:
    """Set one tag of a version."""
    with guard("write the history to"):
        client().set_model_version_tag(name, str(version), key, value)
