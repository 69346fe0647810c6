"""How features enter a network, and which event-level and extra features do.

The one table of choices; the seven features of the objects are fixed. Read next: ``normalize.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from colliderfm.data.event_schema import GLOBAL_FEATURES, OBJECT_FEATURES
from colliderfm.errors import ConfigError


@dataclass(frozen=True)
class FeatureRule:
    """How a raw feature enters the network.

    Parameters
    ----------
    name : str
        Column of the event schema.
    is_log : bool
        Take log(1 + x) first.
    is_standardized : bool
        Subtract the mean and divide by the standard deviation.
    """

    name: str
    is_log: bool
    is_standardized: bool


# An angle is absent here: it is handled relative to met_phi.
OBJECT_RULES = (
    FeatureRule("energy_gev", is_log=True, is_standardized=True),
    FeatureRule("pt_gev", is_log=True, is_standardized=True),
    FeatureRule("eta", is_log=False, is_standardized=True),
    FeatureRule("btag", is_log=False, is_standardized=False),
    FeatureRule("is_lepton", is_log=False, is_standardized=False),
    FeatureRule("charge", is_log=False, is_standardized=False),
)
GLOBAL_RULES = tuple(
    FeatureRule(name, is_log=name.endswith("_gev"), is_standardized=True)
    for name in GLOBAL_FEATURES
    if name != "met_phi"
)
OBJECT_INPUTS = (*(rule.name for rule in OBJECT_RULES), "cos_phi", "sin_phi")
GLOBAL_INPUTS = tuple(rule.name for rule in GLOBAL_RULES)


@dataclass(frozen=True)
class InputChoice:
    """Departures from the globals of the schema; none by default.

    Parameters
    ----------
    withheld_globals : tuple of str
        Globals of the schema that the network does not see: it reads their mean.
    global_extras : tuple of str
        Further columns with one number per event.
    object_extras : tuple of str
        Further columns with one number per object, e.g. ``ip3d_cm``.

    Raises
    ------
    ConfigError
        If a name is unknown, stands twice or is already an input.
    """

    withheld_globals: tuple[str, ...] = ()
    global_extras: tuple[str, ...] = ()
    object_extras: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        unknown = [name for name in self.withheld_globals if name not in GLOBAL_INPUTS]
        if unknown:
            raise ConfigError(
                "withheld global", got=", ".join(unknown), need=", ".join(GLOBAL_INPUTS)
            )
        known = {*GLOBAL_FEATURES, *OBJECT_FEATURES}
        for kind in ("global_extras", "object_extras"):
            names = getattr(self, kind)
            if len(set(names)) != len(names) or known & set(names):
                raise ConfigError(
                    f"inputs: {kind}",
                    got=", ".join(names),
                    need="each column once, and none that the network reads anyway",
                )

    @classmethod
    def of(
        cls, global_inputs: Sequence[str] = GLOBAL_INPUTS, object_extras: Sequence[str] = ()
    ) -> InputChoice:
        """Return the choice that reads these globals.

        Parameters
        ----------
        global_inputs : sequence of str
            Globals of the schema and further columns; what is not named is withheld.
        object_extras : sequence of str
            Further columns of the objects.

        Returns
        -------
        InputChoice
            With the schema's globals in the schema's order.
        """
        return cls(
            tuple(name for name in GLOBAL_INPUTS if name not in global_inputs),
            tuple(name for name in global_inputs if name not in GLOBAL_INPUTS),
            tuple(object_extras),
        )

    @property
    def global_inputs(self) -> tuple[str, ...]:
        """Globals that the network reads, extras last."""
        own = tuple(name for name in GLOBAL_INPUTS if name not in self.withheld_globals)
        return own + self.global_extras
