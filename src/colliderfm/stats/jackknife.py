"""Error of a statistic from what it becomes without one group of events after the other."""

from __future__ import annotations

import numpy as np


def jackknife_error(values: np.ndarray) -> float:
    """Return the delete-a-group jackknife error.

    Parameters
    ----------
    values : ndarray, shape (G,)
        The statistic without group g, for G groups of equal size.

    Returns
    -------
    float
        ``sqrt((G - 1) / G * sum((values - mean)^2))``; for a mean it is the standard error of the
        group means. NaN if a value is not finite or there are fewer than two groups.

    References
    ----------
    B. Efron, The Jackknife, the Bootstrap and Other Resampling Plans (SIAM, 1982), eq. 3.3.
    """
    if len(values) < 2 or not np.isfinite(values).all():
        return float("nan")
    n_groups = len(values)
    return float(np.sqrt((n_groups - 1) / n_groups * np.square(values - values.mean()).sum()))
