"""Objects given the rest of the event: self-supervised diffusion of a masked or the full cloud.

Some objects of an event are noised, all of it at one diffusion time; the encoder sees them beside
the clean ones, with a shift of their tokens that says how noisy they are; the head reads velocity
and category from their tokens. A category is hidden with probability t: in sampling, flags become
known one by one, each drawn given all objects and the flags known by then. One function,
``CloudHead.conditioned``, makes what the encoder sees, in training and in sampling.

Shape letters: B events, N object slots, D width, F = 5 features, C = 4 categories.
Read next: ``cloud_features.py``.

References
----------
Hiding instead of noising categories: J. Austin et al., arXiv:2107.03006, absorbing state;
S. Sahoo et al., arXiv:2406.07524, eqs. 6-8 (a linear schedule is used here).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from colliderfm.losses.generation import category_loss_per_event, velocity_loss_per_event
from colliderfm.losses.reduce import at_least_single, spread_over_batch
from colliderfm.nn import diffusion
from colliderfm.nn.blocks import FeedForward
from colliderfm.nn.encoding import Encoding
from colliderfm.nn.heads.cloud_features import (
    CATEGORIES,
    N_FEATURES,
    NoisedObjects,
    Perturbed,
    condition,
    generated_batch,
    split_objects,
)
from colliderfm.nn.heads.object_noise import ObjectNoise, draw_noise, noise_objects


class CloudOutputs(NamedTuple):
    """Predictions for the noised objects, with the truth they are held to.

    Parameters
    ----------
    velocity, target : Tensor, shape (B, N, 5)
        Predicted and true velocity.
    logits : Tensor, shape (B, N, 4)
        Of the categories.
    category : Tensor, shape (B, N), int64
        True category where it is hidden, else -1.
    is_noised : Tensor, shape (B, N), bool
        True = the object is to be generated.
    """

    velocity: Tensor
    target: Tensor
    logits: Tensor
    category: Tensor
    is_noised: Tensor


class CloudHead(nn.Module):
    """Generate objects of an event.

    Parameters
    ----------
    width : int
        Token width D of the encoder.
    hidden : int
        Width of the hidden layers.
    category_weight : float
        Weight of the cross-entropy of the categories relative to the squared error on v.
    """

    # The encoder runs on events that ``perturb`` has noised.
    needs_noise = True

    def __init__(self, width: int, hidden: int, *, category_weight: float = 0.25) -> None:
        super().__init__()
        self.category_weight = category_weight
        self.embed_time = diffusion.TimeEmbedding(width)
        self.embed_state = FeedForward(N_FEATURES + 1, 2 * width, width)
        self.token_norm = nn.LayerNorm(width)
        self.from_token = nn.Linear(width, hidden)
        self.from_state = nn.Linear(N_FEATURES, hidden, bias=False)
        self.from_time = nn.Linear(width, hidden, bias=False)
        self.layers = nn.Sequential(
            nn.SiLU(),
            nn.Linear(hidden, hidden),
            nn.SiLU(),
            nn.Linear(hidden, N_FEATURES + len(CATEGORIES)),
        )

    def conditioned(self, batch: Any, noised: NoisedObjects, normalizer: Any) -> tuple[Any, Tensor]:
        """Return what the encoder takes in: the events and the shift of their tokens.

        Parameters
        ----------
        batch : EventBatch
            Clean events or a template.
        noised : NoisedObjects
            Replaces some of the objects.
        normalizer : Normalizer
            Of the encoder.

        Returns
        -------
        tuple of EventBatch and Tensor
            Events, and shift (B, N, D): zero for objects without noise and at t = 0.
        """
        t = noised.t[:, None, None]
        state = torch.cat([noised.x_t, noised.is_hidden[..., None].to(noised.x_t.dtype)], dim=-1)
        shift = self.embed_time(noised.t)[:, None] + t * self.embed_state(state)
        return condition(batch, noised, normalizer), shift * noised.is_noised[..., None]

    def draw(self, batch: Any, masked_fraction: float) -> ObjectNoise:
        """Return what ``perturb`` draws at random; see ``object_noise.draw_noise``."""
        return draw_noise(batch, masked_fraction)

    def perturb(
        self,
        batch: Any,
        masked_fraction: float,
        normalizer: Any,
        drawn: ObjectNoise | None = None,
    ) -> Perturbed:
        """Noise objects at random.

        Parameters
        ----------
        batch : EventBatch
            Clean events.
        masked_fraction : float
            Probability of an object to be noised; at least one of each event is.
        normalizer : Normalizer
            Of the encoder.
        drawn : ObjectNoise, optional
            From ``draw``; drawn now by default.

        Returns
        -------
        Perturbed
            For the encoder, then for ``forward``.
        """
        drawn = self.draw(batch, masked_fraction) if drawn is None else drawn
        noised, velocity = noise_objects(batch, drawn, normalizer)
        category = noised.category.masked_fill(~noised.is_hidden, -1)
        events, shift = self.conditioned(batch, noised, normalizer)
        return Perturbed(events, shift, noised, velocity, category)

    def predict(self, encoding: Encoding, noised: NoisedObjects) -> tuple[Tensor, Tensor]:
        """Return velocity and category logits of the objects.

        Parameters
        ----------
        encoding : Encoding
            Of the conditioned events.
        noised : NoisedObjects
            The same objects.

        Returns
        -------
        tuple of Tensor
            Velocity (B, N, 5) and logits (B, N, 4); without meaning where nothing is noised.
        """
        hidden = self.from_token(self.token_norm(encoding.objects)) + self.from_state(noised.x_t)
        hidden = hidden + self.from_time(self.embed_time(noised.t))[:, None]
        velocity, logits = self.layers(hidden).split([N_FEATURES, len(CATEGORIES)], dim=-1)
        return velocity, logits

    def forward(self, encoding: Encoding, perturbed: Perturbed) -> CloudOutputs:
        """Return predictions for the noised objects of ``perturb``, with their truth."""
        velocity, logits = self.predict(encoding, perturbed.noised)
        return CloudOutputs(
            velocity, perturbed.velocity, logits, perturbed.category, perturbed.is_noised
        )

    def loss(
        self,
        outputs: CloudOutputs,
        batch: Any,  # noqa: ARG002
        valid_share: Mapping[str, Tensor] | None = None,
    ) -> Tensor:
        """Return the squared error on v plus the weighted cross-entropy of hidden categories, (B,).

        Its batch mean is a mean over the events with noised objects, and over those with hidden
        categories; the truth comes with ``outputs``.
        """
        error = velocity_loss_per_event(outputs.velocity, outputs.target, outputs.is_noised)
        entropy = category_loss_per_event(outputs.logits, outputs.category)
        share = valid_share or {}
        return spread_over_batch(
            *error, share.get("velocity")
        ) + self.category_weight * spread_over_batch(*entropy, share.get("category"))

    @torch.no_grad()
    def sample(
        self,
        encoder: nn.Module,
        batch: Any,
        n_steps: int = 16,
        *,
        is_generated: Tensor | None = None,
        stochastic: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> Any:
        """Generate objects in some or all slots.

        Parameters
        ----------
        encoder : EventEncoder
            In evaluation mode; one pass per step.
        batch : EventBatch
            Template: mask, missing momentum and the objects that are kept.
        n_steps, stochastic, generator
            See ``nn.diffusion.sample``.
        is_generated : Tensor, shape (B, N), bool, optional
            True = generate this object; all by default.

        Returns
        -------
        EventBatch
            The template with generated objects, physical and inside the ranges of the columns, and
            with the globals that follow from them. Slots are not sorted; topology and truth are
            those of the template.
        """
        is_noised = batch.mask if is_generated is None else is_generated & batch.mask
        path = _CloudPath(self, encoder, batch, is_noised, generator)
        x = diffusion.sample(
            path,
            (*batch.mask.shape, N_FEATURES),
            n_steps,
            stochastic=stochastic,
            generator=generator,
            device=batch.objects.device,
            dtype=batch.objects.dtype,
        )
        path.reveal(0.0)
        return generated_batch(batch, path.objects(x, x.new_zeros(1)), encoder.normalizer)


class _CloudPath:
    """Velocity along one sampling path; categories become known as time falls."""

    def __init__(
        self,
        head: CloudHead,
        encoder: nn.Module,
        batch: Any,
        is_noised: Tensor,
        generator: torch.Generator | None,
    ) -> None:
        self.head, self.encoder, self.batch = head, encoder, batch
        self.is_noised, self.is_hidden, self.generator = is_noised, is_noised, generator
        _, self.category = split_objects(batch, encoder.normalizer)
        # An object's category is hidden at times above its own, so with probability t at time t.
        device = is_noised.device
        self.known_from = torch.rand(is_noised.shape, generator=generator, device=device)
        self.logits: Tensor | None = None

    def __call__(self, x_t: Tensor, t: Tensor) -> Tensor:
        self.reveal(float(t))
        noised = self.objects(x_t, t)
        events, shift = self.head.conditioned(self.batch, noised, self.encoder.normalizer)
        velocity, self.logits = self.head.predict(self.encoder(events, shift), noised)
        return velocity

    def objects(self, x_t: Tensor, t: Tensor) -> NoisedObjects:
        """Return the objects with what is known of their categories."""
        times = t.expand(len(x_t))
        return NoisedObjects(x_t, self.category, self.is_hidden, self.is_noised, times)

    def reveal(self, t: float) -> None:
        """Draw the categories that become known at a time, from the latest prediction."""
        if self.logits is None:
            return
        probability = at_least_single(self.logits).softmax(dim=-1).flatten(0, 1)
        drawn = torch.multinomial(probability, 1, generator=self.generator)
        is_new = self.is_hidden & (self.known_from >= t)
        self.category = torch.where(is_new, drawn.view(self.category.shape), self.category)
        self.is_hidden = self.is_hidden & ~is_new
