"""Study haa: gains over scratch of several encoders as one table, corrected for the number of tests.

Both arms of a row stand on the same seeds, whatever else was run. Read next: ``variants.py``, the page.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import pandas as pd

from colliderfm.config.sections import Variant
from colliderfm.errors import DataError
from colliderfm.stats.intervals import verdict
from colliderfm.studies.haa.summary import HEADLINE_METRICS, Comparison
from colliderfm.studies.multiple_tests import FAMILY_ERROR, holm, p_value

ARMS = ("scratch", "pretrained")
COLUMNS = (
    *("variant", "events", "fraction", "metric", "seeds"),
    *("scratch_mean", "scratch_std", "pretrained_mean", "pretrained_std"),
    *("kind", "gain", "lo", "hi", "sigma", "verdict", "p"),
)


def paired_comparisons(
    tables: Mapping[str, pd.DataFrame],
) -> tuple[dict[str, Comparison], list[str]]:
    """Keep the cells of which both arms were run with the same seed and size.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Cells by name of the encoder.

    Returns
    -------
    comparisons : dict of str to Comparison
        In the order of the pretraining variants, other names last; without those that have no pair.
    alone : list of str
        Cells left out because the other arm is missing.

    Raises
    ------
    DataError
        If the cells are no comparison or no encoder has a pair.
    """
    known = get_args(Variant)
    order = [name for name in known if name in tables] + sorted(set(tables) - set(known))
    comparisons, alone = {}, []
    for name in order:
        cells = Comparison.of_cells(tables[name]).cells
        cells = cells[cells["init"].isin(ARMS)]
        is_pair = cells.groupby(["events", "seed"])["init"].transform("nunique") == len(ARMS)
        alone += [
            f"{name}: {row.init} n={row.events} s{row.seed} has no partner"
            for row in cells[~is_pair].itertuples()
        ]
        if is_pair.any():
            comparisons[name] = Comparison.of_cells(cells[is_pair])
    if not comparisons:
        raise DataError(
            "gains of encoders over scratch",
            got=f"{', '.join(order) or 'no encoder'} without a pair of runs",
            need="scratch and pretrained with the same events and seed",
        )
    return comparisons, alone


def variant_table(comparisons: Mapping[str, Comparison]) -> pd.DataFrame:
    """Compare every encoder with scratch at every size in the headline metrics.

    Parameters
    ----------
    comparisons : mapping of str to Comparison
        From `paired_comparisons`.

    Returns
    -------
    DataFrame
        `COLUMNS` and ``p_holm``: the two-sided p-value corrected for all tests of this table; NaN
        where there is one seed.
    """
    rows = []
    for name, comparison in comparisons.items():
        for events in comparison.events:
            for metric in HEADLINE_METRICS:
                rows.append(_row(name, comparison, events, metric))
    table = pd.DataFrame([row for row in rows if row], columns=list(COLUMNS))
    tested = table["p"].notna()
    table.loc[tested, "p_holm"] = holm(table.loc[tested, "p"].tolist())
    return table


def surviving(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that the correction for many tests leaves at 5%.

    Parameters
    ----------
    table : DataFrame
        From `variant_table`.

    Returns
    -------
    DataFrame
        Its rows with ``p_holm`` below 0.05.
    """
    return table[table["p_holm"] < FAMILY_ERROR]


def _row(name: str, comparison: Comparison, events: int, metric: str) -> tuple[object, ...] | None:
    """One row of the table; None where the metric was not measured."""
    gain = comparison.gain(events, metric)
    arms = [comparison.mean(init, events, metric) for init in ARMS]
    if gain is None or arms[0] is None or arms[1] is None:
        return None
    fraction = float(comparison.values("scratch", events, "fraction").iloc[0])
    kind = "ratio" if gain.is_ratio else "difference"
    return (
        *(name, events, fraction, metric, gain.n),
        *(arms[0].mean, arms[0].sd, arms[1].mean, arms[1].sd),
        *(kind, gain.gain, gain.low, gain.high, gain.significance, verdict(gain), p_value(gain)),
    )
