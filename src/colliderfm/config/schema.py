"""``Params``: the only description of params.yaml. Frozen, typed, and it refuses unknown keys.

Read next: ``load.py`` turns files and ``--set`` options into this tree and explains what is wrong.
The meaning of each key stands above it in params.yaml.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from colliderfm.config.sections import (
    Comparison,
    Count,
    CountOrZero,
    Init,
    LearningRates,
    MultipartonInteractions,
    NonNegative,
    Positive,
    PretrainedArm,
    Probability,
    Range,
    Section,
    Share,
    Size,
    SpectrumComparison,
    SpectrumTask,
    SpectrumVariant,
    SweepParams,
    Switch,
    Variant,
    WilsonOrder,
    require_each_once,
)


class Compute(Section):
    """Where and with how many threads and processes."""

    threads: Count
    workers: Count
    device: Literal["auto", "cpu", "cuda"]
    precision: Literal["auto", "fp32", "bf16"]
    events_per_pass: CountOrZero

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


class Theory(Section):
    """Drell-Yan spectra: what is computed, with which inputs."""

    pdf: str
    mu_f: Literal["mll", "pt", "fixed"]
    mu_fixed_gev: Positive
    nf: Literal[4, 5]
    order: WilsonOrder
    width: Literal["fixed", "linear"]
    lambda_tev: float
    collision_energy_gev: Positive
    pt_min_gev: NonNegative
    eta_max: Positive
    pt_mll_range_gev: Range
    forward_backward: Switch
    joint_bins: Switch


class Replicas(Section):
    """Corpus of universes (sets of Wilson coefficients) and of noisy replicas of their spectra."""

    table: str
    other_densities_table: str
    order: WilsonOrder
    sampling: Literal["log_uniform", "gaussian", "informed"]
    sparsity: Literal["coefficient", "universe"]
    universes: Annotated[int, Field(ge=2, strict=True)]
    unseen_universes: Annotated[int, Field(ge=2, strict=True)]
    universe_seed: CountOrZero
    stored_replicas: Count
    study_delta_sigma_rel: Share
    hard_delta_sigma_rel: Share
    length_gev: Positive
    joint_covariance: Switch


class EventModelParams(Section):
    """Shape of the event network."""

    size: Size
    pair_features: Switch
    dropout: Probability

    @property
    def label(self) -> str:
        """Size as runs name it."""
        return self.size


class SpectrumModelParams(Section):
    """Shape of the spectrum network."""

    kind: Literal["dense", "transformer"]
    hidden: Count
    layers: Count
    latent: Count
    dropout: Probability
    batch_norm: Switch
    inputs: Literal["noise", "raw", "ratio", "standard", "asinh"]

    @property
    def label(self) -> str:
        """Size as runs name it, e.g. ``dense 3x256 d8``."""
        return f"{self.kind} {self.layers}x{self.hidden} d{self.latent}"


class ModelParams(Section):
    """Networks, one per family."""

    event: EventModelParams
    spectrum: SpectrumModelParams


class EventPretraining(Section):
    """Pretraining of the event encoder."""

    set: str
    processes: Annotated[tuple[str, ...], Field(min_length=2)]
    variant: Variant
    self_supervised_fraction: Probability
    first_masked_fraction: Share
    largest_topology_weight: NonNegative
    assign_weight: NonNegative
    regress_weight: NonNegative
    segment_weight: NonNegative
    cloud_weight: NonNegative
    invisible_weight: NonNegative
    noised_classes_weight: NonNegative
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


class SpectrumPretraining(Section):
    """Pretraining of the spectrum encoder."""

    set: str
    task: SpectrumTask
    variant: SpectrumVariant
    margin: Positive
    positive_fraction: Annotated[float, Field(gt=0.0, lt=1.0)]
    fresh_universes: Switch
    masked_bins_weight: NonNegative
    directions_weight: NonNegative
    truncation_weight: NonNegative
    densities_weight: NonNegative
    decoder_weight: NonNegative
    batch_size: Annotated[int, Field(ge=2, strict=True)]
    max_updates: Count
    learning_rate: Positive
    weight_decay: NonNegative
    l2: NonNegative
    warmup_fraction: Probability
    ema_decay: Probability
    clip_norm: Positive
    validate_every: Count
    checkpoint_every: Count


class Pretraining(Section):
    """Pretraining, one block per family."""

    event: EventPretraining
    spectrum: SpectrumPretraining


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
    global_inputs: tuple[str, ...]
    object_extras: tuple[str, ...]
    signal_fraction: Annotated[float, Field(gt=0.0, lt=1.0)]
    assign_weight: NonNegative
    batch_size: Count
    max_updates: Count
    max_epochs: CountOrZero
    validate_every: Count
    patience: Count
    patience_epochs: NonNegative
    weight_decay: NonNegative
    validation_events: Annotated[int, Field(ge=20)]
    warmup_updates: CountOrZero
    ema_decay: Probability
    clip_norm: Positive
    scratch: LearningRates
    pretrained: PretrainedArm
    sweep: SweepParams
    comparison: Comparison
    metrics: HaaMetrics
    xgboost: XgboostParams

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.warmup_updates >= self.max_updates:
            raise ValueError("warmup_updates must be smaller than max_updates")
        require_each_once(global_inputs=self.global_inputs, object_extras=self.object_extras)
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


class SmeftMetrics(Section):
    """How study smeft is judged."""

    neighbors: Count
    test_replicas: Count
    anomaly_replicas: Count
    pseudo_experiments: Annotated[int, Field(ge=20, strict=True)]
    bootstrap_replicas: Count


class SmeftStudy(Section):
    """Study smeft: which universe made a Drell-Yan spectrum, how sure is one, and is it in any."""

    set: str
    task: SpectrumTask
    replicas_per_universe: Count
    batch_size: Count
    max_updates: Count
    validate_every: Count
    patience: Count
    weight_decay: NonNegative
    warmup_updates: CountOrZero
    ema_decay: Probability
    clip_norm: Positive
    concentration: Positive
    off_manifold_weight: NonNegative
    scratch: LearningRates
    pretrained: LearningRates
    sweep: SweepParams
    comparison: SpectrumComparison
    metrics: SmeftMetrics

    def learning_rates(self, init: Init) -> LearningRates:
        """Return the learning rates of an arm."""
        return self.scratch if init == "scratch" else self.pretrained


class Studies(Section):
    """One block per study."""

    haa: HaaStudy
    smeft: SmeftStudy


class Params(Section):
    """The whole of params.yaml."""

    seed: CountOrZero
    compute: Compute
    paths: Paths
    simulation: Simulation
    theory: Theory
    replicas: Replicas
    model: ModelParams
    pretrain: Pretraining
    studies: Studies
