"""Transformer over the bins of a spectrum, with tokens for what is known about the spectrum.

A few neighboring bins of one observable are a token: their scaled deviations from the Standard Model,
their places and their observable. Tokens for observable, order of the theory, parton densities and
scale say how the spectrum was made; index 0 stands for unknown. Shape letters: N spectra, B bins,
G bins of a token, K tokens of bins, M metadata tokens, T = 1 + M + K, W width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from colliderfm.nn.blocks import EventDropout, FeedForward

# Largest index + 1 of each metadata token: observables present (bits), order, parton densities, scale.
METADATA_SIZES = {"observable": 16, "order": 4, "densities": 16, "scale": 4}
# Bins of a token: four times fewer tokens make an update four times faster.
BINS_PER_TOKEN = 4
_HEAD_WIDTH = 16


class BinBlock(nn.Module):
    """Pre-norm transformer block without attention bias: about a hundred tokens, none of them padded.

    Parameters
    ----------
    width, n_heads : int
        Token width W and number of heads; the second divides the first.
    dropout : float
        Dropout probability of both branches.
    """

    def __init__(self, width: int, n_heads: int, dropout: float) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.to_qkv = nn.Linear(width, 3 * width)
        self.to_output = nn.Linear(width, width)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.feed_forward = FeedForward(width, 2 * width, width)
        self.dropout = EventDropout(dropout)
        self.n_heads = n_heads

    def forward(self, tokens_NTW: Tensor, n_kept: int | None = None) -> Tensor:
        """Return the first updated tokens, all by default, shape (N, n_kept, W)."""
        n_spectra, n_tokens, width = tokens_NTW.shape
        qkv = self.to_qkv(self.attention_norm(tokens_NTW))
        qkv = qkv.view(n_spectra, n_tokens, 3, self.n_heads, width // self.n_heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(query[:, :, :n_kept], key, value)
        attended_NTW = attended.transpose(1, 2).flatten(2)
        tokens_NTW = tokens_NTW[:, :n_kept] + self.dropout(self.to_output(attended_NTW))
        mixed_NTW: Tensor = self.dropout(self.feed_forward(self.feed_forward_norm(tokens_NTW)))
        return tokens_NTW + mixed_NTW


class SpectrumTransformer(nn.Module):
    """Groups of bins as tokens; a summary token is mapped to the latent, beside a linear path.

    Parameters
    ----------
    observable_B : Tensor, shape (B,), int64
        Observable of each bin.
    place_B : Tensor, shape (B,), dimensionless
        Scaled position of each bin within its observable.
    latent, width, blocks : int
        Latent width D, token width W, number of blocks.
    dropout : float
        Dropout probability.
    """

    bins: Tensor
    is_bin: Tensor
    observable: Tensor
    place: Tensor

    def __init__(
        self,
        observable_B: Tensor,
        place_B: Tensor,
        *,
        latent: int,
        width: int,
        blocks: int,
        dropout: float,
    ) -> None:
        super().__init__()
        bins_KG, is_bin_KG = token_bins(observable_B)
        self.register_buffer("bins", bins_KG, persistent=False)
        self.register_buffer("is_bin", is_bin_KG.float(), persistent=False)
        self.register_buffer("observable", observable_B[bins_KG[:, 0]], persistent=False)
        self.register_buffer("place", place_B[bins_KG] * is_bin_KG, persistent=False)
        self.embed_bins = FeedForward(2 * BINS_PER_TOKEN, width, width)
        self.embed_observable = nn.Embedding(METADATA_SIZES["observable"], width)
        # Equal values in different bins mean different things: each bin has a scale of its own.
        self.bin_scale = nn.Parameter(torch.randn(len(place_B), width) * width**-0.5)
        self.embed_metadata = nn.ModuleList(
            nn.Embedding(size, width) for size in METADATA_SIZES.values()
        )
        self.summary = nn.Parameter(torch.randn(width) * width**-0.5)
        n_heads = max(n for n in range(1, max(2, width // _HEAD_WIDTH + 1)) if width % n == 0)
        self.blocks = nn.ModuleList(BinBlock(width, n_heads, dropout) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)
        self.to_latent = nn.Linear(width, latent)
        self.linear = nn.Linear(len(place_B), latent, bias=False)

    def forward(
        self, inputs_NB: Tensor, noise_units_NB: Tensor, metadata_NM: Tensor | None = None
    ) -> Tensor:
        """Return the latent of spectra.

        Parameters
        ----------
        inputs_NB : Tensor, shape (N, B), dimensionless
            Scaled spectra.
        noise_units_NB : Tensor, shape (N, B), dimensionless
            Deviations from the Standard Model in units of its error, for the linear path.
        metadata_NM : Tensor, shape (N, 4), int64, optional
            Indices in the order of ``METADATA_SIZES``; 0, the default, is unknown.

        Returns
        -------
        Tensor, shape (N, D)
            Latent.
        """
        n_spectra = len(inputs_NB)
        if metadata_NM is None:
            shape = (n_spectra, len(self.embed_metadata))
            metadata_NM = torch.zeros(shape, dtype=torch.int64, device=inputs_NB.device)
        about_NMW = torch.stack(
            [embed(metadata_NM[:, i]) for i, embed in enumerate(self.embed_metadata)], dim=1
        )
        summary_N1W = self.summary.expand(n_spectra, 1, -1)
        tokens_NTW = torch.cat([summary_N1W, about_NMW, self._bin_tokens(inputs_NB)], dim=1)
        for block in self.blocks[:-1]:
            tokens_NTW = block(tokens_NTW)
        # Nothing but the summary is read.
        summary_NW = self.blocks[-1](tokens_NTW, 1)[:, 0]
        linear_ND: Tensor = self.linear(noise_units_NB)
        summary_ND: Tensor = self.to_latent(self.norm(summary_NW))
        return linear_ND + summary_ND

    def _bin_tokens(self, inputs_NB: Tensor) -> Tensor:
        """Return the tokens of the bins, shape (N, K, W)."""
        inputs_NKG = inputs_NB[:, self.bins] * self.is_bin
        place_NKG = self.place.expand_as(inputs_NKG)
        shared_NKW: Tensor = self.embed_bins(torch.cat([inputs_NKG, place_NKG], dim=-1))
        own_NKW = torch.einsum("nkg,kgw->nkw", inputs_NKG, self.bin_scale[self.bins])
        observable_KW: Tensor = self.embed_observable(self.observable)
        return shared_NKW + own_NKW + observable_KW

    def kernels(self) -> list[Tensor]:
        """Return the weight matrices of the blocks, which an L2 penalty acts on."""
        return [weight for weight in self.blocks.parameters() if weight.ndim == 2]


def token_bins(observable_B: Tensor) -> tuple[Tensor, Tensor]:
    """Return which bins make a token: neighbors of one observable, the last ones perhaps fewer.

    Parameters
    ----------
    observable_B : Tensor, shape (B,), int64
        Observable of each bin.

    Returns
    -------
    tuple of Tensor, shape (K, G)
        Index of each bin, int64, and False where a token has no further bin (index 0).
    """
    rows = []
    for name in torch.unique(observable_B):
        rows += list(torch.split(torch.nonzero(observable_B == name)[:, 0], BINS_PER_TOKEN))
    bins_KG = torch.zeros(len(rows), BINS_PER_TOKEN, dtype=torch.int64)
    is_bin_KG = torch.zeros(bins_KG.shape, dtype=torch.bool)
    for token, row in enumerate(rows):
        bins_KG[token, : len(row)] = row
        is_bin_KG[token, : len(row)] = True
    return bins_KG, is_bin_KG
