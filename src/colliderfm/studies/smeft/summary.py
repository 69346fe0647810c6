"""Study smeft, cells of a comparison to means over seeds, paired gains and verdicts.

A table of cells has one row per (init, events, seed); ``events`` counts labelled replicas. Gains
compare two arms on the same seeds, hence on the same labelled replicas.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from colliderfm.errors import DataError
from colliderfm.stats.intervals import (
    MeanInterval,
    PairedGain,
    mean_interval,
    paired_gain,
    verdict,
)
from colliderfm.studies.smeft.arm_styles import ARMS, LINEAR_ARMS

ACCURACY = "test/universe_accuracy"
# What the headline shows; in all but the calibration error larger is better.
HEADLINE_METRICS = {
    ACCURACY: "accuracy",
    "test/accuracy_over_bayes": "accuracy / Bayes",
    "test/ood_auroc": "anomaly AUROC",
    "test/retrieval_recall": "retrieval recall",
    "test/fisher_rank_correlation": "rank correlation with Fisher distance",
}
BOOKKEEPING = ("_bootstrap_error", "sigma_error", "coverage_error", "_nominal", "_expected")
SMALLER_IS_BETTER = ("calibration_error", "null_operator_flags", "log_loss", "difference_deg")
# Neither more nor less of these is better, or they do not depend on the arm.
NEUTRAL = (
    *(
        "bayes_",
        "captured_",
        "coverage",
        "p_value",
        "constrained_",
        "trajectory_",
        "_width",
        "within_3",
    ),
    *("recall_mahalanobis", "recall_pca", "correlation_pca"),
)
Key = tuple[str, int, int]


@dataclass(frozen=True)
class Comparison:
    """The cells of a comparison, checked and sorted.

    Parameters
    ----------
    cells : DataFrame
        One row per cell.
    inits : tuple of str
        Arms present, in the order of `ARMS`, others last.
    events : tuple of int
        Numbers of labelled replicas present, rising.
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
        missing = [name for name in (*keys, ACCURACY) if name not in cells.columns]
        if missing or cells.empty:
            raise DataError(
                "cells of the smeft comparison",
                got=f"{len(cells)} rows without {', '.join(missing)}" if missing else "no row",
                need="init, events, seed and test/... of every cell",
            )
        twice = cells[cells.duplicated(keys)]
        if len(twice):
            row = twice.iloc[0]
            raise DataError(
                "cells of the smeft comparison",
                got=f"{row['init']} n={row['events']} s{row['seed']} twice",
                need="one row per init, events and seed",
            )
        found = list(dict.fromkeys(cells["init"]))
        inits = [name for name in ARMS if name in found] + sorted(set(found) - set(ARMS))
        ordered = cells.sort_values(["events", "init", "seed"]).reset_index(drop=True)
        return cls(ordered, tuple(inits), tuple(sorted(int(n) for n in set(cells["events"]))))

    def rows(self, init: str, events: int) -> pd.DataFrame:
        """Select the rows of one arm and size.

        Parameters
        ----------
        init : str
            Arm.
        events : int
            Labelled replicas.

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
            Labelled replicas.
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
            Labelled replicas.
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
            Labelled replicas.
        metric : str
            Column.
        candidate, reference : str
            The two arms.

        Returns
        -------
        PairedGain or None
            Difference, positive if the candidate is better; None without a common seed.
        """
        first = self.values(candidate, events, metric)
        second = self.values(reference, events, metric)
        seeds = first.index.intersection(second.index)
        if len(seeds) == 0:
            return None
        sign = -1.0 if any(part in metric for part in SMALLER_IS_BETTER) else 1.0
        return paired_gain(sign * first[seeds].to_numpy(), sign * second[seeds].to_numpy())

    @property
    def metrics(self) -> tuple[str, ...]:
        """Measured quantities among the columns, without their errors."""
        return tuple(
            name
            for name in self.cells.columns
            if name.startswith("test/") and not name.endswith(BOOKKEEPING)
        )


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
    """Compare the pretrained arm with scratch and with each linear method in every metric.

    Parameters
    ----------
    comparison : Comparison
        The cells.

    Returns
    -------
    DataFrame
        ``events, reference, metric, gain, lo, hi, sigma, seeds, verdict``; positive gains are
        better, whatever the sign of the metric.
    """
    rows = []
    tested = [m for m in comparison.metrics if not any(part in m for part in NEUTRAL)]
    for events in comparison.events:
        for reference in ("scratch", *LINEAR_ARMS, "untrained"):
            for metric in tested:
                gain = comparison.gain(events, metric, reference=reference)
                if gain is not None:
                    numbers = (gain.gain, gain.low, gain.high, gain.significance, gain.n)
                    rows.append((events, reference, metric, *numbers, verdict(gain)))
    columns = ["events", "reference", "metric", "gain", "lo", "hi", "sigma", "seeds", "verdict"]
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
        ``<init>/n<events>/<metric>_mean|_std|_lo|_hi`` and ``gain_over_<reference>/n<events>/
        <metric>`` with ``_lo``, ``_hi``, ``_sigma``; None where there is one seed.
    """
    flat: dict[str, Any] = {}
    for row in summary_table(comparison).itertuples():
        name = f"{row.init}/n{row.events}/{str(row.metric).removeprefix('test/')}"
        flat |= {f"{name}_mean": row.mean, f"{name}_std": row.std}
        flat |= {f"{name}_lo": row.lo, f"{name}_hi": row.hi}
    for row in gain_table(comparison).itertuples():
        metric = str(row.metric).removeprefix("test/")
        name = f"gain_over_{row.reference}/n{row.events}/{metric}"
        flat |= {name: row.gain, f"{name}_lo": row.lo, f"{name}_hi": row.hi}
        flat[f"{name}_sigma"] = row.sigma
    return {
        name: float(f"{value:.6g}") if np.isfinite(value) else None for name, value in flat.items()
    }
