"""Who writes a run: host, process and start time, to tell a dead writer from a slow one."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path

HOST_TAG = "colliderfm.host"
PID_TAG = "colliderfm.pid"
START_TAG = "colliderfm.process_start"


def process_tags() -> dict[str, str]:
    """Describe this process for the tags of a run it writes."""
    return {HOST_TAG: host_name(), PID_TAG: str(os.getpid()), START_TAG: process_start(os.getpid())}


def host_name() -> str:
    """Return this machine's name and boot, since process numbers start again at a boot."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    suffix = f"/{boot.read_text().strip()[:8]}" if boot.is_file() else ""
    return platform.node() + suffix


def process_start(pid: int) -> str:
    """Return when a process started (clock ticks since boot), "" if the system does not tell."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    # Field 22; the command in field 2 may hold spaces, so count after its closing bracket.
    return text.rpartition(")")[2].split()[19]


def is_here(tags: Mapping[str, str]) -> bool:
    """Tell whether a run's tags name this machine since its last boot."""
    return tags.get(HOST_TAG) == host_name()


def is_alive(tags: Mapping[str, str]) -> bool:
    """Tell whether the process named by a run's tags still runs on this machine.

    Parameters
    ----------
    tags : mapping of str to str
        Tags of a run, as written by ``process_tags``.

    Returns
    -------
    bool
        False for a process that ended, and for another one that was given its number since.
    """
    try:
        pid = int(tags.get(PID_TAG, ""))
    except ValueError:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    started = process_start(pid)
    return not started or started == tags.get(START_TAG, started)
