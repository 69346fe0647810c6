"""The event network, top to bottom: embed, attend, read out an event token, apply heads.

``EventEncoder`` works alone as a documented module (``models.weights.load_encoder``): give it an
``EventBatch`` in raw units, get object tokens and an event token. Its normalizer is part of it and
is saved with it.

Invariances by construction: order of the objects, content and number of padded slots, rotation of
the whole event (with the missing momentum) in phi. Read next: ``nn/pairs.py``, ``nn/blocks.py``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from colliderfm.data.event_batch import EventBatch
from colliderfm.data.normalize import GLOBAL_INPUTS, OBJECT_INPUTS, Normalizer
from colliderfm.models.extra_inputs import projection_of, with_extras
from colliderfm.models.settings import EncoderSettings, HeadSettings
from colliderfm.nn.attention import mask_to_bias
from colliderfm.nn.blocks import EventDropout, FeedForward, TransformerBlock
from colliderfm.nn.encoding import Encoding
from colliderfm.nn.pairs import PairEmbedding
from colliderfm.nn.point_edge import PointEdgeLayer, nearest_neighbors

# Outputs and loss of the classes of noised events.
NOISED_CLASSES = "classify_noised"


class EventEncoder(nn.Module):
    """Encode events: one token per object and one per event.

    Parameters
    ----------
    normalizer : Normalizer
        Maps raw units to network inputs; its statistics belong to the encoder.
    settings : EncoderSettings
        Width, depth and switches.

    Examples
    --------
    >>> encoder = load_encoder("encoders/event-encoder")          # doctest: +SKIP
    >>> encoding = encoder(batch)                                 # doctest: +SKIP
    >>> encoding.event.shape, encoding.objects.shape              # doctest: +SKIP
    (torch.Size([256, 64]), torch.Size([256, 11, 64]))
    """

    def __init__(self, normalizer: Normalizer, settings: EncoderSettings) -> None:
        super().__init__()
        width = settings.width
        self.settings = settings
        self.is_frozen = False
        self.normalizer = normalizer
        self.embed_objects = FeedForward(len(OBJECT_INPUTS), 2 * width, width)
        self.embed_globals = FeedForward(len(GLOBAL_INPUTS), 4 * width, width)
        self.object_extras = projection_of(normalizer.choice.object_extras, width)
        self.global_extras = projection_of(normalizer.choice.global_extras, width)
        self.event_token = nn.Parameter(torch.randn(width) * 0.02)
        self.pairs = (
            PairEmbedding(settings.pair_hidden, settings.n_heads, width)
            if settings.pair_features
            else None
        )
        self.edge_layers = nn.ModuleList(
            PointEdgeLayer(width) for _ in range(settings.n_edge_layers)
        )
        self.dropout = EventDropout(settings.dropout)
        self.blocks = self._make_blocks(settings.n_blocks)
        self.object_layers = self._make_blocks(settings.n_object_layers)
        self.norm = nn.LayerNorm(width)

    def _make_blocks(self, n_blocks: int) -> nn.ModuleList:
        """Return transformer blocks of the encoder's width."""
        settings = self.settings
        return nn.ModuleList(
            TransformerBlock(
                settings.width,
                settings.n_heads,
                mlp_ratio=settings.mlp_ratio,
                dropout=settings.dropout,
                depth=settings.n_blocks + settings.n_object_layers,
            )
            for _ in range(n_blocks)
        )

    def forward(self, batch: EventBatch, token_shift: Tensor | None = None) -> Encoding:
        """Encode a batch.

        Parameters
        ----------
        batch : EventBatch
            B events of N slots in raw units, GeV and radians. What padded slots hold does not
            matter.
        token_shift : Tensor, shape (B, N, D), optional
            Added to the object tokens before the blocks, e.g. how noisy an object is.

        Returns
        -------
        Encoding
            Object tokens (B, N, D), event token (B, D), mask (B, N) and hidden pair features.
        """
        batch = replace(batch, objects=batch.objects.masked_fill(~batch.mask[..., None], 0.0))
        object_inputs, global_inputs = self.normalizer(batch)
        objects, pair_bias, hidden_pairs = self._embed(batch, object_inputs)
        if token_shift is not None:
            objects = objects + token_shift
        global_token = self.embed_globals(global_inputs)
        features = self.normalizer.global_extras
        global_token = with_extras(global_token, self.global_extras, features, batch.extras)
        tokens = self.dropout(torch.cat([objects, global_token[:, None]], dim=1))
        # Tokens in order: N objects, global, event. Blocks see the first N + 1, object layers all.
        bias = self._bias(batch.mask, pair_bias)
        n_slots = batch.mask.shape[1]
        bias_blocks = bias[:, :, : n_slots + 1, : n_slots + 1].contiguous()
        for block in self.blocks:
            tokens = block(tokens, bias_blocks)
        tokens = torch.cat([tokens, self.event_token.expand(len(tokens), 1, -1)], dim=1)
        for layer in self.object_layers:
            tokens = layer(tokens, bias)
        tokens = self.norm(tokens)
        objects = tokens[:, :n_slots] * batch.mask[..., None]
        return Encoding(objects, tokens[:, n_slots + 1], batch.mask, hidden_pairs)

    def _embed(
        self, batch: EventBatch, object_inputs: Tensor
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Return object tokens (B, N, D), pair bias (B, H, N, N) and hidden pairs (B, N, N, K)."""
        objects = self.embed_objects(object_inputs)
        features = self.normalizer.object_extras
        objects = with_extras(objects, self.object_extras, features, batch.object_extras)
        pair_bias = hidden_pairs = None
        if self.pairs is not None:
            hidden_pairs, pair_bias, pair_terms = self.pairs(batch.objects, batch.mask)
            objects = objects + pair_terms
        if len(self.edge_layers):
            neighbors = nearest_neighbors(batch.objects, batch.mask, self.settings.n_neighbors)
            for layer in self.edge_layers:
                objects = layer(objects, neighbors)
        return objects, pair_bias, hidden_pairs

    def _bias(self, mask: Tensor, pair_bias: Tensor | None) -> Tensor:
        """Return the attention bias over objects, global and event token, (B, H, N + 2, N + 2)."""
        key_bias = mask_to_bias(functional.pad(mask, (0, 2), value=True))
        n_tokens = key_bias.shape[-1]
        if pair_bias is None:
            return key_bias.expand(-1, self.settings.n_heads, n_tokens, -1).contiguous()
        return functional.pad(pair_bias, (0, 2, 0, 2)) + key_bias

    def freeze(self, *, but_extras: bool = False) -> EventEncoder:
        """Stop training the encoder: no gradients, and no dropout even while its heads train.

        With ``but_extras`` the projections of extra inputs still train.
        """
        self.is_frozen = True
        self.requires_grad_(False)
        for projection in (self.object_extras, self.global_extras):
            if projection is not None:
                projection.requires_grad_(but_extras)
        return self.train(False)

    def train(self, mode: bool = True) -> EventEncoder:
        """Set training mode; a frozen encoder stays in evaluation mode."""
        return super().train(mode and not self.is_frozen)


class EventModel(nn.Module):
    """An encoder and its heads.

    Parameters
    ----------
    encoder : EventEncoder
        Shared by all heads.
    heads : mapping of str to Module
        Heads by name; each has ``forward(encoding, batch)`` and ``loss(outputs, batch)``.
    head_settings : sequence of HeadSettings
        What the heads were built from; saved beside the weights.
    """

    def __init__(
        self,
        encoder: EventEncoder,
        heads: Mapping[str, nn.Module],
        head_settings: Sequence[HeadSettings] = (),
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.head_settings = tuple(head_settings)
        self.heads = nn.ModuleDict(dict(heads))

    def forward(
        self,
        batch: EventBatch,
        heads: Collection[str] | None = None,
        *,
        masked_fraction: float = 1.0,
    ) -> dict[str, Any]:
        """Return the outputs of the heads; heads that are not asked for cost nothing.

        One pass of the encoder over the clean events serves all heads but those that learn from
        noised objects (``needs_noise``); these share a second pass, which also gives the outputs
        ``classify_noised`` if the model classifies.

        Parameters
        ----------
        batch : EventBatch
            Events.
        heads : collection of str, optional
            Heads to run; all by default.
        masked_fraction : float
            Share of the objects that is noised for the heads that need it.

        Returns
        -------
        dict of str to outputs
            By head name.
        """
        wanted = [name for name in self.heads if heads is None or name in heads]
        noisy = [name for name in wanted if getattr(self.heads[name], "needs_noise", False)]
        clean = [name for name in wanted if name not in noisy]
        outputs: dict[str, Any] = {}
        if clean:
            encoding = self.encoder(batch)
            outputs |= {name: self.heads[name](encoding, batch) for name in clean}
        for name in noisy:
            outputs |= self._noised(name, batch, masked_fraction, with_classes="classify" in wanted)
        return outputs

    def _noised(
        self, name: str, batch: EventBatch, masked_fraction: float, *, with_classes: bool
    ) -> dict[str, Any]:
        """Return the outputs of a head that learns from noised objects, and of their classes."""
        given = (batch, masked_fraction, self.encoder.normalizer)
        drawn = (batch.part.drawn[name],) if batch.part else ()
        perturbed = self.heads[name].perturb(*given, *drawn)
        encoding = self.encoder(perturbed.batch, perturbed.token_shift)
        outputs = {name: self.heads[name](encoding, perturbed)}
        if with_classes:
            logits = self.heads["classify"](encoding, perturbed.batch)
            outputs[NOISED_CLASSES] = (logits, perturbed.clarity)
        return outputs

    def losses(self, outputs: Mapping[str, Any], batch: EventBatch) -> dict[str, Tensor]:
        """Return per-event losses by head name.

        Parameters
        ----------
        outputs : mapping of str to outputs
            From ``forward``.
        batch : EventBatch
            The same events.

        Returns
        -------
        dict of str to Tensor, shape (B,)
            The plain batch mean of each is its loss (see ``losses.reduce``; ``weighted_total`` adds
            them up). Classes of noised events count by the share of the signal that is left.
        """
        losses: dict[str, Tensor] = {}
        for name, output in outputs.items():
            is_noised = name == NOISED_CLASSES
            head, values = ("classify", output[0]) if is_noised else (name, output)
            shares = batch.part.valid_share.get(head) if batch.part else None
            given = (values, batch) if shares is None else (values, batch, shares)
            losses[name] = self.heads[head].loss(*given)
            if is_noised:
                losses[name] = losses[name] * output[1]
        return losses

    def encoder_parameters(self) -> Iterator[nn.Parameter]:
        """Yield the parameters of the encoder."""
        yield from self.encoder.parameters()

    def head_parameters(self) -> Iterator[nn.Parameter]:
        """Yield the parameters of all heads."""
        yield from self.heads.parameters()
