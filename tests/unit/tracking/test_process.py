"""A dead writer is told from a living one, also when its number was given away."""

from __future__ import annotations

import os
import subprocess
import sys

from colliderfm.tracking.process import (
    HOST_TAG,
    PID_TAG,
    START_TAG,
    is_alive,
    is_here,
    process_start,
    process_tags,
)


def test_this_process_is_here_and_alive() -> None:
    tags = process_tags()
    assert tags[PID_TAG] == str(os.getpid())
    assert is_here(tags)
    assert is_alive(tags)


def test_process_that_ended_is_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    tags = process_tags() | {PID_TAG: str(child.pid), START_TAG: process_start(child.pid)}
    child.wait()
    assert not is_alive(tags)


def test_number_given_to_another_process_counts_as_dead() -> None:
    assert not is_alive(process_tags() | {START_TAG: "1"})


def test_other_machine_is_not_here() -> None:
    assert not is_here(process_tags() | {HOST_TAG: "elsewhere/00000000"})


def test_run_of_another_program_is_not_alive() -> None:
    assert not is_alive({})
