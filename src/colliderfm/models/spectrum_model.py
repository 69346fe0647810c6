"""Encoder of spectra, and the network of its pretraining: the encoder with heads on the latent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from colliderfm.errors import CheckpointError, ConfigError
from colliderfm.models.spectrum_normalization import (
    INPUTS,
    SpectrumNormalization,
    SpectrumScaling,
)
from colliderfm.nn.spectrum import DenseSpectrumNetwork
from colliderfm.nn.spectrum_heads import LatentHead, SpectrumDecoder
from colliderfm.nn.spectrum_transformer import SpectrumTransformer

KINDS = ("dense", "transformer")
# Heads that give one number per bin; the others give what their settings say.
BIN_HEADS = ("decoder", "masked_bins")


@dataclass(frozen=True)
class SpectrumEncoderSettings:
    """Shape of a spectrum encoder.

    Parameters
    ----------
    kind : str
        ``dense``, or ``transformer`` with bins as tokens.
    hidden : int
        Units of a hidden layer, or token width.
    layers : int
        Hidden layers, or blocks.
    latent : int
        Width D of the latent: 2 for pictures, 4 to 8 for tasks.
    dropout : float
        Dropout probability.
    batch_norm : bool
        Batch normalization in the dense network.
    inputs : str
        Scaling, see ``SpectrumScaling``; with ``asinh`` the dense network has a linear path beside
        its hidden layers.

    Raises
    ------
    ConfigError
        If a value is out of range.
    """

    kind: str = "dense"
    hidden: int = 256
    layers: int = 3
    latent: int = 8
    dropout: float = 0.0
    batch_norm: bool = True
    inputs: str = "asinh"

    def __post_init__(self) -> None:
        for name, allowed in (("kind", KINDS), ("inputs", INPUTS)):
            if getattr(self, name) not in allowed:
                got = getattr(self, name)
                raise ConfigError(f"spectrum encoder: {name}", got=got, need=", ".join(allowed))
        for name in ("hidden", "layers", "latent"):
            if getattr(self, name) < 1:
                raise ConfigError(f"spectrum encoder: {name}", got=getattr(self, name), need=">= 1")
        if not 0.0 <= self.dropout < 1.0:
            raise ConfigError("spectrum encoder: dropout", got=self.dropout, need="in [0, 1)")


class SpectrumEncoder(nn.Module):
    """Spectra in pb/GeV to a latent.

    Parameters
    ----------
    settings : SpectrumEncoderSettings
        Shape.
    normalization : SpectrumNormalization
        Bins and scales.
    network : nn.Module
        Maps scaled spectra and noise units to the latent.
    """

    def __init__(
        self,
        settings: SpectrumEncoderSettings,
        normalization: SpectrumNormalization,
        network: nn.Module,
    ) -> None:
        super().__init__()
        self.settings, self.normalization = settings, normalization
        self.scaling = SpectrumScaling(
            normalization, settings.inputs, needs_deviations=settings.kind == "transformer"
        )
        self.network = network

    def forward(self, values: Tensor, metadata: Tensor | None = None) -> Tensor:
        """Return the latent of spectra.

        Parameters
        ----------
        values : Tensor, shape (N, B), pb/GeV, float32
            Densities dsigma/dX in the bins of ``normalization``.
        metadata : Tensor, shape (N, 4), int64, optional
            Indices of observable, order, parton densities and scale (0 = unknown), for the
            transformer.

        Returns
        -------
        Tensor, shape (N, D)
            Latent.

        Raises
        ------
        CheckpointError
            If the spectra have another number of bins.
        """
        if values.ndim != 2 or values.shape[1] != self.normalization.n_bins:
            raise CheckpointError(
                "spectra do not fit the encoder",
                got=f"shape {tuple(values.shape)}",
                need=f"(N, {self.normalization.n_bins})",
            )
        scaled, noise_units = self.scaling(values)
        if metadata is not None and self.settings.kind == "transformer":
            with_metadata: Tensor = self.network(scaled, noise_units, metadata)
            return with_metadata
        latent: Tensor = self.network(scaled, noise_units)
        return latent

    def fold(self) -> SpectrumEncoder:
        """Return a dense encoder for fast inference, batch normalization inside the weights.

        Returns
        -------
        SpectrumEncoder
            Frozen, in evaluation mode; equal outputs up to rounding.

        Raises
        ------
        ConfigError
            For a transformer, which has nothing to fold.
        """
        if not isinstance(self.network, DenseSpectrumNetwork):
            raise ConfigError("fold a spectrum encoder", got=self.settings.kind, need="dense")
        folded = SpectrumEncoder(self.settings, self.normalization, self.network.fold())
        return folded.to(self.scaling.sm.device).eval()

    def freeze(self) -> SpectrumEncoder:
        """Switch to evaluation mode for good: no gradients, no changes of normalization."""
        return self.eval().requires_grad_(requires_grad=False)


class SpectrumModel(nn.Module):
    """An encoder with heads on its latent.

    Parameters
    ----------
    encoder : SpectrumEncoder
        Encoder.
    heads : dict of str to LatentHead
        By name; ``decoder`` generates spectra.
    """

    def __init__(self, encoder: SpectrumEncoder, heads: Mapping[str, LatentHead]) -> None:
        super().__init__()
        self.encoder = encoder
        self.heads = nn.ModuleDict(dict(heads))

    def forward(self, values: Tensor) -> Tensor:
        """Return the latent of spectra, shape (N, D)."""
        latent: Tensor = self.encoder(values)
        return latent

    def generate(self, latent: Tensor) -> Tensor:
        """Return the spectra that latents stand for.

        Parameters
        ----------
        latent : Tensor, shape (N, D)
            Latents, of spectra or chosen.

        Returns
        -------
        Tensor, shape (N, B), pb/GeV
            Expected spectra; values can be negative in bins that are nearly empty.

        Raises
        ------
        ConfigError
            If the network was trained without a decoder.
        """
        if "decoder" not in self.heads:
            raise ConfigError(
                "this network generates no spectra",
                got=", ".join(self.heads) or "no heads",
                need="a decoder",
                fix="pretrain with pretrain.spectrum.decoder_weight above 0",
            )
        return self.encoder.scaling.from_noise_units(self.heads["decoder"](latent))

    def head_outputs(self) -> dict[str, int]:
        """Return the number of outputs of each head, as ``build_spectrum_model`` takes them."""
        return {name: int(head.linear.out_features) for name, head in self.heads.items()}  # type: ignore[union-attr,arg-type]


def build_spectrum_encoder(
    settings: SpectrumEncoderSettings, normalization: SpectrumNormalization
) -> SpectrumEncoder:
    """Build a spectrum encoder with fresh weights.

    Parameters
    ----------
    settings : SpectrumEncoderSettings
        Shape.
    normalization : SpectrumNormalization
        Bins and scales.

    Returns
    -------
    SpectrumEncoder
        In training mode.
    """
    network: nn.Module
    if settings.kind == "dense":
        network = DenseSpectrumNetwork(
            normalization.n_bins,
            settings.latent,
            hidden=settings.hidden,
            layers=settings.layers,
            dropout=settings.dropout,
            batch_norm=settings.batch_norm,
            linear_path=settings.inputs == "asinh",
        )
    else:
        network = SpectrumTransformer(
            normalization.observable_index(),
            normalization.place(),
            latent=settings.latent,
            width=settings.hidden,
            blocks=settings.layers,
            dropout=settings.dropout,
        )
    return SpectrumEncoder(settings, normalization, network)


def build_spectrum_model(
    settings: SpectrumEncoderSettings,
    normalization: SpectrumNormalization,
    heads: Mapping[str, int] | None = None,
) -> SpectrumModel:
    """Build an encoder with heads, fresh weights.

    Parameters
    ----------
    settings : SpectrumEncoderSettings
        Shape of the encoder.
    normalization : SpectrumNormalization
        Bins and scales.
    heads : mapping of str to int, optional
        Number of outputs by name; those of ``BIN_HEADS`` have one per bin, whatever is said.

    Returns
    -------
    SpectrumModel
        In training mode.
    """
    built: dict[str, LatentHead] = {}
    encoder = build_spectrum_encoder(settings, normalization)
    for name, n_outputs in (heads or {}).items():
        if name in BIN_HEADS:
            built[name] = SpectrumDecoder(settings.latent, settings.hidden, normalization.n_bins)
        else:
            built[name] = LatentHead(settings.latent, settings.hidden, n_outputs)
    return SpectrumModel(encoder, built)
