"""Event classification from the event token.

The event token has attended to every object in the object encoder already, so a plain MLP on it
runs on B rows instead of B·N: wide layers there are cheap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from colliderfm.losses.classification import cross_entropy_per_event
from colliderfm.losses.reduce import at_least_single, spread_over_batch
from colliderfm.nn.blocks import EventDropout
from colliderfm.nn.encoding import Encoding


class ClassifyHead(nn.Module):
    """Tell classes of events apart.

    Parameters
    ----------
    width : int
        Width D of the event token.
    hidden : int
        Width of the two hidden layers.
    class_of_process : sequence of int
        Class of each process index; -1 = a process that belongs to no class and carries no loss.
    dropout : float
        Dropout probability of the hidden layers.
    class_weights : sequence of float, optional
        Factor on the loss of each class.
    """

    class_of_process: Tensor
    class_weights: Tensor | None

    def __init__(
        self,
        width: int,
        hidden: int,
        class_of_process: Sequence[int],
        *,
        dropout: float = 0.0,
        class_weights: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        n_classes = max(class_of_process) + 1
        self.layers = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, hidden),
            nn.SiLU(),
            EventDropout(dropout),
            nn.Linear(hidden, hidden),
            nn.SiLU(),
            EventDropout(dropout),
            nn.Linear(hidden, n_classes),
        )
        # Both follow from the settings, so they are not part of a checkpoint.
        index = torch.tensor(list(class_of_process), dtype=torch.int64)
        self.register_buffer("class_of_process", index, persistent=False)
        weights = None if class_weights is None else torch.tensor(list(class_weights))
        self.register_buffer("class_weights", weights, persistent=False)

    @property
    def n_classes(self) -> int:
        """Number of classes C."""
        return self.layers[-1].out_features

    def forward(self, encoding: Encoding, batch: Any) -> Tensor:  # noqa: ARG002
        """Return class logits, shape (B, C)."""
        return self.layers(encoding.event)

    def target(self, batch: Any) -> Tensor:
        """Return the true class of each event, shape (B,), int64; -1 = none."""
        return self.class_of_process[batch.process]

    def valid_events(self, batch: Any) -> dict[str, Tensor]:
        """Return which events belong to a class, (B,), bool, under ``classes``."""
        return {"classes": self.target(batch) >= 0}

    def loss(
        self, outputs: Tensor, batch: Any, valid_share: Mapping[str, Tensor] | None = None
    ) -> Tensor:
        """Return the cross-entropy of each event.

        Parameters
        ----------
        outputs : Tensor, shape (B, C)
            Logits from ``forward``.
        batch : EventBatch
            Gives ``process``.
        valid_share : mapping of str to Tensor, optional
            For a part of a batch: see ``models.batch_parts``.

        Returns
        -------
        Tensor, shape (B,)
            Its mean over the batch is the mean over the events that belong to a class.
        """
        values, is_valid = cross_entropy_per_event(outputs, self.target(batch), self.class_weights)
        return spread_over_batch(values, is_valid, (valid_share or {}).get("classes"))

    def predict(self, outputs: Tensor) -> Tensor:
        """Return class probabilities, shape (B, C)."""
        return at_least_single(outputs).softmax(dim=-1)
