"""The one tensor contract: what a network, a loss and a metric receive for a batch of events.

Shape letters: B events, N object slots, F = 7 object features, G = 11 globals, R resonances. The
mask says True = real object. Units are raw: GeV, radians, elementary charges.
Read next: ``normalize.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from colliderfm.data.event_truth import EventTruth


@dataclass(frozen=True)
class PartOfBatch:
    """What a part of a larger batch must know so that the losses of all parts add up.

    Parameters
    ----------
    valid_share : dict of str to (dict of str to Tensor, shape ())
        By head and by what its loss needs: share of the events of the whole batch that have it.
    drawn : dict of str to object
        By head: what it drew at random for the events of the part.
    """

    valid_share: Mapping[str, Mapping[str, torch.Tensor]]
    drawn: Mapping[str, Any]


@dataclass(frozen=True)
class EventBatch:
    """Tensors of B events, padded to N objects and R resonances.

    Parameters
    ----------
    objects : Tensor, shape (B, N, 7), float32
        Features in the order of ``OBJECT_FEATURES``, GeV and radians; zero where padded.
    mask : Tensor, shape (B, N), bool
        True = real object.
    globals : Tensor, shape (B, 11), float32
        In the order of ``GLOBAL_FEATURES``, GeV and radians.
    process : Tensor, shape (B,), int64
        Index into ``PROCESSES``.
    weight : Tensor, shape (B,), float32
        Event weight, may be negative.
    decay : Tensor, shape (B, R), int64
        Index into ``physics.decays.DECAYS``; -1 pads.
    assignment : Tensor, shape (B, R, 4), int64
        Object slot of each visible daughter; -1 where none was found or the decay has fewer.
    extras : dict of str to Tensor, shape (B,), float32
        Further numbers of an event, e.g. ``m_a_gev``; NaN where absent.
    truth : EventTruth, optional
        Momenta of resonances and invisible particles; None unless read with ``truth=True``.
    object_extras : dict of str to Tensor, shape (B, N), float32
        Further numbers of the objects, e.g. ``ip3d_cm``; NaN where absent, 0 where padded.
    part : PartOfBatch, optional
        Set by ``models.batch_parts`` if these events are a part of a larger batch.
    """

    objects: torch.Tensor
    mask: torch.Tensor
    globals: torch.Tensor
    process: torch.Tensor
    weight: torch.Tensor
    decay: torch.Tensor
    assignment: torch.Tensor
    extras: dict[str, torch.Tensor] = field(default_factory=dict)
    truth: EventTruth | None = None
    object_extras: dict[str, torch.Tensor] = field(default_factory=dict)
    part: PartOfBatch | None = None

    def __len__(self) -> int:
        return self.mask.shape[0]

    @property
    def n_objects(self) -> torch.Tensor:
        """Number of real objects of each event, shape (B,), int64."""
        return self.mask.sum(dim=1)

    def trimmed(self) -> EventBatch:
        """Return the batch without the slots that are padding in every event; one slot remains."""
        filled = self.mask.any(dim=0).nonzero()
        width = int(filled[-1]) + 1 if len(filled) else 1
        if width == self.mask.shape[1]:
            return self
        return replace(
            self,
            objects=self.objects[:, :width],
            mask=self.mask[:, :width],
            truth=self.truth.trimmed(width) if self.truth else None,
            object_extras={name: t[:, :width] for name, t in self.object_extras.items()},
        )

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> EventBatch:
        """Return the batch on a device.

        Parameters
        ----------
        device : torch.device or str
            Target.
        non_blocking : bool
            Copy asynchronously from pinned memory.

        Returns
        -------
        EventBatch
            All tensors on ``device``.
        """
        return self.map(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> EventBatch:
        """Return the batch in page-locked memory, for asynchronous copies to a GPU."""
        return self.map(lambda tensor: tensor.pin_memory())

    def map(self, function: Callable[[torch.Tensor], torch.Tensor]) -> EventBatch:
        """Return the batch with a function applied to every tensor.

        Parameters
        ----------
        function : callable
            Tensor to tensor; must keep the event axis.

        Returns
        -------
        EventBatch
            New batch.
        """
        return EventBatch(
            objects=function(self.objects),
            mask=function(self.mask),
            globals=function(self.globals),
            process=function(self.process),
            weight=function(self.weight),
            decay=function(self.decay),
            assignment=function(self.assignment),
            extras={name: function(tensor) for name, tensor in self.extras.items()},
            truth=self.truth.map(function) if self.truth else None,
            object_extras={name: function(t) for name, t in self.object_extras.items()},
            part=self.part,
        )
