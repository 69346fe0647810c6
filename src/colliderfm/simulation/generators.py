"""Pythia 8 and FastJet are an optional extra: what to say where they are not installed."""

from __future__ import annotations

from colliderfm.errors import ColliderFMError


def generators_missing(error: ImportError) -> ColliderFMError:
    """Return the error that tells how to install the generators.

    Parameters
    ----------
    error : ImportError
        What Python said.

    Returns
    -------
    ColliderFMError
        To be raised from ``error``.
    """
    return ColliderFMError(
        "simulation needs Pythia 8 and FastJet",
        got=str(error),
        fix="pip install -c constraints.txt -e '.[generate]'",
    )
