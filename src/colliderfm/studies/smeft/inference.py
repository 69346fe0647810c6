"""Study smeft: what a latent says about Wilson coefficients, with intervals that can be checked.

The spectra determine few combinations of the coefficients, so those are inferred, not the
coefficients one by one. Simulated universes near a spectrum in the latent stand for the posterior: a
local linear regression carries each to the place of the spectrum, and quantiles of what remains give
the interval (approximate Bayesian computation with regression adjustment). It holds for any latent,
with quadratic terms and a prior that is far from Gaussian. Read next: ``interpretation.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from colliderfm.errors import PhysicsError

SIGNIFICANCE_LEVEL = 0.05
N_PERMUTATIONS = 200


@dataclass(frozen=True)
class Library:
    """Simulated universes that stand for the prior.

    Parameters
    ----------
    latent : ndarray, shape (M, D)
        Latent of one replica of each, in units in which distances make sense.
    parameters : ndarray, shape (M, P)
        What is to be inferred.
    """

    latent: np.ndarray
    parameters: np.ndarray


@dataclass(frozen=True)
class Intervals:
    """Inferred parameters of N spectra.

    Parameters
    ----------
    median, low, high : ndarray, shape (N, P)
        Central value and the central 68.27% interval.
    """

    median: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def covers(self, truth: np.ndarray) -> np.ndarray:
        """Return whether each interval contains the truth (N, P)."""
        return np.asarray((truth >= self.low) & (truth <= self.high))


def infer_parameters(library: Library, latent: np.ndarray, neighbors: int = 200) -> Intervals:
    """Infer parameters by regression among the nearest simulated universes.

    Parameters
    ----------
    library : Library
        Universes drawn from the prior.
    latent : ndarray, shape (N, D)
        Latents of spectra, in the units of the library.
    neighbors : int
        Universes that stand for the posterior of each.

    Returns
    -------
    Intervals

    Raises
    ------
    PhysicsError
        If the library is too small for the regression.

    Notes
    -----
    Weights fall as ``1 - (d / d_max)^2``. Intervals cover on average over the prior.

    References
    ----------
    M. Beaumont, W. Zhang and D. Balding, Genetics 162 (2002) 2025, section "Local linear regression".
    """
    n_library, width = library.latent.shape
    if not 2 * (width + 1) <= neighbors <= n_library:
        raise PhysicsError(
            "neighbors of the local regression",
            got=neighbors,
            need=f"{2 * (width + 1)} to {n_library}",
        )
    central = float(stats.chi2.cdf(1.0, 1))
    levels = np.array([0.5, 0.5 - central / 2, 0.5 + central / 2])
    shape = (len(latent), library.parameters.shape[1])
    results = np.empty((len(levels), *shape))
    for index, place in enumerate(latent):
        offset = library.latent - place
        squared = (offset**2).sum(axis=1)
        near = np.argpartition(squared, neighbors - 1)[:neighbors]
        weight = 1.0 - squared[near] / (squared[near].max() * 1.001 + 1e-30)
        adjusted = _regression_adjusted(offset[near], library.parameters[near], weight)
        results[:, index] = _weighted_quantiles(adjusted, weight, levels)
    return Intervals(*results)


def _regression_adjusted(
    offset: np.ndarray, parameters: np.ndarray, weight: np.ndarray
) -> np.ndarray:
    """Parameters of the neighbors, carried to offset zero along a weighted linear fit."""
    scale = offset.std(axis=0) + 1e-12
    design = np.column_stack([np.ones(len(offset)), offset / scale])
    normal = design.T @ (weight[:, None] * design)
    # A latent can be flat in some direction; the ridge leaves others as they are.
    normal += 1e-6 * weight.sum() * np.eye(len(normal))
    slope = np.linalg.solve(normal, design.T @ (weight[:, None] * parameters))
    fit = design @ slope
    # Residuals are too small by the degrees of freedom of the fit, whose own error comes on top.
    n_effective = weight.sum() ** 2 / (weight**2).sum()
    n_fitted = design.shape[1]
    inflation = np.sqrt((n_effective + n_fitted) / max(n_effective - n_fitted, 1.0))
    return np.asarray(slope[0] + inflation * (parameters - fit))


def _weighted_quantiles(values: np.ndarray, weight: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Quantiles (L, P) of the columns of values (K, P)."""
    order = np.argsort(values, axis=0)
    ordered = np.take_along_axis(values, order, axis=0)
    cumulative = np.cumsum(weight[order], axis=0)
    position = (cumulative - 0.5 * weight[order]) / cumulative[-1]
    columns = [
        np.interp(levels, position[:, column], ordered[:, column])
        for column in range(values.shape[1])
    ]
    return np.stack(columns, axis=1)


