"""``Params``: the only description of params.yaml. Frozen, typed, and it refuses unknown keys.

Read next: ``load.py`` turns files and ``--set`` options into this tree and explains what is wrong.
The meaning of each key stands above it in params.yaml.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Probability = Annotated[float, Field(ge=0.0, lt=1.0)]
Share = Annotated[float, Field(gt=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
NonNegative = Annotated[float, Field(ge=0.0)]
Count = Annotated[int, Field(gt=0, strict=True)]
CountOrZero = Annotated[int, Field(ge=0, strict=True)]
Switch = Annotated[bool, Field(strict=True)]
Range = Annotated[tuple[float, float], Field(description="[low, high]")]

Study = Literal["haa"]
ModelFamily = Literal["event"]
Init = Literal["scratch", "pretrained"]
Arm = Literal["scratch", "pretrained", "xgboost"]
Variant = Literal["cls", "cls-assign"]
Size = Literal["tiny", "small", "base", "large"]
# YAML reads a bare ``off`` as false; both spellings mean the same.
MultipartonInteractions = Annotated[
    Literal["off", "light", "full"], BeforeValidator(lambda word: "off" if word is False else word)
]


class Section(BaseModel):
    """One block of params.yaml: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Compute(Section):
    """Where and with how many threads and processes."""

    threads: Count
    workers: Count
    device: Literal["auto", "cpu", "cuda"]
    precision: Literal["auto", "fp32", "bf16"]

    @model_validator(mode="after")
    def _precision_fits_device(self) -> Self:
        if self.device == "cpu" and self.precision == "bf16":
            raise ValueError("precision bf16 needs a GPU: set compute.precision to auto or fp32")
        return self


class Paths(Section):
    """Folders, relative to the project."""

    data: str
    corpora: str
    runs: str
    encoders: str


class Simulation(Section):
    """Generator and detector settings."""

    collision_energy_gev: Positive
    mpi: MultipartonInteractions
    events_per_shard: Count
    batch_events: Count
    jet_pt_min_gev: Positive
    lepton_pt_min_gev: Positive
    eta_max: Annotated[float, Field(gt=0.0, le=4.9)]


class EventModelParams(Section):
    """Shape of the event network."""

    size: Size
    pair_features: Switch
    dropout: Probability


class ModelParams(Section):
    """Networks, one per family."""

    event: EventModelParams


class EventPretraining(Section):
    """Pretraining of the event encoder."""

    set: str
    processes: Annotated[tuple[str, ...], Field(min_length=2)]
    variant: Variant
    assign_weight: NonNegative
    batch_size: Count
    max_updates: Count
    learning_rate: Positive
    weight_decay: NonNegative
    warmup_fraction: Probability
    ema_decay: Probability
    clip_norm: Positive
    validate_every: Count
    checkpoint_every: Count

    @model_validator(mode="after")
    def _assignment_needs_weight(self) -> Self:
        if self.variant == "cls-assign" and self.assign_weight == 0:
            raise ValueError("variant cls-assign needs assign_weight > 0; use variant cls instead")
        if len(set(self.processes)) != len(self.processes):
            raise ValueError("each process must be named once")
        return self


class Pretraining(Section):
    """Pretraining, one block per family."""

    event: EventPretraining


class LearningRates(Section):
    """Learning rates of one arm."""

    encoder_learning_rate: Positive
    head_learning_rate: Positive


class SweepParams(Section):
    """Search space and budget of the learning-rate sweep."""

    trials: Count
    events: Count
    encoder_learning_rate: Range
    head_learning_rate: Range

    @model_validator(mode="after")
    def _ranges_ascend(self) -> Self:
        for name in ("encoder_learning_rate", "head_learning_rate"):
            low, high = getattr(self, name)
            if not 0 < low < high:
                raise ValueError(f"{name} must be [low, high] with 0 < low < high")
        return self


class Comparison(Section):
    """Grid of a comparison: arms x training events x seeds."""

    inits: Annotated[tuple[Arm, ...], Field(min_length=1)]
    events: Annotated[tuple[CountOrZero, ...], Field(min_length=1)]
    seeds: Count

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for name in ("inits", "events"):
            if len(set(getattr(self, name))) != len(getattr(self, name)):
                raise ValueError(f"{name} must be named once each")
        return self


class HaaMetrics(Section):
    """How study haa is judged."""

    signal_efficiencies: Annotated[tuple[Share, ...], Field(min_length=1)]
    min_background_events: Count
    bootstrap_replicas: Count


class XgboostParams(Section):
    """The boosted-tree baseline."""

    max_rounds: Count
    patience: Count
    depths: Annotated[tuple[Count, ...], Field(min_length=1)]
    learning_rate: Share


class HaaStudy(Section):
    """Study haa: H -> aa -> 4b against QCD multijets."""

    set: str
    signals: Annotated[tuple[str, ...], Field(min_length=1)]
    backgrounds: Annotated[tuple[str, ...], Field(min_length=1)]
    signal_fraction: Annotated[float, Field(gt=0.0, lt=1.0)]
    assign_weight: NonNegative
    batch_size: Count
    max_updates: Count
    validate_every: Count
    patience: Count
    weight_decay: NonNegative
    validation_events: Annotated[int, Field(ge=20)]
    warmup_updates: CountOrZero
    ema_decay: Probability
    clip_norm: Positive
    scratch: LearningRates
    pretrained: LearningRates
    sweep: SweepParams
    comparison: Comparison
    metrics: HaaMetrics
    xgboost: XgboostParams

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.warmup_updates >= self.max_updates:
            raise ValueError("warmup_updates must be smaller than max_updates")
        if set(self.signals) & set(self.backgrounds):
            raise ValueError("a process cannot be both signal and background")
        smallest = min((n for n in self.comparison.events if n), default=0)
        if smallest and smallest * self.signal_fraction < len(self.signals):
            raise ValueError(
                f"{smallest} training events at signal_fraction {self.signal_fraction} hold fewer "
                f"signal events than there are signal samples ({len(self.signals)})"
            )
        return self

    def learning_rates(self, init: Init) -> LearningRates:
        """Return the learning rates of an arm."""
        return self.scratch if init == "scratch" else self.pretrained


class Studies(Section):
    """One block per study."""

    haa: HaaStudy


class Params(Section):
    """The whole of params.yaml."""

    seed: CountOrZero
    compute: Compute
    paths: Paths
    simulation: Simulation
    model: ModelParams
    pretrain: Pretraining
    studies: Studies
