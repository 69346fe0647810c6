"""Universes: points in the space of Wilson coefficients and the spectra they predict.

Read next: ``wilson_sampling`` for the priors, ``replicas`` for the noise.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from colliderfm.physics.noise_model import IntArray
from colliderfm.physics.spectrum_table import Array, SpectrumTable
from colliderfm.physics.wilson_sampling import (
    COEFFICIENTS,
    GAUSSIAN_WIDTH,
    N_CONTRIBUTING,
    Order,
    Sampling,
    Sparsity,
    check_choice,
    informed_widths,
    sample_wilson,
)

__all__ = [
    "COEFFICIENTS",
    "N_CONTRIBUTING",
    "Order",
    "Sampling",
    "Sparsity",
    "Universes",
    "informed_widths",
    "make_universes",
    "sample_wilson",
    "universes_at",
]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Universes:
    """U points of the theory with their spectra.

    Parameters
    ----------
    wilson : ndarray, shape (U, 31)
        Wilson coefficients, columns ``COEFFICIENTS``: the contributing ones, then the inert ones.
    mean_pb_per_gev : ndarray, shape (U, B), pb/GeV
        Predicted spectra, negative bins and all.
    n_negative_bins : ndarray, shape (U,), int
        Bins below zero, possible at linear order only.
    order : {"sm", "linear", "quadratic"}
        Where the series in the coefficients is cut.
    sampling, sparsity : str
        How the coefficients were drawn.
    seed : int
        Seed of the draw.
    """

    wilson: Array
    mean_pb_per_gev: Array
    n_negative_bins: IntArray
    order: Order
    sampling: Sampling
    sparsity: Sparsity
    seed: int

    def __len__(self) -> int:
        return len(self.wilson)

    @property
    def n_with_negative_bins(self) -> int:
        """Number of universes with at least one negative bin."""
        return int((self.n_negative_bins > 0).sum())

    def subset(self, index: IntArray) -> Universes:
        """Pick some of the universes.

        Parameters
        ----------
        index : ndarray, int or bool
            Which, in which order.

        Returns
        -------
        Universes
            Those.
        """
        return replace(
            self,
            wilson=self.wilson[index],
            mean_pb_per_gev=self.mean_pb_per_gev[index],
            n_negative_bins=self.n_negative_bins[index],
        )


def make_universes(
    table: SpectrumTable,
    n: int,
    seed: int,
    *,
    order: Order = "quadratic",
    sampling: Sampling = "log_uniform",
    sparsity: Sparsity = "coefficient",
) -> Universes:
    """Draw universes and predict their spectra.

    Parameters
    ----------
    table : SpectrumTable
        Theory.
    n : int
        Number of universes.
    seed : int
        Seed.
    order : {"linear", "quadratic"}
        Where the series is cut; linear spectra can be negative.
    sampling, sparsity : str
        As for ``sample_wilson``; ``informed`` takes the widths of ``informed_widths``.

    Returns
    -------
    Universes
        With their negative bins counted, never clipped.

    Raises
    ------
    ConfigError
        As for ``sample_wilson``.
    PhysicsError
        If the table lacks the terms of that order.
    """
    widths: Array | float = GAUSSIAN_WIDTH
    if sampling == "informed":
        widths = informed_widths(table, order=order)
    wilson = sample_wilson(n, seed, sampling, sparsity, widths)
    universes = universes_at(
        table, wilson, order=order, sampling=sampling, sparsity=sparsity, seed=seed
    )
    if universes.n_with_negative_bins:
        log.warning(
            "%d of %d universes have negative cross sections (%d bins): order %s",
            *(universes.n_with_negative_bins, n, universes.n_negative_bins.sum(), order),
        )
    return universes


def universes_at(
    table: SpectrumTable,
    wilson: Array,
    *,
    order: Order = "quadratic",
    sampling: Sampling = "log_uniform",
    sparsity: Sparsity = "coefficient",
    seed: int = 0,
) -> Universes:
    """Predict the spectra of given Wilson coefficients.

    Parameters
    ----------
    table : SpectrumTable
        Theory.
    wilson : ndarray, shape (U, 31)
        Columns ``COEFFICIENTS``.
    order : {"sm", "linear", "quadratic"}
        Where the series is cut.
    sampling, sparsity, seed
        Kept as a record of how they were drawn.

    Returns
    -------
    Universes
        With their negative bins counted, never clipped.

    Raises
    ------
    PhysicsError
        If the table lacks the terms of that order.
    """
    check_choice("order", order, ("sm", "linear", "quadratic"))
    mean = table.predict_pb(wilson[:, :N_CONTRIBUTING], order) / table.width_gev
    n_negative = (mean < 0.0).sum(axis=1)
    return Universes(wilson, mean, n_negative, order, sampling, sparsity, seed)
