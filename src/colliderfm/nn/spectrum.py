"""Dense network of a spectrum: hidden layers, and a linear path beside them.

Spectra of a theory that is nearly linear are best told apart by a linear map, so the hidden layers
only have to learn what deviates from it. Shape letters: N spectra, B bins, D latent.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn


class DenseSpectrumNetwork(nn.Module):
    """Dense layers with optional batch normalization, ReLU and dropout, then a linear map.

    With three layers of 100 units, batch normalization and dropout 0.35, without the linear path,
    this is the network of the source study.

    Parameters
    ----------
    n_bins, latent : int
        Widths B of the input and D of the output.
    hidden, layers : int
        Units of a hidden layer, and how many there are.
    dropout : float
        Dropout probability after each hidden layer.
    batch_norm : bool
        Batch normalization before each ReLU.
    linear_path : bool
        Add a linear map of the spectrum in noise units to the output.
    """

    def __init__(
        self,
        n_bins: int,
        latent: int,
        *,
        hidden: int,
        layers: int,
        dropout: float,
        batch_norm: bool,
        linear_path: bool,
    ) -> None:
        super().__init__()
        width, parts = n_bins, list[nn.Module]()
        for _ in range(layers):
            parts.append(nn.Linear(width, hidden))
            parts += [nn.BatchNorm1d(hidden)] if batch_norm else []
            parts += [nn.ReLU(), nn.Dropout(dropout)]
            width = hidden
        self.body = nn.Sequential(*parts, nn.Linear(width, latent))
        self.linear = nn.Linear(n_bins, latent, bias=False) if linear_path else None

    def forward(self, inputs_NB: Tensor, noise_units_NB: Tensor) -> Tensor:
        """Return the latent of spectra.

        Parameters
        ----------
        inputs_NB : Tensor, shape (N, B), dimensionless
            Scaled spectra for the hidden layers.
        noise_units_NB : Tensor, shape (N, B), dimensionless
            Deviations from the Standard Model in units of its error, for the linear path.

        Returns
        -------
        Tensor, shape (N, D)
            Latent.
        """
        latent_ND: Tensor = self.body(inputs_NB)
        return latent_ND if self.linear is None else latent_ND + self.linear(noise_units_NB)

    def kernels(self) -> list[Tensor]:
        """Return the weight matrices of the hidden layers, which an L2 penalty acts on."""
        layers = [part for part in self.body if isinstance(part, nn.Linear)]
        return [layer.weight for layer in layers[:-1]]

    def fold(self) -> DenseSpectrumNetwork:
        """Return the same function for inference: batch normalization inside the weights.

        Returns
        -------
        DenseSpectrumNetwork
            In evaluation mode, on the same device, without normalization and dropout layers; equal
            outputs up to rounding.
        """
        parts: list[nn.Module] = []
        for part in self.body:
            if isinstance(part, nn.BatchNorm1d):
                parts[-1] = _fused(parts[-1], part)
            elif isinstance(part, nn.Linear):
                parts.append(_copied(part))
            elif isinstance(part, nn.ReLU):
                parts.append(nn.ReLU())
        folded = DenseSpectrumNetwork(
            *(1, 1), hidden=1, layers=0, dropout=0.0, batch_norm=False, linear_path=False
        )
        folded.body = nn.Sequential(*parts)
        folded.linear = None if self.linear is None else _copied(self.linear)
        return folded.eval().requires_grad_(requires_grad=False)


def _fused(layer: nn.Module, norm: nn.BatchNorm1d) -> nn.Linear:
    """Return a linear layer that also does the normalization after it, by its running statistics."""
    linear = _copied(cast("nn.Linear", layer))
    factor_H = norm.weight * (cast("Tensor", norm.running_var) + norm.eps).rsqrt()
    with torch.no_grad():
        linear.weight.mul_(factor_H[:, None])
        shifted_H = linear.bias - cast("Tensor", norm.running_mean)
        linear.bias.copy_(shifted_H * factor_H + norm.bias)
    return linear


def _copied(layer: nn.Linear) -> nn.Linear:
    """Return a linear layer with copies of the weights."""
    copy = nn.Linear(layer.in_features, layer.out_features, bias=layer.bias is not None)
    copy = copy.to(layer.weight.device, layer.weight.dtype)
    with torch.no_grad():
        for name, values in layer.named_parameters():
            getattr(copy, name).copy_(values)
    return copy
