"""What many tests at once leave standing: two-sided p-values of gains and Holm's correction.

Below a study's gains: a page with fifty tests at two sigma shows two or three by chance.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from colliderfm.errors import PhysicsError
from colliderfm.stats.intervals import PairedGain

FAMILY_ERROR = 0.05


def p_value(gain: PairedGain) -> float:
    """Return the two-sided p-value of a gain.

    Parameters
    ----------
    gain : PairedGain
        Paired by seed.

    Returns
    -------
    float
        Of Student's t with one degree of freedom less than pairs; NaN for one pair.

    Examples
    --------
    >>> from colliderfm.stats.intervals import paired_gain
    >>> round(p_value(paired_gain([1.0, 3.0], [0.0, 0.0])), 4)  # t = 2, 1 - 2 arctan(2) / pi
    0.2952
    """
    return float(2.0 * stats.t.sf(abs(gain.t), gain.n - 1)) if gain.n > 1 else float("nan")


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Correct p-values for their number, whatever the dependence between the tests.

    Parameters
    ----------
    p_values : sequence of float, length m
        One per test.

    Returns
    -------
    ndarray, shape (m,)
        The k-th smallest is multiplied by m - k + 1; none falls below a smaller one before it, none
        exceeds 1. What is below 0.05 holds with an error of 5% for the whole family.

    Raises
    ------
    PhysicsError
        If a number is not in [0, 1].

    References
    ----------
    S. Holm, A simple sequentially rejective multiple test procedure, Scand. J. Statist. 6 (1979) 65.

    Examples
    --------
    >>> [round(float(p), 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    values = np.asarray(p_values, dtype=float)
    if not ((values >= 0.0) & (values <= 1.0)).all():
        raise PhysicsError("p-values", got=list(p_values), need="numbers in [0, 1]")
    order = np.argsort(values, kind="stable")
    factors = np.arange(values.size, 0, -1)
    corrected = np.empty_like(values)
    corrected[order] = np.minimum(np.maximum.accumulate(values[order] * factors), 1.0)
    return corrected
