"""Building blocks of the schema: value ranges, the strict base section, blocks that studies share.

Read next: ``schema.py``, the tree itself.
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

Init = Literal["scratch", "pretrained"]
Arm = Literal["scratch", "pretrained", "xgboost"]
SpectrumArm = Literal["scratch", "pretrained", "untrained", "lda", "pca", "bayes"]
Variant = Literal["cls", "cls-assign", "ssl", "cls-gen", "cls-gen-seg", "all"]
Size = Literal["tiny", "small", "base", "large"]
SpectrumVariant = Literal["contrastive", "distance"]
SpectrumTask = Literal["study", "hard"]
WilsonOrder = Literal["linear", "quadratic"]
# YAML reads a bare ``off`` as false; both spellings mean the same.
MultipartonInteractions = Annotated[
    Literal["off", "light", "full"], BeforeValidator(lambda word: "off" if word is False else word)
]


class Section(BaseModel):
    """One block of params.yaml: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class LearningRates(Section):
    """Learning rates of one arm."""

    encoder_learning_rate: Positive
    head_learning_rate: Positive

    @property
    def encoder_rate(self) -> float:
        """Peak rate of the encoder, all factors included."""
        return self.encoder_learning_rate


class PretrainedArm(LearningRates):
    """What a pretrained encoder brings along and how it is trained on."""

    encoder_rate_factor: Positive
    freeze: Switch
    heads: tuple[str, ...]
    normalizer: Literal["pretrained", "data"]

    @property
    def encoder_rate(self) -> float:
        """Peak rate of the encoder, all factors included."""
        return self.encoder_learning_rate * self.encoder_rate_factor

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        require_each_once(heads=self.heads)
        return self


class SweepParams(Section):
    """Search space and budget of the learning-rate sweep."""

    trials: Count
    seeds: Count
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
        require_each_once(inits=self.inits, events=self.events)
        return self


class SpectrumComparison(Section):
    """The same for spectra: arms x labeled replicas x seeds."""

    inits: Annotated[tuple[SpectrumArm, ...], Field(min_length=1)]
    events: Annotated[tuple[CountOrZero, ...], Field(min_length=1)]
    seeds: Count

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        require_each_once(inits=self.inits, events=self.events)
        return self


def require_each_once(**named: tuple[object, ...]) -> None:
    """Refuse a list that names something twice (``ValueError`` with the name of the list)."""
    for name, values in named.items():
        if len(set(values)) != len(values):
            raise ValueError(f"{name} must be named once each")
