"""Event-level quantities given the class of the event or other numbers: diffusion with a small MLP.

For example how many objects an event has, its missing momentum and its HT, before ``CloudHead`` makes
the objects. No encoder is needed: the visible event is what comes afterwards.
Read next: ``quantity_features.py``.

Shape letters: B events, n quantities, D width.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from colliderfm.errors import ConfigError, DataError
from colliderfm.losses.generation import velocity_loss_per_event
from colliderfm.losses.reduce import spread_over_batch
from colliderfm.nn import diffusion
from colliderfm.nn.blocks import FeedForward
from colliderfm.nn.heads.quantity_features import QuantityFeatures

# Room for processes that are appended to the schema: the index of a process is its embedding.
N_PROCESSES = 64


class QuantityOutputs(NamedTuple):
    """Predicted and true velocities of event-level quantities.

    Parameters
    ----------
    velocity, target : Tensor, shape (B, n)
        In network units.
    is_valid : Tensor, shape (B,), bool
        True = the event has all quantities and conditions.
    """

    velocity: Tensor
    target: Tensor
    is_valid: Tensor


class ResidualLayer(nn.Module):
    """Add a feed-forward layer of the normalized vector.

    Parameters
    ----------
    width : int
        Width D.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.feed_forward = FeedForward(width, 2 * width, width)

    def forward(self, vector_BD: Tensor, given_BD: Tensor) -> Tensor:
        """Return the updated vector (B, D); ``given_BD`` says what it is conditioned on."""
        return vector_BD + self.feed_forward(self.norm(vector_BD) + given_BD)


class EventQuantityHead(nn.Module):
    """Generate event-level quantities.

    Parameters
    ----------
    names : sequence of str
        What to generate: globals but ``met_phi``, ``n_objects``, or extras of the events.
    width : int
        Width D of the layers.
    n_layers : int
        Residual layers.
    conditions : sequence of str
        What is given beside the process, in the same terms.
    uses_process : bool
        Whether the process of the event is given.

    Raises
    ------
    ConfigError
        If there is nothing to generate, or a quantity is also a condition.
    """

    def __init__(
        self,
        names: Sequence[str],
        width: int = 64,
        *,
        n_layers: int = 3,
        conditions: Sequence[str] = (),
        uses_process: bool = True,
    ) -> None:
        super().__init__()
        if not names or set(names) & set(conditions):
            raise ConfigError(
                "event-level quantities to generate",
                got=f"{', '.join(names) or 'none'} given {', '.join(conditions) or 'nothing'}",
                need="at least one that is not given",
            )
        self.quantities = QuantityFeatures(names)
        self.conditions = QuantityFeatures(conditions, is_spread=False)
        self.embed_process = nn.Embedding(N_PROCESSES, width) if uses_process else None
        self.embed_conditions = nn.Linear(len(conditions), width) if conditions else None
        self.embed_time = diffusion.TimeEmbedding(width)
        self.embed = nn.Linear(len(names), width)
        self.layers = nn.ModuleList(ResidualLayer(width) for _ in range(n_layers))
        self.to_velocity = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, len(names)))

    def fit(self, batches: Iterable[Any]) -> EventQuantityHead:
        """Measure the standardization of quantities and conditions; saved with the weights.

        Parameters
        ----------
        batches : iterable of EventBatch
            Training events.

        Returns
        -------
        EventQuantityHead
            This head.
        """
        rows = [(self.quantities.read(b), self.conditions.read(b), b.weight) for b in batches]
        self.quantities.fit((quantities, weight) for quantities, _, weight in rows)
        self.conditions.fit((conditions, weight) for _, conditions, weight in rows)
        return self

    def given(self, batch: Any) -> tuple[Tensor, Tensor]:
        """Return what the quantities are conditioned on, in training and in sampling.

        Parameters
        ----------
        batch : EventBatch
            Gives process and conditions; the quantities themselves are not looked at.

        Returns
        -------
        tuple of Tensor
            Embedding (B, D), and which events have all conditions (B,), bool.
        """
        values = self.conditions(self.conditions.read(batch))
        is_known = values.isfinite().all(dim=1)
        given = values.new_zeros(len(values), self.embed.out_features)
        if self.embed_process is not None:
            given = given + self.embed_process(batch.process)
        if self.embed_conditions is not None:
            given = given + self.embed_conditions(values.masked_fill(~is_known[:, None], 0.0))
        return given, is_known

    def velocity(self, x_t: Tensor, t: Tensor, given: Tensor) -> Tensor:
        """Return the velocity of noised quantities.

        Parameters
        ----------
        x_t : Tensor, shape (B, n)
            Noised quantities.
        t : Tensor, shape (B,) or (1,)
            Diffusion time.
        given : Tensor, shape (B, D)
            From ``given``.

        Returns
        -------
        Tensor, shape (B, n)
        """
        given = given + self.embed_time(t)
        vector = self.embed(x_t)
        for layer in self.layers:
            vector = layer(vector, given)
        velocity: Tensor = self.to_velocity(vector)
        return velocity

    def forward(self, encoding: Any, batch: Any) -> QuantityOutputs:  # noqa: ARG002
        """Noise the true quantities at a random time and predict their velocity.

        Parameters
        ----------
        encoding : Encoding or None
            Not used.
        batch : EventBatch
            Gives quantities and conditions.

        Returns
        -------
        QuantityOutputs
        """
        x = self.quantities(self.quantities.read(batch))
        given, is_known = self.given(batch)
        is_valid = is_known & x.isfinite().all(dim=1)
        x = x.masked_fill(~is_valid[:, None], 0.0)
        t, noise = diffusion.random_times(len(x), x.device), torch.randn_like(x)
        velocity = self.velocity(diffusion.noised(x, noise, t), t, given)
        return QuantityOutputs(velocity, diffusion.velocity(x, noise, t), is_valid)

    def valid_events(self, batch: Any) -> dict[str, Tensor]:
        """Return which events have all quantities and conditions, (B,), bool, under ``quantities``."""
        is_finite = self.quantities(self.quantities.read(batch)).isfinite().all(dim=1)
        return {"quantities": self.given(batch)[1] & is_finite}

    def loss(
        self,
        outputs: QuantityOutputs,
        batch: Any,  # noqa: ARG002
        valid_share: Mapping[str, Tensor] | None = None,
    ) -> Tensor:
        """Return the squared error on v of each event that has all quantities, (B,)."""
        values = velocity_loss_per_event(
            outputs.velocity[:, None], outputs.target[:, None], outputs.is_valid[:, None]
        )
        return spread_over_batch(*values, (valid_share or {}).get("quantities"))

    @torch.no_grad()
    def sample(
        self,
        batch: Any,
        n_steps: int = 16,
        *,
        stochastic: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Generate the quantities of events.

        Parameters
        ----------
        batch : EventBatch
            Gives process and conditions.
        n_steps, stochastic, generator
            See ``nn.diffusion.sample``.

        Returns
        -------
        Tensor, shape (B, n)
            In raw units and in the order of the names, within the range of the fitted events.

        Raises
        ------
        DataError
            If an event lacks a condition.
        """
        given, is_known = self.given(batch)
        if not is_known.all():
            raise DataError(
                "conditions of events to generate",
                got=f"{int((~is_known).sum())} of {len(given)} events without a number",
                need=", ".join(self.conditions.names),
            )
        x = diffusion.sample(
            lambda x_t, t: self.velocity(x_t, t, given),
            (len(given), len(self.quantities.names)),
            n_steps,
            stochastic=stochastic,
            generator=generator,
            device=given.device,
            dtype=given.dtype,
        )
        return self.quantities.inverse(x)
