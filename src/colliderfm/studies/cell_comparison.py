"""Cells of a comparison to means over seeds and paired gains, the same for every study.

A table of cells has one row per (init, events, seed) with these columns and the ``test/...`` metrics.
Gains compare two arms on the same seeds, hence on the same training events. A study derives its
``Comparison`` and says which columns are measured and how each is compared.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from colliderfm.errors import DataError
from colliderfm.stats.intervals import MeanInterval, PairedGain, mean_interval


@dataclass(frozen=True)
class CellComparison(ABC):
    """The cells of a comparison, checked and sorted; a study says how its metrics are compared.

    Parameters
    ----------
    cells : DataFrame
        One row per cell.
    inits : tuple of str
        Arms present, in the order of ``arms``, others last.
    events : tuple of int
        Training sizes present, rising.
    """

    study: ClassVar[str]
    required_metric: ClassVar[str]
    arms: ClassVar[tuple[str, ...]]

    cells: pd.DataFrame
    inits: tuple[str, ...]
    events: tuple[int, ...]

    @classmethod
    def of_cells(cls, cells: pd.DataFrame) -> Self:
        """Check the cells and find the grid.

        Parameters
        ----------
        cells : DataFrame
            One row per cell.

        Returns
        -------
        CellComparison
            The grid.

        Raises
        ------
        DataError
            If a column is missing or a cell occurs twice.
        """
        keys = ["init", "events", "seed"]
        missing = [name for name in (*keys, cls.required_metric) if name not in cells.columns]
        if missing or cells.empty:
            raise DataError(
                f"cells of the {cls.study} comparison",
                got=f"{len(cells)} rows without {', '.join(missing)}" if missing else "no row",
                need="init, events, seed and test/... of every cell",
            )
        twice = cells[cells.duplicated(keys)]
        if len(twice):
            row = twice.iloc[0]
            raise DataError(
                f"cells of the {cls.study} comparison",
                got=f"{row['init']} n={row['events']} s{row['seed']} twice",
                need="one row per init, events and seed",
            )
        found = list(dict.fromkeys(cells["init"]))
        inits = [name for name in cls.arms if name in found] + sorted(set(found) - set(cls.arms))
        ordered = cells.sort_values(["events", "init", "seed"]).reset_index(drop=True)
        return cls(ordered, tuple(inits), tuple(sorted(int(n) for n in set(cells["events"]))))

    def rows(self, init: str, events: int) -> pd.DataFrame:
        """Select the rows of one arm and size.

        Parameters
        ----------
        init : str
            Arm.
        events : int
            Training events.

        Returns
        -------
        DataFrame
            One row per seed.
        """
        return self._by_arm.get((init, events), self.cells.iloc[:0])

    @cached_property
    def _by_arm(self) -> dict[tuple[str, int], pd.DataFrame]:
        """Rows by arm and size, by seed."""
        init, events = self.cells["init"], self.cells["events"]
        keys = [(name, n) for name in self.inits for n in self.events]
        return {(name, n): self.cells[(init == name) & (events == n)] for name, n in keys}

    def values(self, init: str, events: int, metric: str) -> pd.Series:
        """Return a metric of one arm and size by seed.

        Parameters
        ----------
        init : str
            Arm.
        events : int
            Training events.
        metric : str
            Column.

        Returns
        -------
        Series
            Indexed by seed, without missing values; empty if there is none.
        """
        if metric not in self.cells.columns:
            return pd.Series(dtype=float)
        rows = self.rows(init, events)
        values = rows[metric].to_numpy(dtype=float)
        return pd.Series(values, index=rows["seed"].to_numpy()).dropna().sort_index()

    def mean(self, init: str, events: int, metric: str) -> MeanInterval | None:
        """Average a metric over seeds.

        Parameters
        ----------
        init : str
            Arm.
        events : int
            Training events.
        metric : str
            Column.

        Returns
        -------
        MeanInterval or None
            None if no cell has it.
        """
        values = self.values(init, events, metric)
        return mean_interval(values.to_numpy()) if len(values) else None

    def gain(
        self, events: int, metric: str, candidate: str = "pretrained", reference: str = "scratch"
    ) -> PairedGain | None:
        """Compare two arms on the seeds that both have.

        Parameters
        ----------
        events : int
            Training events.
        metric : str
            Column.
        candidate, reference : str
            The two arms.

        Returns
        -------
        PairedGain or None
            Ratio or difference as the study compares the metric; None without a common seed.
        """
        first = self.values(candidate, events, metric)
        second = self.values(reference, events, metric)
        seeds = first.index.intersection(second.index)
        if len(seeds) == 0:
            return None
        return self.compare(metric, first[seeds].to_numpy(), second[seeds].to_numpy())

    @property
    def metrics(self) -> tuple[str, ...]:
        """Measured quantities among the columns, without their errors."""
        return tuple(
            name
            for name in self.cells.columns
            if name.startswith("test/") and not self.is_bookkeeping(name)
        )

    @staticmethod
    @abstractmethod
    def is_bookkeeping(metric: str) -> bool:
        """Whether a column is the error or a count of another one."""

    @staticmethod
    @abstractmethod
    def compare(metric: str, candidate: np.ndarray, reference: np.ndarray) -> PairedGain:
        """Return the gain of the candidate, paired by seed; positive or above 1 is better."""


def summary_table(comparison: CellComparison) -> pd.DataFrame:
    """Average every metric over seeds.

    Parameters
    ----------
    comparison : CellComparison
        The cells.

    Returns
    -------
    DataFrame
        ``events, init, metric, mean, std, lo, hi, seeds``; 95% Student-t interval of the mean.
    """
    rows = []
    for events in comparison.events:
        for init in comparison.inits:
            for metric in comparison.metrics:
                interval = comparison.mean(init, events, metric)
                if interval is not None:
                    numbers = (interval.mean, interval.sd, interval.low, interval.high, interval.n)
                    rows.append((events, init, metric, *numbers))
    columns = ["events", "init", "metric", "mean", "std", "lo", "hi", "seeds"]
    return pd.DataFrame(rows, columns=columns)


def flat_numbers(
    summary: pd.DataFrame, gains: pd.DataFrame, gain_name: Callable[[Any], str]
) -> dict[str, float | None]:
    """Flatten two tables for ``metrics.json`` and the summary run.

    Parameters
    ----------
    summary, gains : DataFrame
        From `summary_table` and the study's table of gains.
    gain_name : callable
        Row of the gains to the first part of its name, e.g. ``"gain"``.

    Returns
    -------
    dict of str to float or None
        ``<init>/n<events>/<metric>_mean|_std|_lo|_hi`` and ``<gain name>/n<events>/<metric>`` with
        ``_lo``, ``_hi``, ``_sigma``; None where there is one seed.
    """
    flat: dict[str, Any] = {}
    for row in summary.itertuples():
        name = f"{row.init}/n{row.events}/{str(row.metric).removeprefix('test/')}"
        flat |= {f"{name}_mean": row.mean, f"{name}_std": row.std}
        flat |= {f"{name}_lo": row.lo, f"{name}_hi": row.hi}
    for row in gains.itertuples():
        name = f"{gain_name(row)}/n{row.events}/{str(row.metric).removeprefix('test/')}"
        flat |= {name: row.gain, f"{name}_lo": row.lo, f"{name}_hi": row.hi}
        flat[f"{name}_sigma"] = row.sigma
    return {
        name: float(f"{value:.6g}") if np.isfinite(value) else None for name, value in flat.items()
    }
