"""Pythia behind two checks: settings are accepted, and batches are complete.

Pythia reports a refused setting by a return value and hides a failing process by returning fewer
events; both become errors here. The package is imported on first use: it is an optional extra
(GPL).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from colliderfm.errors import DataError, PhysicsError
from colliderfm.simulation.cards import Component, Recipe, common_settings
from colliderfm.simulation.generators import generators_missing
from colliderfm.simulation.record import GeneratorRecord

# Pythia gives up on a few events in 100,000; a card that loses more than this is broken.
MAX_LOST_FRACTION = 0.01

_QUIET = ("Print:quiet = on", "Next:numberCount = 0")
MAX_SEED = 3_000_000
_MAX_COMPONENTS = 10


def pythia_seed(recipe: Recipe, component: int, seed: int) -> int:
    """Derive Pythia's seed, unique for every (recipe, component, seed).

    Parameters
    ----------
    recipe : Recipe
        Its fixed number enters.
    component : int
        Position of the component in the recipe.
    seed : int
        Seed of the shard, 0 to 2,999,999.

    Returns
    -------
    int
        Between 1 and 900,000,000, the range Pythia allows.

    Raises
    ------
    PhysicsError
        If ``seed`` lies outside its range.
    """
    if not 0 <= seed < MAX_SEED:
        raise PhysicsError("seed of a shard", got=seed, need=f"0 to {MAX_SEED - 1}")
    return 1 + (recipe.number * _MAX_COMPONENTS + component) * MAX_SEED + seed


def import_pythia() -> Any:
    """Import the generator.

    Returns
    -------
    module
        ``pythia8mc``.

    Raises
    ------
    ColliderFMError
        If the extra ``generate`` is not installed.
    """
    try:
        import pythia8mc
    except ImportError as err:
        raise generators_missing(err) from err
    return pythia8mc


class Generator:
    """An initialized Pythia that yields complete batches.

    Parameters
    ----------
    recipe : Recipe
        The physics.
    component : int
        Which component of it.
    seed : int
        Seed of the shard.
    mpi : str
        Multiparton interactions: off, light or full.
    collision_energy_gev : float
        Centre-of-mass energy.
    lhe : Path, optional
        Les Houches event file that replaces the recipe's hard process.
    skip : int
        Events of that file to leave out at its beginning.

    Raises
    ------
    PhysicsError
        If Pythia refuses a setting or does not initialize.
    """

    def __init__(
        self,
        recipe: Recipe,
        component: int,
        seed: int,
        mpi: str,
        collision_energy_gev: float,
        lhe: Path | None = None,
        skip: int = 0,
    ) -> None:
        self.name = f"{recipe.name}/{recipe.components[component].name}"
        self.lhe = lhe
        self.n_lost = 0
        settings = common_settings(mpi, collision_energy_gev) + _process_settings(
            recipe.components[component], lhe, skip
        )
        random = ("Random:setSeed = on", f"Random:seed = {pythia_seed(recipe, component, seed)}")
        self.pythia = import_pythia().Pythia("", False)
        for line in (*_QUIET, *settings, *random):
            if not self.pythia.readString(line):
                raise PhysicsError(f"Pythia refuses a setting of {self.name}", got=line)
        if not self.pythia.init():
            raise PhysicsError(
                f"Pythia does not initialize for {self.name}",
                got="; ".join(settings),
                need="a card with an open channel and a non-zero cross-section",
            )

    def batches(self, n_events: int, batch_events: int) -> Iterator[GeneratorRecord]:
        """Generate events.

        Parameters
        ----------
        n_events : int
            Events in all.
        batch_events : int
            Events per batch at most.

        Yields
        ------
        GeneratorRecord
            Batches that add up to ``n_events`` exactly.

        Raises
        ------
        PhysicsError
            If Pythia loses more than 1% of the events.
        DataError
            If an LHE file ends before ``n_events``.
        """
        done = 0
        while done < n_events:
            wanted = min(batch_events, n_events - done)
            batch = self.pythia.nextBatch(wanted, errorMode="skip")
            self.n_lost += wanted - len(batch)
            done += len(batch)
            self._check_losses(done, n_events, empty=len(batch) == 0)
            yield GeneratorRecord.from_batch(batch)

    def cross_section_pb(self) -> tuple[float, float]:
        """Return Pythia's estimate of the cross-section and its error, in pb."""
        info = self.pythia.infoPython()
        return float(info.sigmaGen()) * 1e9, float(info.sigmaErr()) * 1e9

    def _check_losses(self, done: int, n_events: int, *, empty: bool) -> None:
        allowed = MAX_LOST_FRACTION * max(n_events, 1000)
        if not empty and self.n_lost <= allowed:
            return
        if self.lhe is not None:
            raise DataError(
                f"{self.lhe} ends or fails too early", got=f"{done} events", need=f"{n_events}"
            )
        raise PhysicsError(
            f"Pythia fails for {self.name}",
            got=f"{self.n_lost} events lost after {done} good ones",
            need=f"at most {MAX_LOST_FRACTION:.0%} lost",
        )


def _process_settings(component: Component, lhe: Path | None, skip: int) -> tuple[str, ...]:
    """Return the settings of the hard process: the card's own, or an LHE file's."""
    if lhe is None:
        return component.settings
    return ("Beams:frameType = 4", f"Beams:LHEF = {lhe}", f"Beams:nSkipLHEFatInit = {skip}")


def detector_rng(recipe: Recipe, component: int, seed: int) -> np.random.Generator:
    """Random numbers of the detector, independent of Pythia's and unique in the same way."""
    return np.random.default_rng([recipe.number, component, seed])
