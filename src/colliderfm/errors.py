"""Every error a user can meet, with its exit code and its four-line message.

A message names the user's own thing (a key, a file, a column, a row), shows what was found, what is
needed, and one step that mends it. Raise the class whose exit code fits; ``cli.py`` prints it without
a traceback unless ``--debug`` is given.
"""

from __future__ import annotations


class ColliderFMError(Exception):
    """Base of all expected failures.

    Parameters
    ----------
    what : str
        One line that names the thing at fault, e.g. ``"params.yaml at train.lr"``.
    got, need, fix : object, optional
        The value found, what is allowed, and one step that mends it. Omitted lines are not printed.
    """

    exit_code = 1
    label = "error"

    def __init__(
        self,
        what: str,
        *,
        got: object | None = None,
        need: object | None = None,
        fix: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what, self.got, self.need, self.fix = what, got, need, fix

    def __str__(self) -> str:
        lines = [f"{self.label}: {self.what}"]
        for name in ("got", "need", "fix"):
            value = getattr(self, name)
            if value is not None:
                lines.append(f"  {name + ':':5} {value}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword-only fields survive the trip from a worker process.
        return _rebuild, (type(self), self.what, self.got, self.need, self.fix)


def _rebuild(
    cls: type[ColliderFMError], what: str, got: object, need: object, fix: str | None
) -> ColliderFMError:
    return cls(what, got=got, need=need, fix=fix)


class ConfigError(ColliderFMError):
    """A wrong parameter, option or combination of them."""

    exit_code = 2
    label = "configuration error"


class DataError(ColliderFMError):
    """The content of a file is not what its format promises."""

    exit_code = 3
    label = "data error"


class CheckpointError(ColliderFMError):
    """A checkpoint or a model does not fit."""

    exit_code = 4
    label = "checkpoint error"


class TrainingError(ColliderFMError):
    """Training cannot go on, e.g. a loss that is not finite."""

    exit_code = 5
    label = "training error"


class TrackingError(ColliderFMError):
    """The tracking store or the registry refuses or lacks something."""

    exit_code = 6
    label = "tracking error"


class PhysicsError(ColliderFMError):
    """A physically impossible or insufficient request."""

    exit_code = 7
    label = "physics error"


class Interrupted(ColliderFMError):
    """Stopped by a signal; the same command resumes it."""

    exit_code = 75
    label = "interrupted"
