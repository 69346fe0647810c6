"""A table of cross-sections per bin: SM, one linear term per operator, one quadratic term per pair.

sigma = SM + sum_i C_i linear_i + sum_{i<=j} C_i C_j quadratic_ij. The table is computed in
``drell_yan_spectrum`` and written in ``colliderfm.data.table_files``; every prediction is one matrix product.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from colliderfm.errors import ConfigError, DataError, PhysicsError
from colliderfm.physics.operators import CONTRIBUTING

Array = NDArray[np.float64]

# Two bins may share all their events; each cross-section has its own numerical error.
_JOINT_TOLERANCE = 1e-3
OBSERVABLES = ("mll", "pt", "mll_forward", "mll_backward")


@dataclass(frozen=True, eq=False)
class SpectrumTable:
    """Cross-sections of B bins at Lambda of the provenance (1 TeV unless it says otherwise).

    Parameters
    ----------
    observable : tuple of str, length B
        ``mll``, ``pt``, ``mll_forward`` or ``mll_backward`` per bin.
    low_gev, high_gev : ndarray, shape (B,), GeV
        Edges of each bin.
    operators : tuple of str
        Names along the first axis of ``linear_pb``, in the order of ``CONTRIBUTING``.
    sm_pb : ndarray, shape (B,), pb
        Standard-model cross-section.
    linear_pb : ndarray, shape (17, B), pb
        Interference per unit coefficient.
    quadratic_pb : ndarray, shape (153, B) or (0, B), pb
        Terms of the products C_i C_j, i <= j, row-major as in ``pairs``; no rows in a table of linear order.
    error_pb : ndarray, shape (B,), pb
        Numerical error of the SM cross-section, by doubling the nodes.
    provenance : dict
        Everything that decides the numbers.
    joint_pb : ndarray, shape (B, B), pb, or None
        Standard-model cross-section of the events that two bins share, from ``joint_bins``.

    Raises
    ------
    DataError
        If shapes disagree, an observable is unknown, a number is not finite, or an edge does not rise.
    """

    observable: tuple[str, ...]
    low_gev: Array
    high_gev: Array
    operators: tuple[str, ...]
    sm_pb: Array
    linear_pb: Array
    quadratic_pb: Array
    error_pb: Array
    provenance: dict[str, Any] = field(default_factory=dict)
    joint_pb: Array | None = None

    def __post_init__(self) -> None:
        n_bins, n_operators = len(self.observable), len(self.operators)
        if tuple(self.operators) != CONTRIBUTING:
            raise DataError("operators of a table", got=self.operators, need=CONTRIBUTING)
        n_rows = len(self.quadratic_pb)
        shapes = {
            "low_gev": (n_bins,),
            "high_gev": (n_bins,),
            "sm_pb": (n_bins,),
            "error_pb": (n_bins,),
            "linear_pb": (n_operators, n_bins),
            "quadratic_pb": (0 if n_rows == 0 else len(self.pairs), n_bins),
        }
        for name, shape in shapes.items():
            values = getattr(self, name)
            if values.shape != shape:
                raise DataError(f"{name} of a table", got=f"shape {values.shape}", need=shape)
            if not np.isfinite(values).all():
                raise DataError(f"{name} of a table", got="NaN or infinity", need="finite numbers")
        if not (self.low_gev < self.high_gev).all() or not (self.low_gev >= 0.0).all():
            raise DataError("edges of a table", need="0 <= low < high in each bin")
        unknown = sorted({*self.observable} - {*OBSERVABLES})
        if unknown or n_bins == 0:
            raise DataError("observables of a table", got=unknown or "no bins", need=OBSERVABLES)
        self._check_joint()

    def _check_joint(self) -> None:
        """Refuse shared cross-sections that no events can have."""
        if self.joint_pb is None:
            return
        if self.joint_pb.shape != (self.n_bins, self.n_bins):
            got = f"shape {self.joint_pb.shape}"
            raise DataError("joint_pb of a table", got=got, need=f"{self.n_bins} x {self.n_bins}")
        largest = np.minimum(self.sm_pb[:, None], self.sm_pb) * (1.0 + _JOINT_TOLERANCE)
        is_possible = (self.joint_pb >= 0.0) & (self.joint_pb <= largest)
        if not is_possible.all() or not np.array_equal(self.joint_pb, self.joint_pb.T):
            first, second = np.argwhere(~(is_possible & (self.joint_pb == self.joint_pb.T)))[0]
            raise DataError(
                f"joint_pb of a table, bins {first} and {second}",
                got=float(self.joint_pb[first, second]),
                need="symmetric, from 0 to the smaller cross-section of the two",
            )

    @property
    def n_bins(self) -> int:
        """Number of bins of all observables."""
        return len(self.observable)

    @property
    def width_gev(self) -> Array:
        """Width of each bin, shape (B,)."""
        return self.high_gev - self.low_gev

    @property
    def center_gev(self) -> Array:
        """Middle of each bin, shape (B,)."""
        return 0.5 * (self.low_gev + self.high_gev)

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Operator indices (i, j) with i <= j of each row of ``quadratic_pb``."""
        return operator_pairs(len(self.operators))

    @property
    def order(self) -> str:
        """Highest order in the table: ``linear`` or ``quadratic``."""
        return "quadratic" if len(self.quadratic_pb) else "linear"

    def is_observable(self, name: str) -> NDArray[np.bool_]:
        """Return which bins belong to an observable, shape (B,)."""
        return np.array([each == name for each in self.observable])

    def predict_pb(self, wilson: ArrayLike, order: str = "quadratic") -> Array:
        """Predict cross-sections for given coefficients.

        Parameters
        ----------
        wilson : array_like, shape (..., 17)
            Coefficients in the order of ``operators``.
        order : str
            ``sm``, ``linear`` or ``quadratic``: the highest term kept.

        Returns
        -------
        ndarray, shape (..., B), pb
            Per bin; at linear order a value can be negative, and is returned as it is.

        Raises
        ------
        ConfigError
            For another order or another number of coefficients.
        PhysicsError
            If the table lacks quadratic terms, or a coefficient is not finite.
        """
        values = np.asarray(wilson, dtype=np.float64)
        if order not in ("sm", "linear", "quadratic"):
            raise ConfigError("order", got=order, need="sm, linear or quadratic")
        if values.ndim == 0 or values.shape[-1] != len(self.operators):
            raise ConfigError(
                "coefficients", got=f"shape {values.shape}", need=f"(..., {len(self.operators)})"
            )
        if not np.isfinite(values).all():
            raise PhysicsError("coefficients", got="NaN or infinity", need="finite numbers")
        if order == "sm":
            return np.tile(self.sm_pb, (*values.shape[:-1], 1))
        terms, rows = values, self.linear_pb
        if order == "quadratic":
            if self.order != "quadratic":
                raise PhysicsError("this table has no quadratic terms", need="order linear")
            i, j = np.array(self.pairs).T
            terms = np.concatenate([values, values[..., i] * values[..., j]], axis=-1)
            rows = np.concatenate([self.linear_pb, self.quadratic_pb])
        result: Array = self.sm_pb + terms @ rows
        return result


def operator_pairs(n_operators: int) -> list[tuple[int, int]]:
    """List the pairs (i, j), i <= j, row by row.

    Parameters
    ----------
    n_operators : int
        Number of operators.

    Returns
    -------
    list of tuple of int
        ``n (n + 1) / 2`` pairs.

    Examples
    --------
    >>> operator_pairs(2)
    [(0, 0), (0, 1), (1, 1)]
    """
    return list(combinations_with_replacement(range(n_operators), 2))
