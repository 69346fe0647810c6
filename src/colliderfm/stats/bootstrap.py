"""Poisson bootstrap over events: one seeded table of replica counts, shared by all metrics.

Sharing the table keeps metrics of one test set correlated as they are in truth, so the error of a
difference or of a geometric mean over masses comes out right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from colliderfm.errors import PhysicsError

_STREAM = 0xB007


@dataclass(frozen=True)
class BootstrapInterval:
    """Spread of a statistic over bootstrap replicas.

    Parameters
    ----------
    error : float
        Standard deviation over replicas.
    low, high : float
        Percentile interval.
    """

    error: float
    low: float
    high: float


def replica_counts(n_events: int, n_replicas: int, seed: int) -> np.ndarray:
    """How often each event occurs in each replica: independent Poisson counts of mean one.

    Parameters
    ----------
    n_events : int
        Number of events.
    n_replicas : int
        Number of replicas.
    seed : int
        Seed of the generator; equal arguments give equal counts.

    Returns
    -------
    ndarray, shape (R, B), uint8
        Counts; multiply the event weights with them.

    Raises
    ------
    PhysicsError
        If a number is not positive.

    References
    ----------
    Poisson bootstrap: Chamandy et al., Google technical report (2012); it is the multinomial one
    without the constraint on the total, which drops out of efficiencies.
    """
    if n_events < 1 or n_replicas < 1:
        raise PhysicsError(
            "a bootstrap needs events and replicas", got=f"{n_events} and {n_replicas}", need=">= 1"
        )
    # Inverse of the Poisson distribution by table: far faster than rng.poisson for unit mean.
    # A stream of its own: data drawn from the same seed must not be correlated with the counts.
    rng = np.random.default_rng([_STREAM, seed])
    uniform = rng.random((n_replicas, n_events), dtype=np.float32)
    steps = np.exp(-1.0) * np.cumsum(1.0 / np.cumprod([1.0, *range(1, 10)]))
    return np.searchsorted(steps.astype(np.float32), uniform, side="right").astype(np.uint8)


def summarize(replicas: np.ndarray, level: float = 0.95) -> BootstrapInterval:
    """Spread of a statistic that was evaluated on every replica.

    Parameters
    ----------
    replicas : ndarray, shape (R,)
        The statistic per replica; values that are not finite are left out.
    level : float
        Coverage of the percentile interval.

    Returns
    -------
    BootstrapInterval
        Standard deviation and interval; NaN if fewer than two replicas are finite.
    """
    finite = replicas[np.isfinite(replicas)]
    if finite.size < 2:
        return BootstrapInterval(float("nan"), float("nan"), float("nan"))
    low, high = np.quantile(finite, [0.5 - level / 2, 0.5 + level / 2])
    return BootstrapInterval(float(finite.std(ddof=1)), float(low), float(high))
