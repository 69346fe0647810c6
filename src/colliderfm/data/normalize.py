"""Raw numbers to network inputs and back; saved as ``normalization.json`` beside the weights.

Energies, momenta and masses enter as standardized log(1 + x / GeV), pseudorapidity and counts
standardized, flags as they are. Azimuth enters as cosine and sine of phi - met_phi only: periodic,
and invariant under a rotation of the whole event. Statistics use the true mask (a legitimate zero
counts) and the absolute event weights.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from colliderfm.data.event_batch import EventBatch
from colliderfm.data.event_schema import GLOBAL_FEATURES, OBJECT_FEATURES
from colliderfm.data.event_table import EventTable
from colliderfm.errors import CheckpointError, DataError

_FIT_BATCH = 4096
# A spread below this is rounding noise of a constant feature, which then keeps its scale.
_SMALLEST_STD = 1e-6


@dataclass(frozen=True)
class FeatureRule:
    """How a raw feature enters the network.

    Parameters
    ----------
    name : str
        Column of the event schema.
    is_log : bool
        Take log(1 + x) first.
    is_standardized : bool
        Subtract the mean and divide by the standard deviation.
    """

    name: str
    is_log: bool
    is_standardized: bool


# The one table of choices. An angle is absent here: it is handled relative to met_phi.
OBJECT_RULES = (
    FeatureRule("energy_gev", is_log=True, is_standardized=True),
    FeatureRule("pt_gev", is_log=True, is_standardized=True),
    FeatureRule("eta", is_log=False, is_standardized=True),
    FeatureRule("btag", is_log=False, is_standardized=False),
    FeatureRule("is_lepton", is_log=False, is_standardized=False),
    FeatureRule("charge", is_log=False, is_standardized=False),
)
GLOBAL_RULES = tuple(
    FeatureRule(name, is_log=name.endswith("_gev"), is_standardized=True)
    for name in GLOBAL_FEATURES
    if name != "met_phi"
)
OBJECT_INPUTS = (*(rule.name for rule in OBJECT_RULES), "cos_phi", "sin_phi")
GLOBAL_INPUTS = tuple(rule.name for rule in GLOBAL_RULES)

_PHI, _MET_PHI = OBJECT_FEATURES.index("phi"), GLOBAL_FEATURES.index("met_phi")


class Normalizer(torch.nn.Module):
    """Map an ``EventBatch`` to network inputs. Without ``fit`` it only takes the logarithms.

    The inputs are named, in order, by ``OBJECT_INPUTS`` (8) and ``GLOBAL_INPUTS`` (10).
    """

    object_mean: torch.Tensor
    object_std: torch.Tensor
    global_mean: torch.Tensor
    global_std: torch.Tensor
    _object_columns: torch.Tensor
    _global_columns: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
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

    @classmethod
    def fit(cls, events: EventTable | Iterable[EventBatch]) -> Normalizer:
        """Measure means and widths over real objects and over events, with absolute weights.

        Parameters
        ----------
        events : EventTable or iterable of EventBatch
            Training events.

        Returns
        -------
        Normalizer
            With its buffers set.

        Raises
        ------
        DataError
            If there are no events, no objects, or all weights are zero.
        """
        normalizer = cls()
        moments = {"object": _Moments(len(OBJECT_RULES)), "global": _Moments(len(GLOBAL_RULES))}
        for batch in _batches(events):
            weight = batch.weight.double().abs()
            of_object = weight[:, None].expand(batch.mask.shape)[batch.mask]
            objects = normalizer._logged("object", batch.objects[batch.mask].double())
            moments["object"].add(objects, of_object)
            moments["global"].add(normalizer._logged("global", batch.globals.double()), weight)
        for kind, rules in (("object", OBJECT_RULES), ("global", GLOBAL_RULES)):
            mean, std = moments[kind].mean_and_std(kind)
            keep = torch.tensor([rule.is_standardized for rule in rules])
            getattr(normalizer, f"{kind}_mean").copy_(torch.where(keep, mean, 0.0))
            getattr(normalizer, f"{kind}_std").copy_(torch.where(keep, std, 1.0))
        return normalizer

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
            In the order of ``GLOBAL_INPUTS``.
        """
        angle = batch.objects[..., _PHI] - batch.globals[:, None, _MET_PHI]
        scaled = (self._logged("object", batch.objects) - self.object_mean) / self.object_std
        objects = torch.cat([scaled, angle.cos()[..., None], angle.sin()[..., None]], dim=-1)
        event = (self._logged("global", batch.globals) - self.global_mean) / self.global_std
        return objects * batch.mask[..., None], event

    def invert(
        self, objects: torch.Tensor, event: torch.Tensor, met_phi: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return raw features from network inputs.

        Parameters
        ----------
        objects : Tensor, shape (B, N, 8), dimensionless
            As ``forward`` gives them. Padded slots have no meaning.
        event : Tensor, shape (B, 10), dimensionless
            As ``forward`` gives them.
        met_phi : Tensor, shape (B,), radians
            The direction that the inputs are relative to; the inputs do not contain it.

        Returns
        -------
        objects : Tensor, shape (B, N, 7)
            In the order of ``OBJECT_FEATURES``, GeV and radians, phi in (-pi, pi].
        globals : Tensor, shape (B, 11)
            In the order of ``GLOBAL_FEATURES``, GeV and radians.
        """
        n_scaled = len(OBJECT_RULES)
        angle = torch.atan2(objects[..., n_scaled + 1], objects[..., n_scaled]) + met_phi[:, None]
        raw_objects = objects.new_empty(*objects.shape[:2], len(OBJECT_FEATURES))
        raw_objects[..., self._object_columns] = self._unlogged("object", objects[..., :n_scaled])
        raw_objects[..., _PHI] = torch.atan2(angle.sin(), angle.cos())
        raw_globals = event.new_empty(len(event), len(GLOBAL_FEATURES))
        raw_globals[:, self._global_columns] = self._unlogged("global", event)
        raw_globals[:, _MET_PHI] = met_phi
        return raw_objects, raw_globals

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
        content = {
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
        normalizer = cls()
        try:
            content = json.loads(text)
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
        except (ValueError, KeyError, TypeError) as err:
            raise CheckpointError("normalization.json cannot be read", got=repr(err)) from err
        return normalizer


class _Moments:
    """Running weighted sums in double precision."""

    def __init__(self, n_features: int) -> None:
        self.weight = torch.zeros((), dtype=torch.float64)
        self.first = torch.zeros(n_features, dtype=torch.float64)
        self.second = torch.zeros(n_features, dtype=torch.float64)

    def add(self, values: torch.Tensor, weight: torch.Tensor) -> None:
        self.weight += weight.sum()
        self.first += weight @ values
        self.second += weight @ values**2

    def mean_and_std(self, kind: str) -> tuple[torch.Tensor, torch.Tensor]:
        if not self.weight > 0:
            raise DataError(f"no {kind} features to fit a normalizer on", need="events with weight")
        mean = self.first / self.weight
        std = (self.second / self.weight - mean**2).clamp(min=0).sqrt()
        return mean, torch.where(std > _SMALLEST_STD, std, 1.0)


def _batches(events: EventTable | Iterable[EventBatch]) -> Iterator[EventBatch]:
    if not isinstance(events, EventTable):
        yield from events
        return
    for start in range(0, len(events), _FIT_BATCH):
        yield events.batch(np.arange(start, min(start + _FIT_BATCH, len(events))))
