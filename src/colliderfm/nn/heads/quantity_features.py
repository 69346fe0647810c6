"""Event-level quantities as diffusion sees them, and back.

``*_gev`` enter as log(1 + x), counts (``n_*``) and all others as they are, all standardized. Diffusion
makes densities, not atoms, so two kinds of values are spread first: a count uniformly over half a
unit to both sides, and read back by rounding; an exact zero in GeV (no lepton, no b jet) uniformly
over (-3, -1) of log(1 + x), apart from all other values; whatever is negative is read back as zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from colliderfm.errors import ConfigError, DataError

# The globals in the order of ``batch.globals``; a test holds it to data/event_schema.py.
GLOBALS = (
    *("met_gev", "met_phi", "n_lepton", "n_bjet", "n_jet", "ht_gev", "st_gev", "ht_lepton_gev"),
    *("mass_visible_gev", "mass_leptons_gev", "mass_bjets_gev"),
)
N_OBJECTS = "n_objects"
_WIDEST = 6.0


class QuantityFeatures(nn.Module):
    """Read named quantities of events and standardize them.

    Parameters
    ----------
    names : sequence of str
        Globals, ``n_objects``, or extras of the events; n of them.
    is_spread : bool
        Spread counts and zeros: for what is generated, not for what is given.

    Raises
    ------
    ConfigError
        If a name comes twice, or is ``met_phi``: an event has no direction of its own.
    """

    mean: Tensor
    std: Tensor
    low: Tensor
    high: Tensor
    is_log: Tensor
    is_count: Tensor

    def __init__(self, names: Sequence[str], *, is_spread: bool = True) -> None:
        super().__init__()
        self.names, self.is_spread = tuple(names), is_spread
        if len(set(names)) < len(names) or "met_phi" in names:
            raise ConfigError(
                "event-level quantities",
                got=", ".join(names),
                need="distinct names, without met_phi",
            )
        n = len(names)
        for name, value in (("mean", 0.0), ("std", 1.0), ("low", -_WIDEST), ("high", _WIDEST)):
            self.register_buffer(name, torch.full((n,), value))
        for kind, flags in (
            ("log", [name.endswith("_gev") for name in names]),
            ("count", [name.startswith("n_") for name in names]),
        ):
            flag = torch.tensor(flags, dtype=torch.bool)
            self.register_buffer(f"is_{kind}", flag, persistent=False)

    @torch.no_grad()
    def fit(self, parts: Iterable[tuple[Tensor, Tensor]]) -> QuantityFeatures:
        """Measure mean, width and range; they are saved with the weights.

        Parameters
        ----------
        parts : iterable of (Tensor of shape (B, n), Tensor of shape (B,))
            Raw quantities as ``read`` gives them, and event weights, of which the absolute value
            counts. Events that lack a number do not count.

        Returns
        -------
        QuantityFeatures
            This module.

        Raises
        ------
        DataError
            If no event has all quantities.
        """
        if not self.names:
            return self
        values, weights = [], []
        for raw, weight in parts:
            is_known = raw.isfinite().all(dim=1)
            values.append(self._flat(raw[is_known].double()).cpu())
            weights.append(weight[is_known].double().abs().cpu())
        value, share = torch.cat(values), torch.cat(weights)
        if not share.sum() > 0:
            raise DataError("no event to measure quantities on", need=", ".join(self.names))
        share = share / share.sum()
        mean = share @ value
        std = (share @ (value - mean) ** 2).clamp(min=1e-12).sqrt()
        self.mean.copy_(mean)
        self.std.copy_(std)
        self.low.copy_((value.amin(dim=0) - mean) / std)
        self.high.copy_((value.amax(dim=0) - mean) / std)
        return self

    def read(self, batch: Any) -> Tensor:
        """Return the quantities of events.

        Parameters
        ----------
        batch : EventBatch
            Gives ``globals``, ``mask`` and ``extras``.

        Returns
        -------
        Tensor, shape (B, n)
            Raw units; NaN where an event lacks an extra.

        Raises
        ------
        DataError
            If no event has a quantity.
        """
        columns = []
        for name in self.names:
            if name == N_OBJECTS:
                columns.append(batch.mask.sum(dim=1).to(batch.globals.dtype))
            elif name in GLOBALS:
                columns.append(batch.globals[:, GLOBALS.index(name)])
            elif name in batch.extras:
                columns.append(batch.extras[name].to(batch.globals.dtype))
            else:
                raise DataError(
                    "event-level quantity of the generating head",
                    got=name,
                    need="one of " + ", ".join([*GLOBALS, N_OBJECTS, *batch.extras]),
                )
        if not columns:
            return batch.globals[:, :0]
        return torch.stack(columns, dim=1)

    def forward(self, raw: Tensor) -> Tensor:
        """Return network features (B, n) of raw quantities (B, n); NaN stays NaN."""
        return (self._flat(raw) - self.mean) / self.std

    def inverse(self, features: Tensor) -> Tensor:
        """Return raw quantities from network features.

        Parameters
        ----------
        features : Tensor, shape (B, n)
            As ``forward`` gives them; taken back into the range of the fitted events.

        Returns
        -------
        Tensor, shape (B, n)
            Counts are whole numbers, nothing in GeV is negative.
        """
        values = torch.clamp(features, self.low, self.high) * self.std + self.mean
        logged = torch.where(self.is_log, values.clamp(min=0.0), 0.0).expm1()
        counted = values.round().clamp(min=0.0)
        return torch.where(self.is_log, logged, torch.where(self.is_count, counted, values))

    def _flat(self, raw: Tensor) -> Tensor:
        """Return values without atoms, before they are standardized."""
        logged = torch.where(self.is_log, raw.clamp(min=0.0).log1p(), raw)
        if not self.is_spread:
            return logged
        share = torch.rand_like(raw)
        zero_spread = torch.where(self.is_log & (raw <= 0.0), -1.0 - 2.0 * share, logged)
        return torch.where(self.is_count, raw + 0.999 * (share - 0.5), zero_spread)
