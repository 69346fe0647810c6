"""Which of the 60 operators move the spectra, by how much, and how many directions they span.

The size of an effect is reported, not a yes or no: an operator that only enters through fermion masses is
not computed here but quoted. The number of independent directions is the number of singular values (in
units of the noise) that the numerical error of the table cannot fake.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from colliderfm.errors import DataError
from colliderfm.physics.operators import OPERATORS, Operator
from colliderfm.physics.spectrum_table import SpectrumTable

Array = NDArray[np.float64]

SIZE_THRESHOLD = 1e-6
_DELTA_SIGMA_REL = 0.002
# Tables on disk keep nine digits.
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class OperatorRow:
    """One operator of the scan.

    Parameters
    ----------
    operator : Operator
        Name, class, reason and quoted size.
    effect : ndarray, shape (B,), or None
        Interference over the SM per unit coefficient; ``None`` where not computed.
    """

    operator: Operator
    effect: Array | None

    @property
    def largest(self) -> float | None:
        """Largest effect of any bin, with its sign; ``None`` where not computed."""
        if self.effect is None:
            return None
        return float(self.effect[np.argmax(np.abs(self.effect))])


@dataclass(frozen=True, eq=False)
class OperatorScan:
    """All operators and the directions they span.

    Parameters
    ----------
    rows : tuple of OperatorRow, length 60
        In the order of ``OPERATORS``.
    bins : tuple of (str, float, float)
        Observable, low and high edge (GeV) of each bin.
    singular_values : ndarray, shape (17,)
        Of the linear terms in units of the noise, falling.
    rank : int
        Number of singular values that the numerical error cannot fake.
    numerical_bound : float
        By how much the numerical error can move the last of them.
    is_certified : bool
        Whether the bound was measured with a second table of other nodes, rather than estimated.
    threshold : float
        Smallest effect that counts as one.
    """

    rows: tuple[OperatorRow, ...]
    bins: tuple[tuple[str, float, float], ...]
    singular_values: NDArray[np.floating]
    rank: int
    numerical_bound: float
    is_certified: bool
    threshold: float

    @property
    def kept(self) -> tuple[str, ...]:
        """Names of the operators whose computed effect exceeds the threshold in some bin."""
        return tuple(
            row.operator.name
            for row in self.rows
            if row.largest is not None and abs(row.largest) > self.threshold
        )

    def __str__(self) -> str:
        values = ", ".join(f"{value:.3g}" for value in self.singular_values[: self.rank])
        how = "two node counts" if self.is_certified else "the errors of the table"
        lines = [
            "| operator | WCxf | class | largest effect | how it enters |",
            "|---|---|---|---|---|",
            *(_markdown_row(row, self) for row in self.rows),
            "",
            f"{len(self.kept)} operators move a bin by more than {self.threshold:g} of the SM",
            "per unit coefficient at the scale of the table.",
            f"They span {self.rank} independent directions: singular values {values} in units of the noise",
            f"(numerical error of the last at most {self.numerical_bound:.1g}, from {how}).",
        ]
        return "\n".join(lines) + "\n"


def operator_scan(
    table: SpectrumTable,
    sigma_pb: Array | None = None,
    coarse: SpectrumTable | None = None,
    threshold: float = SIZE_THRESHOLD,
) -> OperatorScan:
    """Scan the 60 operators of the flavor-symmetric basis.

    Parameters
    ----------
    table : SpectrumTable
        Cross-sections per bin.
    sigma_pb : ndarray, shape (B,), pb, optional
        Noise per bin; by default Poisson noise of an SM sample whose total is known to 0.2 %.
    coarse : SpectrumTable, optional
        The same table at fewer nodes; it certifies the rank.
    threshold : float
        Smallest effect that counts.

    Returns
    -------
    OperatorScan
        Rows, singular values, rank and its numerical bound.

    Raises
    ------
    DataError
        If the noise or the second table does not fit the bins, or the noise is not positive.

    Notes
    -----
    Let W = linear / noise and W + D the same at fewer nodes. Every singular value moves by at most the
    spectral norm of D (Weyl), which the largest effects dominate. But quadrature changes the weights of
    bins and not the amplitudes, so that D hardly leaves the directions of W: with U_r the first r left
    singular vectors, W + D = W (1 + E) + R with E = W_r^+ D and R = (1 - U_r U_r^T) D. Then singular
    value i moves by at most ``norm(E) s_i + norm(R)``, far less than Weyl's bound. Without a second
    table that one is estimated from the errors of the bins.

    References
    ----------
    Eisenstat and Ipsen, SIAM Journal on Numerical Analysis 32 (1995) 1972 (relative perturbations).
    """
    sigma = default_noise_pb(table) if sigma_pb is None else np.asarray(sigma_pb, dtype=np.float64)
    if sigma.shape != table.sm_pb.shape or not (np.isfinite(sigma) & (sigma > 0.0)).all():
        raise DataError("noise per bin", got=sigma.shape, need=f"{table.n_bins} numbers above 0")
    whitened = table.linear_pb / sigma
    left, singular_values, _ = np.linalg.svd(whitened, full_matrices=False)
    if coarse is None:
        bound = _estimated_bound(table, whitened)
        rank = int((singular_values > bound).sum())
    else:
        if coarse.linear_pb.shape != whitened.shape:
            raise DataError("second table", got=coarse.n_bins, need=f"the same {table.n_bins} bins")
        change = left.T @ (coarse.linear_pb / sigma - whitened)
        rank, bound = _certified(singular_values, change)
    effects = dict(zip(table.operators, table.linear_pb / table.sm_pb, strict=True))
    return OperatorScan(
        rows=tuple(OperatorRow(each, effects.get(each.name)) for each in OPERATORS),
        bins=tuple(
            zip(table.observable, table.low_gev.tolist(), table.high_gev.tolist(), strict=True)
        ),
        singular_values=singular_values,
        rank=rank,
        numerical_bound=bound,
        is_certified=coarse is not None,
        threshold=threshold,
    )


def _estimated_bound(table: SpectrumTable, whitened: Array) -> float:
    """Bound the change of any singular value by the errors that the table quotes."""
    relative = np.maximum(table.error_pb / np.abs(table.sm_pb), _ROUNDING)
    return float(np.linalg.norm(whitened * relative))


def _certified(singular_values: Array, change: Array) -> tuple[int, float]:
    """Return rank and bound on its last singular value; ``change`` is D seen from the left vectors."""
    rounding = _ROUNDING * float(np.linalg.norm(singular_values))
    bound = rounding + float(np.linalg.norm(change, ord=2))
    for rank in range(int((singular_values > rounding).sum()), 0, -1):
        relative = np.linalg.norm(change[:rank] / singular_values[:rank, None], ord=2)
        outside = np.linalg.norm(change[rank:], ord=2) if rank < len(change) else 0.0
        bound = float(relative * singular_values[rank - 1] + outside) + rounding
        if singular_values[rank - 1] > bound:
            return rank, bound
    return 0, bound


def default_noise_pb(table: SpectrumTable) -> Array:
    """Compute the Poisson noise of a sample whose total cross-section is known to 0.2 %.

    Parameters
    ----------
    table : SpectrumTable
        Its SM cross-sections.

    Returns
    -------
    ndarray, shape (B,), pb
        ``sqrt(sigma_bin / L)`` with L = 1/(0.002^2 sigma_total) of the first spectrum.
    """
    first = table.is_observable(table.observable[0])
    luminosity = 1.0 / (_DELTA_SIGMA_REL**2 * table.sm_pb[first].sum())
    result: Array = np.sqrt(table.sm_pb / luminosity)
    return result


def _markdown_row(row: OperatorRow, scan: OperatorScan) -> str:
    """Return one line of the table."""
    each = row.operator
    if row.effect is not None:
        where = int(np.argmax(np.abs(row.effect)))
        name, low, high = scan.bins[where]
        size = f"{row.effect[where]:+.3g} in {name} {low:g}-{high:g} GeV"
    elif each.quoted_size is None:
        size = "not computed, no number quoted"
    else:
        size = f"{each.quoted_size:.1g} (quoted, not computed)"
    return f"| {each.name} | {each.wcxf_name} | {each.operator_class} | {size} | {each.reason} |"
