"""Scales of a spectrum network; saved as ``normalization.json`` beside the weights."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from colliderfm.data.replica_corpus import ReplicaCorpus
from colliderfm.data.replica_pairs import sm_noise
from colliderfm.errors import CheckpointError

INPUTS = ("noise", "raw", "ratio", "standard", "asinh")
_OBSERVABLES = ("mll", "pt", "mll_forward", "mll_backward")
# Typical size of a deviation in units of the noise: keeps the inputs of hidden layers of order one.
_NOISE_SCALE = 0.1


@dataclass(frozen=True)
class SpectrumNormalization:
    """Bins of the spectra and the numbers that scale them.

    Parameters
    ----------
    observable : tuple of str, length B
        Observable of each bin.
    low_gev, high_gev : tuple of float, length B, GeV
        Edges of each bin.
    sm : tuple of float, length B, pb/GeV
        Spectrum of the Standard Model.
    sigma : tuple of float, length B, pb/GeV
        Its error per bin.
    mean, std : tuple of float, length B, pb/GeV
        Over training spectra, for ``inputs: standard``.

    Raises
    ------
    CheckpointError
        If lengths differ, or a scale is not positive.
    """

    observable: tuple[str, ...]
    low_gev: tuple[float, ...]
    high_gev: tuple[float, ...]
    sm: tuple[float, ...]
    sigma: tuple[float, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        lengths = {item.name: len(getattr(self, item.name)) for item in fields(self)}
        if len(set(lengths.values())) != 1 or not self.observable:
            raise CheckpointError(
                "normalization of a spectrum network", got=lengths, need="one number per bin"
            )
        for name in ("sm", "sigma", "std"):
            values = np.array(getattr(self, name))
            if not (np.isfinite(values).all() and (values > 0.0).all()):
                raise CheckpointError(
                    f"normalization of a spectrum network: {name}", need="positive numbers"
                )
        unknown = sorted(set(self.observable) - set(_OBSERVABLES))
        if unknown:
            raise CheckpointError(
                "normalization of a spectrum network: observable", got=unknown, need=_OBSERVABLES
            )

    @property
    def n_bins(self) -> int:
        """Number of bins B."""
        return len(self.observable)

    def observable_index(self) -> Tensor:
        """Return the observable of each bin as a number, shape (B,), int64."""
        return torch.tensor([_OBSERVABLES.index(name) for name in self.observable])

    def place(self) -> Tensor:
        """Return bin centers on a scaled logarithmic axis, shape (B,), about -2 to 2."""
        center = 0.5 * (np.array(self.low_gev) + np.array(self.high_gev))
        return torch.from_numpy(np.log(center / 100.0)).float()

    def to_json(self) -> str:
        """Return the numbers as JSON text; they survive bit by bit."""
        content = {item.name: list(getattr(self, item.name)) for item in fields(self)}
        return json.dumps(content, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> SpectrumNormalization:
        """Rebuild from the text of ``to_json``.

        Parameters
        ----------
        text : str
            JSON.

        Returns
        -------
        SpectrumNormalization
            With equal numbers.

        Raises
        ------
        CheckpointError
            If the text is not that of a spectrum network.
        """
        try:
            content: dict[str, Any] = json.loads(text)
            numbers = {
                name: tuple(str(v) if name == "observable" else float(v) for v in values)
                for name, values in content.items()
            }
            return cls(**numbers)  # type: ignore[arg-type]
        except (ValueError, KeyError, TypeError, AttributeError) as err:
            raise CheckpointError(
                "normalization.json is not that of a spectrum network", got=repr(err)
            ) from err


def corpus_normalization(tables: ReplicaCorpus, task: str) -> SpectrumNormalization:
    """Return bins and scales: the Standard Model, its noise, and the spread of the universes.

    Parameters
    ----------
    tables : ReplicaCorpus
        Theory and seen universes.
    task : str
        Noise: ``study`` or ``hard``.

    Returns
    -------
    SpectrumNormalization
        In pb/GeV.
    """
    table, sigma = tables.table, sm_noise(tables, task).sigma[0]
    means = tables.seen.mean_pb_per_gev
    spread = np.sqrt(means.var(axis=0) + sigma**2)

    def numbers(values: np.ndarray) -> tuple[float, ...]:
        return tuple(float(value) for value in np.asarray(values, dtype=np.float32))

    return SpectrumNormalization(
        observable=tuple(table.observable),
        low_gev=numbers(table.low_gev),
        high_gev=numbers(table.high_gev),
        sm=numbers(table.sm_pb / table.width_gev),
        sigma=numbers(sigma),
        mean=numbers(means.mean(axis=0)),
        std=numbers(spread),
    )


class SpectrumScaling(nn.Module):
    """Map spectra in pb/GeV to network inputs.

    Parameters
    ----------
    normalization : SpectrumNormalization
        Scales.
    inputs : str
        ``noise``: (y - SM) / sigma, times 0.1; ``asinh``: asinh of (y - SM) / sigma; ``ratio``:
        y / SM - 1; ``standard``: zero mean and unit spread over training spectra; ``raw``: y.
    needs_deviations : bool
        Whether the network reads deviations in noise units beside its inputs; without them inference
        is faster.
    """

    sm: Tensor
    sigma: Tensor
    mean: Tensor
    std: Tensor

    def __init__(
        self, normalization: SpectrumNormalization, inputs: str, *, needs_deviations: bool = True
    ) -> None:
        super().__init__()
        self.inputs = inputs
        self.needs_deviations = needs_deviations or inputs in ("noise", "asinh")
        for name in ("sm", "sigma", "mean", "std"):
            values = torch.tensor(getattr(normalization, name), dtype=torch.float32)
            self.register_buffer(name, values, persistent=False)

    def noise_units(self, values: Tensor) -> Tensor:
        """Return deviations from the Standard Model in units of its error, shape (N, B)."""
        return (values.float() - self.sm) / self.sigma

    def from_noise_units(self, deviations: Tensor) -> Tensor:
        """Return spectra in pb/GeV, shape (N, B); the inverse of ``noise_units``."""
        return self.sm + self.sigma * deviations

    def forward(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Return network inputs and deviations in noise units, both of shape (N, B).

        The second is of no use where no deviations are needed.
        """
        deviations = self.noise_units(values) if self.needs_deviations else values
        scaled = values.float()
        if self.inputs == "noise":
            scaled = _NOISE_SCALE * deviations
        elif self.inputs == "asinh":
            scaled = torch.asinh(deviations)
        elif self.inputs == "ratio":
            scaled = scaled / self.sm - 1.0
        elif self.inputs == "standard":
            scaled = (scaled - self.mean) / self.std
        return scaled, deviations
