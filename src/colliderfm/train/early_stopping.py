"""Which validation was the best, and when to stop. Read next: :mod:`colliderfm.train.loop`."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass
class EarlyStopping:
    """Follow a metric; state that a checkpoint carries.

    Parameters
    ----------
    mode : str
        ``"min"`` or ``"max"``.
    patience : int
        Validations without improvement that count as a plateau; 0 = never.
    best_metric, best_update, n_without_improvement
        Best value so far (NaN before the first), its update, validations since.
    """

    mode: Literal["min", "max"]
    patience: int
    best_metric: float = math.nan
    best_update: int = 0
    n_without_improvement: int = 0

    def observe(self, metric: float, update: int) -> bool:
        """Take one validation in; return True if it is the best so far."""
        is_better = (
            math.isnan(self.best_metric)
            or (self.mode == "min" and metric < self.best_metric)
            or (self.mode == "max" and metric > self.best_metric)
        )
        if is_better:
            self.best_metric, self.best_update, self.n_without_improvement = metric, update, 0
        else:
            self.n_without_improvement += 1
        return is_better

    @property
    def is_plateau(self) -> bool:
        """True once patience has run out."""
        return 0 < self.patience <= self.n_without_improvement

    def state_dict(self) -> dict[str, Any]:
        """Return the state as JSON values."""
        return asdict(self)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over the progress; mode and patience stay as configured."""
        self.best_metric = state["best_metric"]
        self.best_update = state["best_update"]
        self.n_without_improvement = state["n_without_improvement"]
