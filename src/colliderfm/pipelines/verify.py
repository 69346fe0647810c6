"""``data verify``: every file of an event set against its manifest and the schema."""

from __future__ import annotations

from pathlib import Path


def verify(folder: Path) -> str:
    """Check an event set; return what was checked.

    Raises
    ------
    DataError
        If a file is missing, has another digest, or holds a row that the schema refuses.
    """
    from colliderfm.data.event_table import EventTable
    from colliderfm.data.manifest import set_md5, verify_set

    n_files = verify_set(folder)
    table = EventTable.read(folder, truth=True)
    return f"{folder}: {n_files} files, {len(table)} events are valid (md5 {set_md5(folder)})"
