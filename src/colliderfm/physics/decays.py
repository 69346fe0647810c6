"""Resonance decays: which visible daughters each has, and which of them are interchangeable.

Declared once here; simulation writes truth in this order, the assignment head and its metrics read it.
An event's topology is the list of its decays. Two resonances with the same decay are interchangeable.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_DAUGHTERS = 4


@dataclass(frozen=True)
class Decay:
    """One way a resonance decays.

    Parameters
    ----------
    name : str
        ``resonance_daughters``, e.g. ``t_bqq``.
    resonance_pdg_id : int
        Absolute PDG id of the resonance.
    daughters : tuple of str
        Visible daughters in slot order: ``b``, ``q`` (any quark) or ``l`` (electron or muon).
    interchangeable : tuple of tuple of int
        Groups of daughter positions whose exchange leaves the decay the same.
    """

    name: str
    resonance_pdg_id: int
    daughters: tuple[str, ...]
    interchangeable: tuple[tuple[int, ...], ...] = ()

    @property
    def n_daughters(self) -> int:
        """Number of visible daughters."""
        return len(self.daughters)

    @property
    def is_assignable(self) -> bool:
        """Whether there is something to assign: at least two visible daughters."""
        return self.n_daughters >= 2


DECAYS: tuple[Decay, ...] = (
    Decay("t_bqq", 6, ("b", "q", "q"), ((1, 2),)),
    Decay("t_bl", 6, ("b", "l")),
    Decay("W_qq", 24, ("q", "q"), ((0, 1),)),
    Decay("W_l", 24, ("l",)),
    Decay("Z_qq", 23, ("q", "q"), ((0, 1),)),
    Decay("Z_ll", 23, ("l", "l"), ((0, 1),)),
    Decay("Z_invisible", 23, ()),
    Decay("H_bb", 25, ("b", "b"), ((0, 1),)),
    Decay("H_WW", 25, ()),
    Decay("H_aa", 25, ()),
    Decay("H_other", 25, ()),
    Decay("a_bb", 36, ("b", "b"), ((0, 1),)),
    Decay("tau_mode", 0, ()),
)

DECAY_INDEX: dict[str, int] = {decay.name: index for index, decay in enumerate(DECAYS)}
ASSIGNABLE: tuple[Decay, ...] = tuple(decay for decay in DECAYS if decay.is_assignable)