@dataclass(frozen=True)
class NullOperatorTest:
    """Does a latent know a coefficient? One permutation test per operator.

    Parameters
    ----------
    explained : ndarray, shape (K,)
        Share of the variance of rank and size of the coefficient that the latent explains.
    explained_by_chance : ndarray, shape (K,)
        Mean of the same over permutations.
    p_value : ndarray, shape (K,)
        Probability of at least this much without any relation.
    """

    explained: np.ndarray
    explained_by_chance: np.ndarray
    p_value: np.ndarray

    def flagged(self, is_inert: np.ndarray, level: float = SIGNIFICANCE_LEVEL) -> np.ndarray:
        """Return the inert operators that come out as constrained, shape (K,)."""
        return np.asarray(is_inert & (self.p_value < level))


def null_operator_test(
    latent: np.ndarray,
    wilson: np.ndarray,
    rng: np.random.Generator,
    n_permutations: int = N_PERMUTATIONS,
) -> NullOperatorTest:
    """Test every coefficient for a relation with the latent.

    Parameters
    ----------
    latent : ndarray, shape (M, D)
        Latents of universes that were not used to make the latent.
    wilson : ndarray, shape (M, K)
        Their coefficients.
    rng : numpy.random.Generator
        Draws the permutations.
    n_permutations : int
        The smallest p-value is one over one more than this.

    Returns
    -------
    NullOperatorTest

    Notes
    -----
    Ranks of the latent axes with their products explain the rank of C and the rank of its size;
    ranks, because both are heavy-tailed. An operator without effect on the spectrum gives uniform
    p-values whatever the latent is, so more flags than chance allows mean that the method invents
    constraints.
    """
    scores = _normal_scores(latent)
    first, second = np.triu_indices(scores.shape[1])
    design = np.column_stack([np.ones(len(scores)), scores, scores[:, first] * scores[:, second]])
    basis = np.linalg.qr(design)[0]
    targets = np.stack([_standard_ranks(wilson), _standard_ranks(np.abs(wilson))])

    def explained_by(rows: np.ndarray) -> np.ndarray:
        projected = basis[rows].T @ targets.reshape(2, len(wilson), -1)
        return np.asarray((projected**2).sum(axis=1).mean(axis=0) / len(wilson))

    found = explained_by(np.arange(len(wilson)))
    by_chance = np.stack(
        [explained_by(rng.permutation(len(wilson))) for _ in range(n_permutations)]
    )
    n_above = (by_chance >= found - 1e-12).sum(axis=0)
    return NullOperatorTest(found, by_chance.mean(axis=0), (1.0 + n_above) / (1.0 + n_permutations))


def _standard_ranks(values: np.ndarray) -> np.ndarray:
    """Ranks of each column with mean 0 and variance 1; a constant column stays zero."""
    ranks = stats.rankdata(values, axis=0)
    spread = ranks.std(axis=0)
    return np.asarray((ranks - ranks.mean(axis=0)) / np.where(spread > 0.0, spread, 1.0))


def _normal_scores(values: np.ndarray) -> np.ndarray:
    """Gaussian quantiles of the ranks of each column."""
    return np.asarray(stats.norm.ppf((stats.rankdata(values, axis=0) - 0.5) / len(values)))
