"""Study haa, third step: cells of a comparison to means over seeds, paired gains and verdicts.

A table of cells has one row per (init, events, seed) with these columns and the ``test/...``
metrics. Gains compare the pretrained with the scratch arm on the same seeds, hence on the same
training events: differences for AUC and efficiencies, ratios for rejections.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from colliderfm.errors import DataError
from colliderfm.stats.intervals import (
    MeanInterval,
    PairedGain,
    mean_interval,
    paired_gain,
    paired_ratio,
    verdict,
)

HEADLINE_METRICS = ("test/auc", "test/rejection_at_50", "test/rejection_at_25")
RATIO_METRICS = ("rejection_at", "max_sic")
BOOKKEEPING = ("_bootstrap", "_limit", "_n_background", "_error", "_signal_efficiency")


@dataclass(frozen=True)
class Comparison:
    """The cells of a comparison, checked and sorted.

    Parameters
    ----------
    cells : DataFrame
        One row per cell.
    inits : tuple of str
        Arms present, in the order scratch, pretrained, others.
    events : tuple of int
        Training sizes present, rising.
    """

    cells: pd.DataFrame
    inits: tuple[str, ...]
    events: tuple[int, ...]

    @classmethod
    def of_cells(cls, cells: pd.DataFrame) -> Comparison:
        """Check the cells and find the grid.

        Parameters
        ----------
        cells : DataFrame
            One row per cell.

        Returns
        -------
        Comparison
            The grid.

        Raises
        ------
        DataError
            If a column is missing or a cell occurs twice.
        """
        keys = ["init", "events", "seed"]
        missing = [name for name in (*keys, "test/auc") if name not in cells.columns]
        if missing or cells.empty:
            raise DataError(
                "cells of the haa comparison",
                got=f"{len(cells)} rows without {', '.join(missing)}" if missing else "no row",
                need="init, events, seed and test/... of every cell",
            )
        twice = cells[cells.duplicated(keys)]
        if len(twice):
            row = twice.iloc[0]
            raise DataError(
                "cells of the haa comparison",
                got=f"{row['init']} n={row['events']} s{row['seed']} twice",
                need="one row per init, events and seed",
            )
        order = ["scratch", "pretrained"]
        found = list(dict.fromkeys(cells["init"]))
        inits = [name for name in order if name in found] + sorted(set(found) - set(order))
        ordered = cells.sort_values(["events", "init", "seed"]).reset_index(drop=True)
        return cls(ordered, tuple(inits), tuple(sorted(int(n) for n in set(cells["events"]))))

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
        rows = self.cells[(self.cells["init"] == init) & (self.cells["events"] == events)]
        return rows.set_index("seed")[metric].astype(float).dropna().sort_index()

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
            Ratio for rejections, else difference; None without a common seed.
        """
        first = self.values(candidate, events, metric)
        second = self.values(reference, events, metric)
        seeds = first.index.intersection(second.index)
        if len(seeds) == 0:
            return None
        compare = paired_ratio if is_ratio(metric) else paired_gain
        return compare(first[seeds].to_numpy(), second[seeds].to_numpy())

    @property
    def metrics(self) -> tuple[str, ...]:
        """Measured quantities among the columns, without their errors and counts."""
        return tuple(
            name
            for name in self.cells.columns
            if name.startswith("test/") and not any(part in name for part in BOOKKEEPING)
        )


def is_ratio(metric: str) -> bool:
    """Say whether a metric is compared by ratio.

    Parameters
    ----------
    metric : str
        Name of the metric.

    Returns
    -------
    bool
        True for rejections and significance improvements.
    """
    return any(part in metric for part in RATIO_METRICS)


def summary_table(comparison: Comparison) -> pd.DataFrame:
    """Average every metric over seeds.

    Parameters
    ----------
    comparison : Comparison
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


def gain_table(comparison: Comparison) -> pd.DataFrame:
    """Compare the pretrained with the scratch arm in every metric.

    Parameters
    ----------
    comparison : Comparison
        The cells.

    Returns
    -------
    DataFrame
        ``events, metric, kind, gain, lo, hi, sigma, seeds, verdict``.
    """
    rows = []
    for events in comparison.events:
        for metric in comparison.metrics:
            gain = comparison.gain(events, metric)
            if gain is None:
                continue
            kind = "ratio" if gain.is_ratio else "difference"
            numbers = (gain.gain, gain.low, gain.high, gain.significance, gain.n)
            rows.append((events, metric, kind, *numbers, verdict(gain)))
    columns = ["events", "metric", "kind", "gain", "lo", "hi", "sigma", "seeds", "verdict"]
    return pd.DataFrame(rows, columns=columns)


def flat_metrics(comparison: Comparison) -> dict[str, float | None]:
    """Flatten both tables for ``metrics.json`` and the summary run.

    Parameters
    ----------
    comparison : Comparison
        The cells.

    Returns
    -------
    dict of str to float or None
        ``<init>/n<events>/<metric>_mean|_std|_lo|_hi`` and
        ``gain/n<events>/<metric>`` with ``_lo``, ``_hi``, ``_sigma``; None where there is one seed.
    """
    flat: dict[str, float] = {}
    for row in summary_table(comparison).itertuples():
        name = f"{row.init}/n{row.events}/{row.metric.removeprefix('test/')}"
        flat |= {f"{name}_mean": row.mean, f"{name}_std": row.std}
        flat |= {f"{name}_lo": row.lo, f"{name}_hi": row.hi}
    for row in gain_table(comparison).itertuples():
        name = f"gain/n{row.events}/{row.metric.removeprefix('test/')}"
        flat |= {name: row.gain, f"{name}_lo": row.lo, f"{name}_hi": row.hi}
        flat[f"{name}_sigma"] = row.sigma
    return {
        name: float(f"{value:.6g}") if np.isfinite(value) else None for name, value in flat.items()
    }
