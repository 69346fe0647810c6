"""Raw numbers to network inputs and back; saved as ``normalization.json`` beside the weights.

Energies, momenta and masses enter as standardized log(1 + x / GeV), pseudorapidity and counts
standardized, flags as they are. Azimuth enters as cosine and sine of phi - met_phi only: periodic,
and invariant under a rotation of the whole event. Statistics use the true mask (a legitimate zero
counts) and the absolute event weights. Read next: ``extra_features.py``, beyond the schema.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from colliderfm.data.event_batch import EventBatch
from colliderfm.data.event_schema import GLOBAL_FEATURES, OBJECT_FEATURES
from colliderfm.data.event_table import EventTable
from colliderfm.data.extra_features import ExtraFeatures, extra_features
from colliderfm.data.feature_rules import (
    GLOBAL_INPUTS,
    GLOBAL_RULES,
    OBJECT_INPUTS,
    OBJECT_RULES,
    FeatureRule,
    InputChoice,
)
from colliderfm.data.moments import Moments
from colliderfm.errors import CheckpointError, ConfigError

__all__ = ["GLOBAL_INPUTS", "GLOBAL_RULES", "OBJECT_INPUTS", "OBJECT_RULES", "Normalizer"]
_FIT_BATCH = 4096
_PHI, _MET_PHI = OBJECT_FEATURES.index("phi"), GLOBAL_FEATURES.index("met_phi")


class Normalizer(torch.nn.Module):
    """Map an ``EventBatch`` to network inputs. Without ``fit`` it only takes the logarithms.

    The inputs are named, in order, by ``OBJECT_INPUTS`` (8) and ``GLOBAL_INPUTS`` (10).
    ``object_extras`` and ``global_extras`` map features beyond the schema; None without any.

    Parameters
    ----------
    choice : InputChoice, optional
        Globals that are withheld, and extras; neither by default.
    """

    object_mean: torch.Tensor
    object_std: torch.Tensor
    global_mean: torch.Tensor
    global_std: torch.Tensor
    _object_columns: torch.Tensor
    _global_columns: torch.Tensor
    _is_withheld: torch.Tensor

    def __init__(self, choice: InputChoice | None = None) -> None:
        super().__init__()
        self.choice = choice = choice or InputChoice()
        for kind, rules, names in (
            ("object", OBJECT_RULES, OBJECT_FEATURES),
            ("global", GLOBAL_RULES, GLOBAL_FEATURES),
        ):
            self.register_buffer(f"{kind}_mean", torch.zeros(len(rules)))
            self.register_buffer(f"{kind}_std", torch.ones(len(rules)))
            columns = torch.tensor([names.index(rule.name) for rule in rules])
            is_log = torch.tensor([rule.is_log for rule in rules])
            self.register_buffer(f"_{kind}_columns", columns, persistent=False)
            self.register_buffer(f"_{kind}_is_log", is_log, persistent=False)
        is_withheld = [name in choice.withheld_globals for name in GLOBAL_INPUTS]
        self.register_buffer("_is_withheld", torch.tensor(is_withheld), persistent=False)
        self.object_extras = extra_features("object", choice.object_extras)
        self.global_extras = extra_features("global", choice.global_extras)

    @classmethod
    def fit(
        cls, events: EventTable | Iterable[EventBatch], choice: InputChoice | None = None
    ) -> Normalizer:
        """Measure means and widths over real objects and over events, with absolute weights.

        Parameters
        ----------
        events : EventTable or iterable of EventBatch
            Training events.
        choice : InputChoice, optional
            Globals that are withheld, and extras; neither by default.

        Returns
        -------
        Normalizer
            With its buffers set.

        Raises
        ------
        DataError
            If there are no events, no objects, or all weights are zero, or an extra is missing.
        """
        normalizer = cls(choice)
        moments = {"object": Moments(len(OBJECT_RULES)), "global": Moments(len(GLOBAL_RULES))}
        for batch in _batches(events):
            weight = batch.weight.double().abs()
            of_object = weight[:, None].expand(batch.mask.shape)[batch.mask]
            objects = normalizer._logged("object", batch.objects[batch.mask].double())
            moments["object"].add(objects, of_object)
            moments["global"].add(normalizer._logged("global", batch.globals.double()), weight)
            normalizer._measure_extras(batch)
        for kind, rules in (("object", OBJECT_RULES), ("global", GLOBAL_RULES)):
            mean, std = moments[kind].mean_and_std(kind)
            keep = torch.tensor([rule.is_standardized for rule in rules])
            getattr(normalizer, f"{kind}_mean").copy_(torch.where(keep, mean, 0.0))
            getattr(normalizer, f"{kind}_std").copy_(torch.where(keep, std, 1.0))
        for extras in normalizer._extras():
            extras.settle()
        return normalizer

    def _extras(self) -> list[ExtraFeatures]:
        return [e for e in (self.object_extras, self.global_extras) if e is not None]

    def _measure_extras(self, batch: EventBatch) -> None:
        weight = batch.weight.abs()
        if self.object_extras is not None:
            self.object_extras.measure(batch.object_extras, weight[:, None] * batch.mask)
        if self.global_extras is not None:
            self.global_extras.measure(batch.extras, weight)

    def forward(self, batch: EventBatch) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the network inputs of a batch.

        Parameters
        ----------
        batch : EventBatch
            Raw units, GeV and radians.

        Returns
        -------
        objects : Tensor, shape (B, N, 8), dimensionless
            In the order of ``OBJECT_INPUTS``; zero where padded.
        globals : Tensor, shape (B, 10), dimensionless
            In the order of ``GLOBAL_INPUTS``; zero, the mean, where withheld.
        """
        angle = batch.objects[..., _PHI] - batch.globals[:, None, _MET_PHI]
        scaled = (self._logged("object", batch.objects) - self.object_mean) / self.object_std
        objects = torch.cat([scaled, angle.cos()[..., None], angle.sin()[..., None]], dim=-1)
        event = (self._logged("global", batch.globals) - self.global_mean) / self.global_std
        if self.choice.withheld_globals:
            event = event.masked_fill(self._is_withheld, 0.0)
        return objects * batch.mask[..., None], event

    def inverse(
        self, objects: torch.Tensor, event: torch.Tensor, met_phi: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return raw objects (B, N, 7) and globals (B, 11) from what ``forward`` gives.

        See ``inverse_objects`` and ``inverse_globals``, which do the one and the other.
        """
        return self.inverse_objects(objects, met_phi), self.inverse_globals(event, met_phi)

    def inverse_objects(self, objects: torch.Tensor, met_phi: torch.Tensor) -> torch.Tensor:
        """Return raw objects from network inputs; the object part of ``inverse``.

        Parameters
        ----------
        objects : Tensor, shape (B, N, 8), dimensionless
            In the order of ``OBJECT_INPUTS``; only the ratio of cosine and sine counts.
        met_phi : Tensor, shape (B,), radians
            The direction that azimuth is relative to.

        Returns
        -------
        Tensor, shape (B, N, 7)
            In the order of ``OBJECT_FEATURES``, GeV and radians, phi in (-pi, pi].
        """
        n_scaled = len(OBJECT_RULES)
        angle = torch.atan2(objects[..., n_scaled + 1], objects[..., n_scaled]) + met_phi[:, None]
        raw = objects.new_empty(*objects.shape[:2], len(OBJECT_FEATURES))
        raw[..., self._object_columns] = self._unlogged("object", objects[..., :n_scaled])
        raw[..., _PHI] = torch.atan2(angle.sin(), angle.cos())
        return raw

    def inverse_globals(self, event: torch.Tensor, met_phi: torch.Tensor) -> torch.Tensor:
        """Return raw globals from network inputs; the event part of ``inverse``.

        Parameters
        ----------
        event : Tensor, shape (B, 10), dimensionless
            In the order of ``GLOBAL_INPUTS``.
        met_phi : Tensor, shape (B,), radians
            The direction that azimuth is relative to; the inputs do not contain it.

        Returns
        -------
        Tensor, shape (B, 11)
            In the order of ``GLOBAL_FEATURES``, GeV and radians.
        """
        raw = event.new_empty(len(event), len(GLOBAL_FEATURES))
        raw[:, self._global_columns] = self._unlogged("global", event)
        raw[:, _MET_PHI] = met_phi
        return raw

    def _logged(self, kind: str, raw: torch.Tensor) -> torch.Tensor:
        """Select the features of the rules; take logarithms where they say so."""
        values = raw[..., getattr(self, f"_{kind}_columns")]
        return torch.where(getattr(self, f"_{kind}_is_log"), values.clamp(min=0).log1p(), values)

    def _unlogged(self, kind: str, scaled: torch.Tensor) -> torch.Tensor:
        values = scaled * getattr(self, f"{kind}_std") + getattr(self, f"{kind}_mean")
        is_log = getattr(self, f"_{kind}_is_log")
        return torch.where(is_log, torch.where(is_log, values, 0.0).expm1(), values)

    def to_json(self) -> str:
        """Return names, rules, means and widths as JSON text; the numbers survive bit by bit."""
        content: dict[str, Any] = {
            kind: [
                {
                    "name": rule.name,
                    "log": rule.is_log,
                    "standardized": rule.is_standardized,
                    "mean": float(mean),
                    "std": float(std),
                }
                for rule, mean, std in zip(
                    rules, getattr(self, f"{kind}_mean"), getattr(self, f"{kind}_std"), strict=True
                )
            ]
            for kind, rules in (("object", OBJECT_RULES), ("global", GLOBAL_RULES))
        }
        if self.choice != InputChoice():
            content["choice"] = asdict(self.choice)
            content |= {f"{extras.kind}_extras": extras.to_entries() for extras in self._extras()}
        return json.dumps(content, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Normalizer:
        """Rebuild a normalizer.

        Parameters
        ----------
        text : str
            From ``to_json``.

        Returns
        -------
        Normalizer
            With equal buffers.

        Raises
        ------
        CheckpointError
            If the text is not JSON, or its features or rules are not those of this version.
        """
        try:
            content = json.loads(text)
            choice = {key: tuple(names) for key, names in content.get("choice", {}).items()}
            normalizer = cls(InputChoice(**choice))
            for kind, rules in (("object", OBJECT_RULES), ("global", GLOBAL_RULES)):
                saved = [FeatureRule(e["name"], e["log"], e["standardized"]) for e in content[kind]]
                if saved != list(rules):
                    raise CheckpointError(
                        f"normalization.json: other {kind} features",
                        got=", ".join(rule.name for rule in saved),
                        need=", ".join(rule.name for rule in rules),
                    )
                for part in ("mean", "std"):
                    values = torch.tensor([float(entry[part]) for entry in content[kind]])
                    getattr(normalizer, f"{kind}_{part}").copy_(values)
            for extras in normalizer._extras():
                extras.set_entries(content[f"{extras.kind}_extras"])
        except (ValueError, KeyError, TypeError, AttributeError, ConfigError) as err:
            raise CheckpointError("normalization.json cannot be read", got=repr(err)) from err
        return normalizer


def _batches(events: EventTable | Iterable[EventBatch]) -> Iterator[EventBatch]:
    if not isinstance(events, EventTable):
        yield from events
        return
    for start in range(0, len(events), _FIT_BATCH):
        yield events.batch(np.arange(start, min(start + _FIT_BATCH, len(events))))
