"""Running average (EMA) of parameters *and* buffers.

Averaging parameters alone leaves batch-norm statistics of other weights behind; here every floating
tensor of the state is averaged and every integer one is copied. Read next:
:mod:`colliderfm.train.loop`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from colliderfm.train.distributed import own_shard


def warmed_decay(decay: float, updates: int) -> float:
    """Return the decay used in an update: small at first so that the start is forgotten quickly.

    Parameters
    ----------
    decay : float
        Final decay.
    updates : int
        Number of this update, from 1.

    Returns
    -------
    float
        ``min(decay, updates / (updates + 9))``: 0.1 in the first update, 0.5 in the ninth.

    Examples
    --------
    >>> warmed_decay(0.999, 1), warmed_decay(0.999, 9), warmed_decay(0.999, 100000)
    (0.1, 0.5, 0.999)
    """
    return min(decay, updates / (updates + 9))


class WeightAverage:
    """Exponential running average of a module's state.

    Parameters
    ----------
    model : torch.nn.Module
        The average starts as a copy of its state (parameters and persistent buffers).
    decay : float
        Final decay, see ``warmed_decay``.
    """

    def __init__(self, model: torch.nn.Module, decay: float) -> None:
        self.decay = decay
        self.state = {name: value.detach().clone() for name, value in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: torch.nn.Module, updates: int) -> None:
        """Move the average towards the model's state after update number ``updates``."""
        weight = 1.0 - warmed_decay(self.decay, updates)
        averaged, current = [], []
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                averaged.append(own_shard(self.state[name]))
                current.append(own_shard(value))
            else:
                self.state[name].copy_(value)
        torch._foreach_lerp_(averaged, current, weight)

    @contextmanager
    def applied_to(self, model: torch.nn.Module) -> Iterator[None]:
        """Run a block with the averaged weights in ``model``, in evaluation mode.

        Weights and the train/eval mode of every submodule are put back exactly.
        """
        live = {name: value.detach().clone() for name, value in model.state_dict().items()}
        modes = [(module, module.training) for module in model.modules()]
        load_state(model, self.state)
        model.eval()
        try:
            yield
        finally:
            load_state(model, live)
            for module, mode in modes:
                module.training = mode


@torch.no_grad()
def load_state(model: torch.nn.Module, state: dict[str, torch.Tensor]) -> None:
    """Copy tensors of equal layout into a model's state, in place."""
    for name, value in model.state_dict().items():
        value.copy_(state[name])
