"""Invisible particles (neutrinos) given the visible event: diffusion over a handful of tokens.

Each invisible particle is one token: standardized log(1 + pT) and pseudorapidity, and its azimuth
relative to the missing momentum as a vector on the circle. The tokens attend to each other and to
keys and values of the visible tokens. These are computed once per event (``cache``), in training and
in sampling alike, so a sampling step repeats the invisible part only. The particles of an event are
exchangeable: nothing tells them apart but their momenta.

Shape letters: B events, K invisible particles. Read next: ``invisible_features.py`` (units),
``invisible_layers.py`` (attention), ``nn/diffusion.py`` (sampler).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from colliderfm.losses.generation import velocity_loss_per_event
from colliderfm.losses.reduce import spread_over_batch
from colliderfm.nn import diffusion
from colliderfm.nn.attention import mask_to_bias
from colliderfm.nn.encoding import Encoding
from colliderfm.nn.heads.invisible_features import N_FEATURES, InvisibleFeatures, invisible_truth
from colliderfm.nn.heads.invisible_layers import InvisibleCache, InvisibleLayer

# Position in ``batch.globals``; a test holds it to data/event_schema.py.
MET_PHI = 1
_MAX_COUNT = 8


class InvisibleOutputs(NamedTuple):
    """Predicted and true velocities of the noised invisible particles.

    Parameters
    ----------
    velocity, target : Tensor, shape (B, K, 4)
        In network units.
    mask : Tensor, shape (B, K), bool
        True = real particle.
    """

    velocity: Tensor
    target: Tensor
    mask: Tensor


class InvisibleHead(nn.Module):
    """Generate the invisible particles of an event.

    Parameters
    ----------
    width : int
        Width D of the visible tokens, and of the invisible ones.
    n_heads : int
        Attention heads; divides the width.
    n_layers : int
        Decoder layers.
    """

    def __init__(self, width: int, n_heads: int, n_layers: int = 2) -> None:
        super().__init__()
        self.visible_norm = nn.LayerNorm(width)
        self.embed = nn.Linear(N_FEATURES, width)
        self.embed_count = nn.Embedding(_MAX_COUNT + 1, width)
        self.embed_time = diffusion.TimeEmbedding(width)
        self.layers = nn.ModuleList(InvisibleLayer(width, n_heads) for _ in range(n_layers))
        self.to_velocity = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, N_FEATURES))
        self.features = InvisibleFeatures()

    def fit(self, batches: Iterable[Any]) -> InvisibleHead:
        """Measure the standardization of the momenta; it is saved with the weights.

        Parameters
        ----------
        batches : iterable of EventBatch
            Training events with truth.

        Returns
        -------
        InvisibleHead
            This head.
        """
        self.features.fit(batches)
        return self

    def cache(self, encoding: Encoding) -> InvisibleCache:
        """Return keys and values of the visible tokens; needed once per event.

        Parameters
        ----------
        encoding : Encoding
            Clean events.

        Returns
        -------
        InvisibleCache
            For ``velocity``.
        """
        visible = torch.cat([encoding.objects, encoding.event[:, None]], dim=1)
        visible = self.visible_norm(visible)
        cached = [layer.cache(visible) for layer in self.layers]
        keys, values = zip(*cached, strict=True)
        return InvisibleCache(
            keys, values, mask_to_bias(functional.pad(encoding.mask, (0, 1), value=True))
        )

    def velocity(self, cache: InvisibleCache, x_t: Tensor, t: Tensor, mask: Tensor) -> Tensor:
        """Return the velocity of noised invisible particles.

        Parameters
        ----------
        cache : InvisibleCache
            From ``cache``.
        x_t : Tensor, shape (B, K, 4)
            Noised features.
        t : Tensor, shape (B,) or (1,)
            Diffusion time.
        mask : Tensor, shape (B, K), bool
            True = real particle.

        Returns
        -------
        Tensor, shape (B, K, 4)
            Zero where masked.
        """
        time = self.embed_time(t)[:, None]
        count = self.embed_count(mask.sum(dim=1).clamp(max=_MAX_COUNT))[:, None]
        tokens = self.embed(x_t) + time + count
        bias = torch.cat([cache.bias, mask_to_bias(mask)], dim=-1)
        for layer, key, value in zip(self.layers, cache.keys, cache.values, strict=True):
            tokens = layer(tokens, (key, value), bias, time)
        velocity: Tensor = self.to_velocity(tokens) * mask[..., None]
        return velocity

    def forward(self, encoding: Encoding, batch: Any) -> InvisibleOutputs:
        """Noise the true invisible particles at a random time and predict their velocity.

        Parameters
        ----------
        encoding : Encoding
            Clean events.
        batch : EventBatch
            Gives ``truth`` and ``globals``.

        Returns
        -------
        InvisibleOutputs

        Raises
        ------
        DataError
            If the batch has no truth.
        """
        momenta, mask = invisible_truth(batch)
        x = self.features(momenta, batch.globals[:, MET_PHI])
        t = diffusion.random_times(len(x), x.device)
        noise = torch.randn_like(x)
        x_t = diffusion.noised(x, noise, t)
        velocity = self.velocity(self.cache(encoding), x_t, t, mask)
        return InvisibleOutputs(velocity, diffusion.velocity(x, noise, t), mask)

    def valid_events(self, batch: Any) -> dict[str, Tensor]:
        """Return which events have an invisible particle, (B,), bool, under ``invisible``."""
        return {"invisible": invisible_truth(batch)[1].any(dim=1)}

    def loss(
        self,
        outputs: InvisibleOutputs,
        batch: Any,  # noqa: ARG002
        valid_share: Mapping[str, Tensor] | None = None,
    ) -> Tensor:
        """Return the squared error on v of each event with an invisible particle, (B,)."""
        values = velocity_loss_per_event(*outputs)
        return spread_over_batch(*values, (valid_share or {}).get("invisible"))

    @torch.no_grad()
    def sample(
        self,
        encoding: Encoding,
        batch: Any,
        mask: Tensor,
        n_steps: int = 16,
        *,
        stochastic: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Generate the invisible particles of events.

        Parameters
        ----------
        encoding : Encoding
            Clean events.
        batch : EventBatch
            Gives the direction of the missing momentum.
        mask : Tensor, shape (B, K), bool
            True = generate this particle; real ones first.
        n_steps, stochastic, generator
            See ``nn.diffusion.sample``.

        Returns
        -------
        Tensor, shape (B, K, 4)
            Energy, px, py, pz in GeV by falling pT; zero where masked.
        """
        cache = self.cache(encoding)
        x = diffusion.sample(
            lambda x_t, t: self.velocity(cache, x_t, t, mask),
            (*mask.shape, N_FEATURES),
            n_steps,
            stochastic=stochastic,
            generator=generator,
            device=mask.device,
            dtype=self.features.mean.dtype,
        )
        momenta = self.features.inverse(x, batch.globals[:, MET_PHI]) * mask[..., None]
        order = torch.hypot(momenta[..., 1], momenta[..., 2]).masked_fill(~mask, -1.0)
        order = order.argsort(dim=1, descending=True, stable=True)
        return momenta.gather(1, order[..., None].expand_as(momenta))
