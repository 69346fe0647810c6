"""Means over seeds, paired gains between two arms, and the words that may be said about them.

A bootstrap over test events knows nothing of the training subset or the initial weights, so it is
not an error on a gain. The repetition that counts is the seed: both arms train on the same subset
of each seed, the difference is taken seed by seed, and Student's t says how far its mean is known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from colliderfm.errors import PhysicsError

NO_DIFFERENCE = "no difference seen"
MIN_SIGNIFICANCE = 2.0


@dataclass(frozen=True)
class MeanInterval:
    """Mean of a metric over seeds with its Student-t interval.

    Parameters
    ----------
    mean : float
        Arithmetic mean.
    sd : float
        Sample standard deviation (n - 1) over seeds; NaN for one seed.
    low, high : float
        Interval of the mean; NaN for one seed.
    n : int
        Number of seeds.
    """

    mean: float
    sd: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class PairedGain:
    """Gain of one arm over another, paired seed by seed.

    Parameters
    ----------
    gain : float
        Mean difference, or the geometric mean of the ratios if ``is_ratio``.
    low, high : float
        Student-t interval of the gain; NaN for one pair.
    sd : float
        Standard deviation of the difference (of the log ratio if ``is_ratio``) over seeds.
    t : float
        Mean difference (log ratio) over its standard error.
    significance : float
        Two-sided p-value of ``t`` as a number of Gaussian sigma, with the sign of the gain.
    n : int
        Number of pairs.
    is_ratio : bool
        Whether 1 (True) or 0 (False) means no gain.
    """

    gain: float
    low: float
    high: float
    sd: float
    t: float
    significance: float
    n: int
    is_ratio: bool


def mean_interval(values: ArrayLike, level: float = 0.95) -> MeanInterval:
    """Average a metric over seeds.

    Parameters
    ----------
    values : array_like, shape (S,)
        One number per seed.
    level : float
        Confidence level of the interval.

    Returns
    -------
    MeanInterval
        Mean, sample standard deviation and Student-t interval of the mean.

    Raises
    ------
    PhysicsError
        If there is no value or one is not finite.

    Examples
    --------
    >>> round(mean_interval([1.0, 2.0, 3.0]).high, 3)  # 2 + 4.3027 / sqrt(3)
    4.484
    """
    seeds = _finite(values, "values of a mean over seeds")
    mean = float(seeds.mean())
    if seeds.size == 1:
        return MeanInterval(mean, float("nan"), float("nan"), float("nan"), 1)
    sd = float(seeds.std(ddof=1))
    half = float(stats.t.ppf(0.5 + level / 2, seeds.size - 1)) * sd / np.sqrt(seeds.size)
    return MeanInterval(mean, sd, mean - half, mean + half, int(seeds.size))


def paired_gain(candidate: ArrayLike, reference: ArrayLike, level: float = 0.95) -> PairedGain:
    """Difference candidate - reference, paired by seed.

    Parameters
    ----------
    candidate, reference : array_like, shape (S,)
        The same metric of the two arms, seed by seed in the same order.
    level : float
        Confidence level of the interval.

    Returns
    -------
    PairedGain
        Mean difference with its Student-t interval.

    Raises
    ------
    PhysicsError
        If the two differ in length, are empty or hold a value that is not finite.
    """
    first, second = _pairs(candidate, reference)
    return _gain(first - second, level, is_ratio=False)


def paired_ratio(candidate: ArrayLike, reference: ArrayLike, level: float = 0.95) -> PairedGain:
    """Geometric mean of candidate / reference, paired by seed.

    Parameters
    ----------
    candidate, reference : array_like, shape (S,)
        The same positive metric (e.g. a background rejection) of the two arms.
    level : float
        Confidence level of the interval.

    Returns
    -------
    PairedGain
        Ratio with the exponentiated Student-t interval of the mean log ratio.

    Raises
    ------
    PhysicsError
        If the two differ in length, are empty, or hold a value that is not finite and positive.
    """
    first, second = _pairs(candidate, reference)
    if first.min() <= 0 or second.min() <= 0:
        raise PhysicsError(
            "a paired ratio needs positive values",
            got=float(min(first.min(), second.min())),
            need="> 0",
        )
    return _gain(np.log(first / second), level, is_ratio=True)


def verdict(gain: PairedGain, subject: str = "pretraining") -> str:
    """Say what a paired gain allows to be said.

    Parameters
    ----------
    gain : PairedGain
        Result of `paired_gain` or `paired_ratio`, larger meaning better.
    subject : str
        What the candidate arm has and the reference lacks.

    Returns
    -------
    str
        ``"<subject> helps"`` or ``"<subject> hurts"`` from two sigma on, else
        ``"no difference seen"``; with one seed ``"one seed: not tested"``.
    """
    if gain.n < 2:
        return "one seed: not tested"
    if abs(gain.significance) < MIN_SIGNIFICANCE:
        return NO_DIFFERENCE
    return f"{subject} {'helps' if gain.significance > 0 else 'hurts'}"


def _gain(differences: np.ndarray, level: float, *, is_ratio: bool) -> PairedGain:
    """Turn (S,) paired differences (or log ratios) into a gain."""
    summary = mean_interval(differences, level)
    scale = np.exp if is_ratio else float
    error = summary.sd / np.sqrt(summary.n)
    if summary.n == 1:
        t = significance = float("nan")
    elif error == 0:
        t = significance = float(np.sign(summary.mean) * np.inf) if summary.mean else 0.0
    else:
        t = summary.mean / error
        # t = 2 from three seeds is far from two sigma: quote the p-value as Gaussian sigma.
        significance = float(np.sign(t) * stats.norm.isf(stats.t.sf(abs(t), summary.n - 1)))
    return PairedGain(
        gain=float(scale(summary.mean)),
        low=float(scale(summary.low)),
        high=float(scale(summary.high)),
        sd=summary.sd,
        t=float(t),
        significance=significance,
        n=summary.n,
        is_ratio=is_ratio,
    )


def _pairs(candidate: ArrayLike, reference: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Both arms as float arrays of one length."""
    first = _finite(candidate, "candidate values of a paired gain")
    second = _finite(reference, "reference values of a paired gain")
    if first.size != second.size:
        raise PhysicsError(
            "a paired gain needs the same seeds in both arms",
            got=f"{first.size} and {second.size} values",
        )
    return first, second


def _finite(values: ArrayLike, what: str) -> np.ndarray:
    """(S,) float array, refused if empty or not finite."""
    array = np.atleast_1d(np.asarray(values, dtype=float))
    if array.ndim != 1 or array.size == 0 or not np.isfinite(array).all():
        raise PhysicsError(what, got=values, need="at least one value, all finite")
    return array
