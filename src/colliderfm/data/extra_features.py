"""Features beyond the schema as network inputs: standardized, the mean where missing.

A name that ends in ``_gev`` enters as sign(x) log(1 + abs(x) / GeV). An angle has no place here: give
a difference of angles, or its cosine. Read next: ``nn/zero_projection.py``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import torch

from colliderfm.data.moments import Moments
from colliderfm.errors import DataError


class ExtraFeatures(torch.nn.Module):
    """Standardize named features of objects or of events.

    Parameters
    ----------
    kind : str
        ``object`` or ``global``; for messages.
    names : sequence of str
        Columns, E of them, in the order of the inputs.
    """

    mean: torch.Tensor
    std: torch.Tensor
    _is_log: torch.Tensor

    def __init__(self, kind: str, names: Sequence[str]) -> None:
        super().__init__()
        self.kind, self.names = kind, tuple(names)
        self.register_buffer("mean", torch.zeros(len(names)))
        self.register_buffer("std", torch.ones(len(names)))
        is_log = torch.tensor([name.endswith("_gev") for name in names], dtype=torch.bool)
        self.register_buffer("_is_log", is_log, persistent=False)
        self._moments = [Moments(1) for _ in names]

    def measure(self, columns: Mapping[str, torch.Tensor], weight: torch.Tensor) -> None:
        """Add the known values of a batch to the statistics; ``settle`` takes them over.

        Parameters
        ----------
        columns : mapping of str to Tensor, shape (B,) or (B, N)
            As for ``forward``.
        weight : Tensor, the same shape
            Weight of each value; 0 where padded.
        """
        values = self._logged(columns).double()
        for i, moments in enumerate(self._moments):
            is_known = values[..., i].isfinite() & (weight > 0)
            moments.add(values[..., i][is_known][:, None], weight[is_known].double())

    def settle(self) -> None:
        """Set mean and width to what was measured.

        Raises
        ------
        DataError
            If a column has no known value.
        """
        for i, (name, moments) in enumerate(zip(self.names, self._moments, strict=True)):
            mean, std = moments.mean_and_std(name)
            self.mean[i], self.std[i] = mean[0], std[0]

    def forward(self, columns: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Return the inputs of a batch.

        Parameters
        ----------
        columns : mapping of str to Tensor, shape (B,) or (B, N)
            ``EventBatch.extras`` or ``EventBatch.object_extras``, in the units of the columns.

        Returns
        -------
        Tensor, shape (B, E) or (B, N, E), dimensionless
            0, which is the mean, where a value is missing or not finite.

        Raises
        ------
        DataError
            If the events lack a column.
        """
        scaled = (self._logged(columns) - self.mean) / self.std
        return torch.where(scaled.isfinite(), scaled, 0.0)

    def inverse(self, inputs: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the columns in their units from the inputs, (…, E); a missing value is the mean."""
        values = inputs * self.std + self.mean
        is_log = self._is_log
        size = torch.where(is_log, values.abs(), 0.0).expm1()
        raw = torch.where(is_log, values.sign() * size, values)
        return {name: raw[..., i] for i, name in enumerate(self.names)}

    def _logged(self, columns: Mapping[str, torch.Tensor]) -> torch.Tensor:
        require_columns(self.kind, self.names, columns)
        values = torch.stack([columns[name] for name in self.names], dim=-1)
        return torch.where(self._is_log, values.sign() * values.abs().log1p(), values)

    def to_entries(self) -> list[dict[str, Any]]:
        """Return name, mean and width of each feature for ``normalization.json``."""
        numbers = zip(self.names, self.mean, self.std, strict=True)
        return [{"name": n, "mean": float(mean), "std": float(std)} for n, mean, std in numbers]

    def set_entries(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Take means and widths over from ``to_entries``."""
        for name in ("mean", "std"):
            getattr(self, name).copy_(torch.tensor([float(entry[name]) for entry in entries]))


def extra_features(kind: str, names: Sequence[str]) -> ExtraFeatures | None:
    """Return the module of some features of a kind; None without any."""
    return ExtraFeatures(kind, names) if names else None


def require_columns(kind: str, names: Sequence[str], columns: Collection[str]) -> None:
    """Refuse events that lack a column.

    Parameters
    ----------
    kind : str
        ``object`` or ``global``.
    names : sequence of str
        Columns that are read.
    columns : collection of str
        Columns of that kind beyond the schema that the events have.

    Raises
    ------
    DataError
        Naming what is missing and what is there.
    """
    missing = [name for name in names if name not in columns]
    if missing:
        each = "object, as a list as long as energy_gev" if kind == "object" else "event"
        raise DataError(
            f"the events lack {kind} columns that the network reads",
            got=", ".join(columns) or "none beyond the schema",
            need=", ".join(missing) + f": one number per {each}",
            fix="add the column to every file, or choose inputs without it",
        )
