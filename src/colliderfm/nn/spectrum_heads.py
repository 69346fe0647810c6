"""Heads on the latent of a spectrum: spectra back from it, identifiable directions, two-way choices.

Shape letters: N spectra, B bins, D latent, K outputs.
"""

from __future__ import annotations

from torch import Tensor, nn

from colliderfm.nn.blocks import FeedForward


class LatentHead(nn.Module):
    """Linear map of the latent plus a small network: regression, or logits of a choice.

    Parameters
    ----------
    latent, hidden, n_outputs : int
        Widths D, of the hidden layer, and K.
    """

    def __init__(self, latent: int, hidden: int, n_outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(latent, n_outputs)
        self.network = FeedForward(latent, hidden, n_outputs)

    def forward(self, latent_ND: Tensor) -> Tensor:
        """Return the outputs, shape (N, K)."""
        output_NK: Tensor = self.linear(latent_ND) + self.network(latent_ND)
        return output_NK


class SpectrumDecoder(LatentHead):
    """Generate spectra from a latent, in noise units: (y - y_SM) / sigma per bin.

    Parameters
    ----------
    latent, hidden, n_bins : int
        Widths D, of the hidden layer, and B.
    """

    def __init__(self, latent: int, hidden: int, n_bins: int) -> None:
        super().__init__(latent, hidden, n_bins)
