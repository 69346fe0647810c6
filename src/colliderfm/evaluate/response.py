"""Predicted over true value in bins of the true one, with errors by bootstrap over events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from colliderfm.evaluate.event_bands import event_errors
from colliderfm.evaluate.regression import central_68


@dataclass(frozen=True)
class Response:
    """Predicted over true value in bins of the true one.

    Parameters
    ----------
    edges : ndarray, shape (K + 1,)
        Bin edges in the unit of the values.
    median, low, high : ndarray, shape (K,)
        Median and ends of the central 68% of predicted / true; NaN in empty bins.
    n : ndarray, shape (K,), int64
        Number of values.
    median_error : ndarray, shape (K,)
        Bootstrap error of the median, over events; NaN below two values.
    """

    edges: np.ndarray
    median: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n: np.ndarray
    median_error: np.ndarray


def response(
    predicted: np.ndarray, true: np.ndarray, event: np.ndarray, edges: np.ndarray
) -> Response:
    """Measure predicted over true values in bins of the true ones.

    Parameters
    ----------
    predicted, true : ndarray, shape (n,)
        One quantity, in one unit; true values above zero.
    event : ndarray, shape (n,), int
        Event of each value.
    edges : ndarray, shape (K + 1,)
        Increasing bin edges; a value at an edge belongs to the bin above it.

    Returns
    -------
    Response
        K bins.
    """
    bin_of = np.digitize(true, edges) - 1
    ratio = np.divide(predicted, true, out=np.full(len(true), np.nan), where=true > 0)
    chosen = [(bin_of == k) & (true > 0) for k in range(len(edges) - 1)]
    central = [central_68(ratio[rows]) for rows in chosen]
    low, median, high = np.array(central, dtype=np.float64).reshape(-1, 3).T
    counts = np.array([rows.sum() for rows in chosen], dtype=np.int64)
    errors = np.array([_median_error(ratio[rows], event[rows]) for rows in chosen])
    return Response(np.asarray(edges), median, low, high, counts, errors)


def _median_error(values: np.ndarray, event: np.ndarray) -> float:
    if len(values) < 2:
        return float("nan")
    events, place = np.unique(event, return_inverse=True)

    def median(counts: np.ndarray) -> float:
        drawn = np.repeat(values, counts[place])
        return float(np.median(drawn)) if len(drawn) else float("nan")

    return event_errors({"median": median}, len(events))["median"]
