"""The numbers of one training run and its outcome. Read next: :mod:`colliderfm.train.loop`."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, Protocol

from colliderfm.errors import ConfigError

# Not part of what fixes the weights: how often to save and where to compute may change on resume.
_FREE_ON_RESUME = frozenset({"checkpoint_every", "device", "shard_parameters"})


class PretrainingRecipe(Protocol):
    """Numbers that the pretraining of every model family has; see params.yaml for their meaning."""

    @property
    def max_updates(self) -> int:
        """Cap on the updates."""
        ...

    @property
    def validate_every(self) -> int:
        """Updates between two validations."""
        ...

    @property
    def checkpoint_every(self) -> int:
        """Updates between two checkpoints."""
        ...

    @property
    def learning_rate(self) -> float:
        """Peak rate of all weights."""
        ...

    @property
    def weight_decay(self) -> float:
        """Decoupled weight decay."""
        ...

    @property
    def warmup_fraction(self) -> float:
        """Share of the updates in linear warm-up."""
        ...

    @property
    def ema_decay(self) -> float:
        """Decay of the running average of the weights."""
        ...

    @property
    def clip_norm(self) -> float:
        """Largest gradient norm."""
        ...


@dataclass(frozen=True)
class FitSettings:
    """Settings of ``fit``. Updates count optimizer steps; the batch size is the loader's business.

    Parameters
    ----------
    max_updates : int
        Cap on the updates; the cosine schedule ends there.
    validate_every : int
        Updates between two validations; the last update is always validated.
    monitor, mode : str
        Validation metric that chooses the best weights, and whether ``"min"`` or ``"max"`` is good.
    patience : int
        Validations without improvement before the run stops on a plateau; 0 = no early stopping.
    encoder_learning_rate, head_learning_rate : float
        Peak rates of the parameters below ``model.encoder`` and of all others.
    weight_decay : float
        Decoupled weight decay; not applied to biases, norms and other vectors.
    warmup_updates : int
        Updates of linear warm-up.
    ema_decay : float
        Final decay of the running average of the weights, in [0, 1).
    clip_norm : float
        Largest gradient norm; 0 = no clipping.
    precision : str
        ``"auto"`` (bf16 autocast on a GPU, fp32 on a CPU), ``"fp32"`` or ``"bf16"``.
    device : str
        ``"auto"``, ``"cpu"`` or ``"cuda"``.
    checkpoint_every : int
        Updates between two checkpoints; 0 = at the end and on a signal only.
    log_every : int
        Updates over which the training metrics are averaged before they go to the tracker.
    seed : int
        Seed of dropout and every other draw inside an update.
    events_per_pass : int
        Most events in one pass of an update, if the task can cut a batch (``PartedTask``); gradients
        add up to those of the whole batch. 0 = the whole batch at once.
    shard_parameters : bool
        In a distributed run, shard parameters and moments over the ranks (FSDP) instead of
        replicating them (DDP).

    Raises
    ------
    ConfigError
        If a value is out of range; the message names it.
    """

    max_updates: int
    validate_every: int
    monitor: str = "val/loss"
    mode: Literal["min", "max"] = "min"
    patience: int = 0
    encoder_learning_rate: float = 1e-3
    head_learning_rate: float = 1e-3
    weight_decay: float = 0.05
    warmup_updates: int = 0
    ema_decay: float = 0.999
    clip_norm: float = 1.0
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    checkpoint_every: int = 0
    log_every: int = 10
    seed: int = 0
    events_per_pass: int = 0
    shard_parameters: bool = False

    def __post_init__(self) -> None:
        for name, low in (
            ("max_updates", 1),
            ("validate_every", 1),
            ("log_every", 1),
            ("patience", 0),
            ("warmup_updates", 0),
            ("checkpoint_every", 0),
            ("encoder_learning_rate", 0.0),
            ("head_learning_rate", 0.0),
            ("weight_decay", 0.0),
            ("ema_decay", 0.0),
            ("clip_norm", 0.0),
            ("events_per_pass", 0),
        ):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= low):
                raise ConfigError(f"training setting {name}", got=value, need=f">= {low}")
        if self.ema_decay >= 1.0:
            raise ConfigError("training setting ema_decay", got=self.ema_decay, need="< 1")
        for name, allowed in (
            ("mode", ("min", "max")),
            ("precision", ("auto", "fp32", "bf16")),
            ("device", ("auto", "cpu", "cuda")),
        ):
            if getattr(self, name) not in allowed:
                raise ConfigError(
                    f"training setting {name}",
                    got=getattr(self, name),
                    need="one of " + ", ".join(allowed),
                )

    @classmethod
    def of_pretraining(
        cls,
        recipe: PretrainingRecipe,
        *,
        precision: Any,
        device: Any,
        seed: int,
        events_per_pass: int = 0,
    ) -> FitSettings:
        """Return the settings of a pretraining: one rate, the smallest validation loss wins.

        Parameters
        ----------
        recipe : PretrainingRecipe
            The numbers of a model family.
        precision, device : str
            As for the class.
        seed, events_per_pass : int
            As for the class.
        """
        return cls(
            max_updates=recipe.max_updates,
            validate_every=recipe.validate_every,
            encoder_learning_rate=recipe.learning_rate,
            head_learning_rate=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            warmup_updates=int(recipe.warmup_fraction * recipe.max_updates),
            ema_decay=recipe.ema_decay,
            clip_norm=recipe.clip_norm,
            precision=precision,
            device=device,
            checkpoint_every=recipe.checkpoint_every,
            seed=seed,
            events_per_pass=events_per_pass,
        )

    def fixed_on_resume(self) -> dict[str, Any]:
        """Return the settings that a resumed run must share with its checkpoint."""
        return {key: value for key, value in asdict(self).items() if key not in _FREE_ON_RESUME}


@dataclass(frozen=True)
class FitResult:
    """Outcome of ``fit``; the model then holds the best averaged weights.

    Parameters
    ----------
    best_metric : float
        Best value of the monitored validation metric.
    best_update : int
        Update at which it was reached.
    updates : int
        Updates done.
    stopped : str
        ``"plateau"`` (early stopping) or ``"cap"`` (``max_updates`` reached).
    seconds : float
        Wall time inside ``fit``, summed over all sittings up to their last checkpoint.
    history : list of dict
        One entry per validation: ``update``, the train metrics of the window, the ``val/`` metrics.
    resumed_from : int
        Update of the checkpoint this call started from; 0 = from scratch.
    """

    best_metric: float
    best_update: int
    updates: int
    stopped: Literal["plateau", "cap"]
    seconds: float
    history: list[dict[str, float]] = field(default_factory=list)
    resumed_from: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the outcome without the history, e.g. for a JSON summary."""
        names = [item.name for item in fields(self) if item.name != "history"]
        return {name: getattr(self, name) for name in names}
