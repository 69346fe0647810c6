"""A small spectrum network over twelve bins."""

from __future__ import annotations

import torch

from colliderfm.models.spectrum_model import (
    SpectrumEncoderSettings,
    SpectrumModel,
    build_spectrum_model,
)
from colliderfm.models.spectrum_normalization import SpectrumNormalization

N_BINS = 12


def normalization(n_bins: int = N_BINS) -> SpectrumNormalization:
    low = [50.0 + 10.0 * i for i in range(n_bins)]
    falling = [58.0 * 0.3**i for i in range(n_bins)]
    return SpectrumNormalization(
        observable=("mll",) * (n_bins - 4) + ("pt",) * 4,
        low_gev=tuple(low),
        high_gev=tuple(edge + 10.0 for edge in low),
        sm=tuple(falling),
        sigma=tuple(0.01 * value**0.5 for value in falling),
        mean=tuple(1.1 * value for value in falling),
        std=tuple(0.2 * value for value in falling),
    )


def spectrum_model(heads: dict[str, int] | None = None, **settings: object) -> SpectrumModel:
    torch.manual_seed(0)
    shape = {"hidden": 16, "layers": 2, "latent": 3, **settings}
    return build_spectrum_model(SpectrumEncoderSettings(**shape), normalization(), heads)  # type: ignore[arg-type]


def spectra(n: int = 6, seed: int = 1) -> torch.Tensor:
    """Replicas about the Standard Model and about twice its tail, in turn, pb/GeV."""
    generator = torch.Generator().manual_seed(seed)
    scales = normalization()
    sm, sigma = torch.tensor(scales.sm), torch.tensor(scales.sigma)
    factor = torch.ones(n, N_BINS)
    factor[1::2, 6:] = 2.0
    return sm * factor + sigma * torch.randn(n, N_BINS, generator=generator)
