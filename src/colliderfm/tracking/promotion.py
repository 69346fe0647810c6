"""Which version is the champion: gate, promotion, rollback, history.

A candidate replaces the champion only if it gains more than twice the error of the gain. The
verdict belongs to one pair of versions, so it is checked again at the moment the alias moves: of
two processes that promote at once, the second is judged against the champion the first has made.
Read next: ``history``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from colliderfm.errors import TrackingError
from colliderfm.tracking.history import VERDICT_TAG, history, record, set_version_tag
from colliderfm.tracking.registry import CHAMPION, alias_version, list_versions, set_alias
from colliderfm.tracking.store import store_lock

__all__ = ["GateResult", "Promotion", "alias_version", "history", "promote", "rollback"]

LOGGER = logging.getLogger(__name__)
PREVIOUS = "previous"
GAIN_IN_ERRORS = 2.0
ATTEMPTS = 5


@dataclass(frozen=True)
class GateResult:
    """Candidate against champion on the validation split.

    Parameters
    ----------
    metric : str
        What is compared; larger is better.
    candidate : float
        Value of the candidate.
    champion : float or None
        Value of the champion; None when there is none to beat.
    error : float
        Bootstrap standard error of ``candidate - champion``.
    champion_version : int or None
        Version that ``champion`` was measured on.
    """

    metric: str
    candidate: float
    champion: float | None
    error: float
    champion_version: int | None

    @property
    def passed(self) -> bool:
        """True without a champion, or for a gain above ``GAIN_IN_ERRORS`` times its error."""
        if self.champion is None:
            return True
        return self.candidate - self.champion > GAIN_IN_ERRORS * self.error

    @property
    def reason(self) -> str:
        """The verdict in one line."""
        if self.champion is None:
            return f"passed: {self.metric} {self.candidate:.4f}, no champion to beat"
        gain = self.candidate - self.champion
        verdict = "passed" if self.passed else "refused"
        return (
            f"{verdict}: {self.metric} {self.candidate:.4f} against {self.champion:.4f} of version "
            f"{self.champion_version}, gain {gain:+.4f}, needed > {GAIN_IN_ERRORS * self.error:.4f}"
        )


@dataclass(frozen=True)
class Promotion:
    """Outcome of a promotion; a refusal is an outcome, not an error."""

    name: str
    version: int
    is_promoted: bool
    replaced: int | None
    reason: str


def promote(
    name: str,
    version: int,
    to: str = CHAMPION,
    gate: GateResult | Callable[[int | None], GateResult] | None = None,
) -> Promotion:
    """Let a version pass the gate and take an alias.

    Parameters
    ----------
    name : str
        Registered model.
    version : int
        Candidate.
    to : str
        Alias. Only ``champion`` has a gate and keeps its ``previous``.
    gate : GateResult or callable, optional
        Verdict, or a function that makes it from the champion's version number (None: no champion).
        A function is called again if the champion changed while it ran; it runs outside the lock.

    Returns
    -------
    Promotion
        Whether the alias moved, what it replaced, and the reason.

    Raises
    ------
    TrackingError
        If the version does not exist, the champion has no gate, or the champion keeps changing.
    """
    _check_exists(name, version)
    if to == CHAMPION and gate is None:
        raise TrackingError(
            "the champion is chosen by the gate", got="no gate result", need="GateResult"
        )
    for _ in range(ATTEMPTS):
        result = gate(alias_version(name, to)) if callable(gate) else gate
        with store_lock(name):
            current = alias_version(name, to)
            is_stale = result is not None and result.champion_version != current
            if is_stale and callable(gate) and current != version:
                continue
            return _decide(name, version, to, result, current)
    raise TrackingError(
        f"the {to} of {name} changed {ATTEMPTS} times during the gate", fix="repeat the command"
    )


def rollback(name: str) -> Promotion:
    """Give ``champion`` back to the version it replaced; a second call returns to the newer one.

    Raises
    ------
    TrackingError
        If no version was replaced yet.
    """
    with store_lock(name):
        current, earlier = alias_version(name, CHAMPION), alias_version(name, PREVIOUS)
        if earlier is None or current is None:
            raise TrackingError(
                f"{name} has no previous champion",
                got=f"champion {current}" if current else "no champion",
                fix="see `colliderfm registry list`",
            )
        record(name, earlier, "rolled back to", to=CHAMPION, replaced=current)
        record(name, current, "rolled back from", to=CHAMPION, replaced_by=earlier)
        _move_champion(name, earlier, current)
    return Promotion(name, earlier, True, current, f"rolled back from version {current}")


def _decide(
    name: str, version: int, to: str, gate: GateResult | None, current: int | None
) -> Promotion:
    """Move the alias or record the refusal; the caller holds the lock."""
    if current == version:
        return Promotion(name, version, True, None, f"version {version} is {to} already")
    if gate is not None and gate.champion_version != current:
        reason = (
            f"refused: measured against version {gate.champion_version}, champion is now {current}"
        )
    elif gate is not None and not gate.passed:
        reason = gate.reason
    else:
        reason = gate.reason if gate else "no gate for this alias"
        record(name, version, "promoted", to=to, replaced=current, reason=reason)
        set_version_tag(name, version, VERDICT_TAG, reason)
        if to == CHAMPION:
            if current is not None:
                record(name, current, "replaced", to=to, replaced_by=version)
            _move_champion(name, version, current)
        else:
            set_alias(name, to, version)
        return Promotion(name, version, True, current, reason)
    record(name, version, "refused", to=to, reason=reason)
    set_version_tag(name, version, VERDICT_TAG, reason)
    LOGGER.info("version %d of %s stays as it is: %s", version, name, reason)
    return Promotion(name, version, False, None, reason)


def _move_champion(name: str, version: int, current: int | None) -> None:
    """Move ``previous``, then ``champion``: a crash between them keeps the old champion."""
    if current is not None:
        set_alias(name, PREVIOUS, current)
    set_alias(name, CHAMPION, version)


def _check_exists(name: str, version: int) -> None:
    """Refuse a version the registry does not have."""
    known = [entry.version for entry in list_versions(name)]
    if version not in known:
        raise TrackingError(
            f"{name} has no version {version}",
            got=f"versions {', '.join(map(str, known))}" if known else "no version",
            fix="see `colliderfm registry list`",
        )
